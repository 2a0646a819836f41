"""A former sweep from which another one starts warm: it is only read, in whatever state it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from mnistsweep import data
from mnistsweep.config.constraints import SECONDS, quantities_of
from mnistsweep.errors import ConfigError, StudyError
from mnistsweep.path_checks import READ_FOLDER, is_missing, required
from mnistsweep.path_texts import expanded
from mnistsweep.paths import SweepPaths
from mnistsweep.planning.agreement import Difference
from mnistsweep.planning.plan import Plan
from mnistsweep.planning.plan_file import plan_of
from mnistsweep.search.former import FormerTrial
from mnistsweep.space import Point
from mnistsweep.study.ledger import Ledger
from mnistsweep.study.recorded_results import judged
from mnistsweep.study.records import State, TrialRecord, searched
from mnistsweep.study.sweep import load_sweep

KEY = "warm_start"


@dataclass(frozen=True)
class FormerSweep:
    """A former sweep.

    Attributes:
        name: Path of its folder, as the user wrote it.
        plan: Its plan.
        records: Its trials, without those that confirm others.
    """

    name: str
    plan: Plan
    records: Sequence[TrialRecord]


def read_former(name: str, plan: Plan) -> FormerSweep:
    """Read a former sweep, and check that its trials can hold for another sweep.

    Args:
        name: Path of its folder.
        plan: Plan of the sweep that starts warm.

    Raises:
        ConfigError: It cannot be read, or it has another objective, other data, or runs something else.
    """
    folder = expanded(name)
    if not is_missing(folder):
        required(KEY, name, READ_FOLDER)
    if folder.resolve() == plan.paths.folder.resolve():
        raise ConfigError(f"{KEY}: must name another sweep; received {name}, the folder of this one; leave it out.")
    try:
        sweep = load_sweep(folder)
        former = plan_of(sweep)
        _check_search(name, former, plan)
        _check_data(name, str(sweep.config.get("data", "")), plan)
        ledger = Ledger(SweepPaths(folder), former.config.storage)
        return FormerSweep(name, former, searched(ledger.records()))
    except StudyError as error:
        why = str(error).removeprefix(f"{name}: ")
        raise ConfigError(f"{KEY}: must name a sweep that can be read; received {name}: {why}") from error


def has_shown(record: TrialRecord, pauses: bool) -> bool:
    """Return whether there is something to learn from a trial.

    A failed trial has shown something only if its training diverged; to an oracle that pauses trials, a trial has shown
    something only by its curve.

    Args:
        record: Trial of the former sweep.
        pauses: Whether the oracle pauses trials.
    """
    if record.state is State.FAILED:
        return any(not math.isfinite(value) for value in record.values.values())
    return bool(record.values) or (record.state is State.COMPLETED and not pauses)


def former_trial(record: TrialRecord, former: Plan, point: Point, plan: Plan) -> FormerTrial | list[Difference]:
    """Return a trial of a former sweep for another sweep, or what prevents its use.

    Args:
        record: Trial of the former sweep that has shown something.
        former: Plan of the former sweep.
        point: Point of the trial in the space of the other sweep.
        plan: Plan of the other sweep.
    """
    values, objective = dict(record.values), record.result.objective if record.state is State.COMPLETED else None
    if plan.program is None and (last := plan.epochs_of(point)) != (theirs := former.epochs_of(record.point)):
        values = {epoch: value for epoch, value in values.items() if epoch <= last}
        ends_here = objective is not None and last < theirs
        finite = [value for value in values.values() if math.isfinite(value)] if ends_here else []
        objective = (max if plan.direction == "max" else min)(finite, default=None)
    if not plan.constraints:
        return FormerTrial(point, values, objective)
    unknown = [name for name in quantities_of(plan.constraints) if name not in record.result.quantities]
    if unknown and record.state is not State.FAILED:
        return [Difference("constraints", f"{unknown[0]} is not measured", ", ".join(map(str, plan.constraints)))]
    violations = judged(record.state, record.result, plan.constraints).violations
    if not record.state.finished:  # only its duration cannot become feasible
        final = {str(one) for one in plan.constraints if one.name == SECONDS and one.is_upper}
        violations = {text: violation for text, violation in violations.items() if text in final}
    return FormerTrial(point, values, objective, dict(violations))


def _check_search(name: str, former: Plan, plan: Plan) -> None:
    """Check that both sweeps train the same kind of program for the same objective.

    Raises:
        ConfigError: They do not.
    """
    pairs = {
        "what its trials run": (_runs(former), _runs(plan)),
        "objective": (former.config.first_objective, plan.config.first_objective),
        "direction": (former.direction, plan.direction),
    }
    for key, (theirs, ours) in pairs.items():
        if theirs != ours:
            raise ConfigError(
                f"{KEY}: {key} must be the same; received {name}: {theirs} there, {ours} here; change one."
            )


def _runs(plan: Plan) -> str:
    return "Keras trainings" if plan.program is None else str(plan.program.get("_target_"))


def _check_data(name: str, checksum: str, plan: Plan) -> None:
    if plan.program is None and (ours := data.checksum(plan.config.data)) != checksum:
        rule = "the training data must be the same"
        raise ConfigError(f"{KEY}: {rule}; received {name}: checksum {checksum} there, {ours} here; leave it out.")
