"""All checks of a configuration before anything is trained: of a single one, and of those that a search will meet.

None of them imports Keras.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from mnistsweep import data, devices, targets
from mnistsweep.config import checks, structure
from mnistsweep.config.checks import Faults
from mnistsweep.config.schema import Config
from mnistsweep.dimensions import Choice, Dimension, Float
from mnistsweep.errors import SpaceError
from mnistsweep.models import builders, losses, metrics, optimizers
from mnistsweep.planning.plan import Plan
from mnistsweep.space import Point, SearchSpace

# Of a choice of more numbers than this only so many are looked at, evenly spaced, the first and the last among them.
MAX_PROBED = 16


def check_one(plain: Mapping[str, Any], faults: Faults, added: Collection[str] = ()) -> Config:
    """Check one configuration; the data are left to `check_data`.

    Args:
        plain: The composed configuration, as `compose.to_plain` gives it.
        faults: What is wrong is added here.
        added: Top-level keys that the user added for interpolations.

    Returns:
        The typed configuration; defaults stand where a value was of the wrong type.

    Raises:
        ConfigError: A whole group is missing, so that nothing else can be checked.
    """
    with faults.fatal():
        config, found = structure.read(plain, added)
    faults.add(found, checks.limits(config))
    built_in = str(config.model.get("_target_")) in builders.BUILDERS
    faults.add(
        checks.sweep_keys(config, metrics_known=built_in),
        metrics.check(config.trainer.metrics),
        builders.check(config.model),
    )
    faults.add(losses.check(config.trainer.loss))
    faults.add(optimizers.check(config.optimizer, config.schedule, config.trainer.epochs))
    return config


def check_data(config: Config, faults: Faults) -> None:
    """Check the data of one configuration; files are read."""
    with faults.collecting():
        data.check(config.data)


def check_registered_metrics(config: Config, faults: Faults) -> None:
    """Check that the model's module registers the metrics named ``Package>Name``; imports Keras if there are any."""
    if not metrics.are_registered_names(config.trainer.metrics):
        return
    with faults.collecting(), devices.quiet_start():
        targets.resolve(str(config.model.get("_target_")), "model._target_")
        faults.add(metrics.unregistered(config.trainer.metrics))


def check_trials(plan: Plan, faults: Faults) -> None:
    """Check the configurations at points that show every value of every dimension, or both its ends."""
    added = {key for key in plan.space.keys if "." not in key}
    checked_data = cache(lambda text: check_data(Config(data=json.loads(text)), faults))
    for point in probes(plan.space, faults):
        here = Faults()
        with faults.collecting():
            config = check_one(plan.composer.plain(point, plan.config.seed), here, added)
            checked_data(json.dumps(config.data, sort_keys=True, default=str))
        faults.add(_hinted(fault, plan.space) for fault in here.config)


def _hinted(fault: str, space: SearchSpace) -> str:
    """The fault of a real number where a whole one is wanted says how an interval of whole ones is written."""
    for dimension in space.dimensions:
        if isinstance(dimension, Float) and fault.startswith(dimension.key) and "whole number" in fault:
            right = (
                dimension.describe().replace("interval", "int(interval").replace("tag(log, int(", "int(tag(log, ") + ")"
            )
            return f"{dimension.key}: whole numbers are wanted, received {dimension.describe()}; write {right}."
    return fault


def probes(space: SearchSpace, faults: Faults) -> Iterator[Point]:
    """Points that show every value of every choice and both ends of every interval."""
    centre = [0.0] * len(space.dimensions)
    yield space.point_at(centre)
    for index, dimension in enumerate(space.dimensions):
        with faults.collecting():
            active = _active_units(space, dimension, centre)
            for unit in _units(dimension):
                active[index] = unit
                yield space.point_at(active)


def _units(dimension: Dimension) -> list[float]:
    """Positions that show a dimension's values."""
    if not isinstance(dimension, Choice):
        return [0.0, 0.4, 1.0]  # both ends, and what is no whole number where they are
    count = len(dimension.values)
    if dimension.is_ordered and count > MAX_PROBED:
        shown = [round(step * (count - 1) / (MAX_PROBED - 1)) for step in range(MAX_PROBED)]
    else:
        shown = list(range(count))
    return [(position + 0.5) / count for position in shown]


def _active_units(space: SearchSpace, dimension: Dimension, centre: Sequence[float]) -> list[float]:
    """A position of the unit cube at which a dimension is active.

    Raises:
        SpaceError: There is none.
    """
    units = list(centre)
    for condition in dimension.conditions:
        parent = space[condition.key]
        units = [max(a, b) for a, b in zip(units, _active_units(space, parent, centre), strict=True)]
        steps = len(parent.values) if isinstance(parent, Choice) else 1000
        met = [unit for unit in ((step + 0.5) / steps for step in range(steps))
               if condition.holds({condition.key: parent.value_at(unit)})]  # fmt: skip
        if not met:
            wanted = " or ".join(map(str, condition.values))
            raise SpaceError(
                f"{dimension.key}: its condition, {condition.key} = {wanted}, is never met; {condition.key} is "
                f"{parent.describe()}."
            )
        units[space.keys.index(condition.key)] = met[0]
    if dimension.key not in space.point_at(units):
        raise SpaceError(f"{dimension.key}: its conditions are never met together.")
    return units
