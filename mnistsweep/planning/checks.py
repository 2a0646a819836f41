"""Step 4 of planning: check configurations before anything is trained, a single one or those of a search.

Only `check_registered_metrics` imports Keras, and only if there are registered metrics.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from mnistsweep import data, devices, targets
from mnistsweep.config import checks, structure
from mnistsweep.config.checks import Faults
from mnistsweep.config.schema import Config
from mnistsweep.data import class_weights
from mnistsweep.data.settings import BUILT_IN
from mnistsweep.dimensions import Float
from mnistsweep.json_values import exact_text
from mnistsweep.models import builders, callbacks, losses, metrics, optimizers
from mnistsweep.planning.plan import Plan
from mnistsweep.planning.probes import probes
from mnistsweep.space import SearchSpace


def check_configuration(plain: Mapping[str, Any], faults: Faults, added: Collection[str] = ()) -> Config:
    """Check one configuration, except its data (`check_data`).

    Args:
        plain: Composed configuration, the result of `compose.to_plain`.
        faults: Collects what is wrong.
        added: Top-level keys that the user added for interpolations.

    Returns:
        The typed configuration, with defaults in place of values of the wrong type.

    Raises:
        ConfigError: A whole group is missing, so that nothing else can be checked.
    """
    with faults.raising():
        config, found = structure.read_config(plain, added)
    faults.add(found, checks.check_limits(config))
    built_in = str(config.model.get("_target_")) in builders.BUILDERS
    faults.add(
        checks.check_sweep_keys(config, metrics_known=built_in and not _has_own_metrics(config)),
        metrics.check(config.trainer.metrics),
        builders.check(config.model),
    )
    faults.add(losses.check(config.trainer.loss), class_weights.check(config.trainer.class_weight))
    faults.add(callbacks.check(config.trainer.callbacks))
    faults.add(optimizers.check(config.optimizer, config.schedule, config.trainer.epochs))
    return config


def _has_own_metrics(config: Config) -> bool:
    """Whether code of the user measures something: the names in the logs are known when it has run."""
    paths = any(map(metrics.is_path, map(str, config.trainer.metrics)))
    return paths or callbacks.may_add_metrics(config.trainer.callbacks)


def check_data(config: Config, faults: Faults) -> None:
    """Check the data of one configuration; files are read. A built-in model needs class labels."""
    with faults.collecting():
        are_classes = str(config.model.get("_target_")) in builders.BUILDERS
        faults.warn(data.check(config.data, are_classes, config.trainer.class_weight))
    if config.trainer.steps_per_epoch is not None and str(config.data.get("_target_")).startswith(BUILT_IN):
        rule = "must be null for data that end; it is the number of batches in an epoch of data that stream without end"
        faults.add([f"trainer.steps_per_epoch: {rule}; received {config.trainer.steps_per_epoch}."])


def check_registered_metrics(config: Config, faults: Faults) -> None:
    """Check that the model's module registers the metrics named ``Package>Name``; imports Keras if there are any."""
    if not metrics.are_registered_names(config.trainer.metrics):
        return
    with faults.collecting(), devices.quiet_start():
        targets.resolve(str(config.model.get("_target_")), "model._target_")
        faults.add(metrics.unregistered(config.trainer.metrics))


def check_trials(plan: Plan, faults: Faults, added: Collection[str] = ()) -> None:
    """Check the configurations at points that cover the values of every dimension (`probes`).

    Args:
        plan: Plan of the sweep.
        faults: Collects what is wrong.
        added: Keys that the user added on purpose, fixed or swept.
    """
    checked = set[str]()
    for point in probes(plan.space, faults):
        here = Faults()
        with faults.collecting():
            config = check_configuration(plan.composer.plain(point, plan.config.seed), here, added)
            check_registered_metrics(config, here)
            if (text := exact_text([config.data, config.trainer.class_weight])) not in checked:
                checked.add(text)
                check_data(config, faults)
        faults.add(_hinted(fault, plan.space) for fault in here.config)


def _hinted(fault: str, space: SearchSpace) -> str:
    """The message of a fault; for an interval of real numbers in place of whole ones it shows the right range."""
    for dimension in space.dimensions:
        if isinstance(dimension, Float) and fault.startswith(dimension.key) and "whole number" in fault:
            received = dimension.describe()
            whole = received.replace("interval", "int(interval").replace("tag(log, int(", "int(tag(log, ") + ")"
            return f"{dimension.key}: whole numbers are required; received {received}; write {whole}."
    return fault
