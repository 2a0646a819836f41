"""Recovery of the trials of a sweep from the files in its folder, for a ledger that is lost.

``results.csv`` has the finished trials. Each of them must agree with ``sweep.yaml`` and with the files in its folder:
its seed follows from the plan, its values compose to its ``config.yaml``, and its objective is in its ``history.csv``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import yaml

from mnistsweep.config.constraints import PARAMETERS, quantities_of
from mnistsweep.config.trials import path_of
from mnistsweep.dimensions import Column, Value
from mnistsweep.errors import ConstraintViolated, StudyError, TrialLimited
from mnistsweep.paths import SweepPaths, TrialPaths
from mnistsweep.planning.plan import Plan
from mnistsweep.planning.recovered_curves import Curves
from mnistsweep.planning.trial_contents import composed_content, first_difference
from mnistsweep.space import Point, canonical
from mnistsweep.study.finished_files import FinishedFiles
from mnistsweep.study.recorded_results import judged
from mnistsweep.study.records import Result, State, TrialRecord
from mnistsweep.study.results_rows import ResultsRow, read_results
from mnistsweep.study.results_table import CellForm
from mnistsweep.study.stored_trials import RecoveredTrial
from mnistsweep.training.metric_means import metric_means


@dataclass
class Recovery:
    """Trials that were recovered from files.

    Attributes:
        trials: Finished and paused trials, and trials that were interrupted.
        contradictions: What disagrees between the files, one line each.
        unlisted: Numbers of the trials that seem to have finished but are not in ``results.csv``. The ledger may have
            been lost before the table was written. Their result is unknown, so they count as interrupted.
    """

    trials: list[RecoveredTrial] = field(default_factory=list)
    contradictions: list[str] = field(default_factory=list)
    unlisted: list[int] = field(default_factory=list)

    @property
    def has_results(self) -> bool:
        """Whether any finished or paused trial was recovered."""
        return any(trial.record.state is not State.RUNNING for trial in self.trials)


def recover_trials(plan: Plan, paths: SweepPaths) -> Recovery:
    """Recover the trials of a sweep.

    Args:
        plan: Plan of the sweep.
        paths: Paths of the sweep's files.

    Raises:
        StudyError: ``results.csv`` is damaged, or is not the table of this search.
    """
    recovery = Recovery(unlisted=sorted(FinishedFiles.read(paths).in_folders))
    forms = {column.key: CellForm(column) for column in plan.space.columns}
    rows = read_results(paths, plan.space, plan.constraints, plan.objectives)
    for row in rows:
        try:
            recover = _paused_trial if row.state is State.PAUSED else _finished_trial
            recovery.trials.append(recover(plan, row, forms, paths.trial(row.number)))
        except StudyError as error:  # the files of this trial contradict each other
            recovery.contradictions.append(f"trial {row.number}: {error}.")
    finished = {row.number for row in rows}
    for number, folder in paths.trials():
        if number not in finished:
            point = _point_of_folder(plan, number, folder)
            if point is not None:
                recovery.trials.append(_interrupted_trial(plan, number, point, folder))
    if plan.config.confirm.top or any(row.confirms is not None for row in rows):
        recovery.trials = [_with_confirmed(trial, recovery.trials) for trial in recovery.trials]
    return recovery


def _with_confirmed(trial: RecoveredTrial, trials: Sequence[RecoveredTrial]) -> RecoveredTrial:
    """An interrupted trial with the number of the trial that it confirms: the first one at the same point.

    An oracle proposes no point twice. Trials with a row in ``results.csv`` stay as they are.
    """
    if trial.record.state is not State.RUNNING:
        return trial
    here = canonical(trial.record.point)
    first = min(one.record.number for one in trials if canonical(one.record.point) == here)
    return trial if first == trial.record.number else replace(trial, record=replace(trial.record, confirms=first))


def _paused_trial(plan: Plan, row: ResultsRow, forms: Mapping[str, CellForm], folder: TrialPaths) -> RecoveredTrial:
    """Trial that was paused; its curve may be longer than its row, because a worker has continued it."""
    seed = _checked_seed(plan, row)
    point, curves = _point_of_row(plan, row, forms, folder), Curves.read(plan, folder)
    reports, found = curves.reports(is_complete=True), curves.summarize()
    if row.result.best_epoch is None or reports.get(row.result.best_epoch) != row.result.objective:
        raise StudyError(f"its objective in results.csv, {row.result.objective!r}, is not in its history.csv")
    result = _measured(found, row.result)
    if found.best_epoch != row.result.best_epoch and found.best_epoch is not None:
        names = [name for name in quantities_of(plan.constraints) if name != PARAMETERS]
        newer = metric_means(names, [(folder.history, found.best_epoch)])
        found = replace(found, seconds=row.result.seconds, quantities={**row.result.quantities, **newer})
        result = judged(State.PAUSED, found, plan.constraints)
    record = TrialRecord(row.number, State.PAUSED, point, seed, result, paused=result, confirms=row.confirms)
    return RecoveredTrial(record, reports, _start_of(folder))


def _measured(found: Result, listed: Result) -> Result:
    """Result by the learning curves, with what only the table has."""
    return replace(
        found,
        seconds=listed.seconds,
        reason=listed.reason,
        quantities=listed.quantities,
        violations=listed.violations,
    )


def _checked_seed(plan: Plan, row: ResultsRow) -> int:
    """Seed of a trial, which must be that of its row."""
    seed = plan.seed_of(row.number)
    if row.seed != seed:
        raise StudyError(f"its seed in results.csv is {row.seed}, and {seed} by sweep.yaml")
    return seed


def _finished_trial(plan: Plan, row: ResultsRow, forms: Mapping[str, CellForm], folder: TrialPaths) -> RecoveredTrial:
    seed = _checked_seed(plan, row)
    point = _point_of_row(plan, row, forms, folder)
    curves = Curves.read(plan, folder)
    reports, result = curves.reports(is_complete=row.state is not State.FAILED), row.result
    if row.state is State.FAILED:
        result = replace(result, epochs=max(reports, default=0), limited=_was_limited(folder, result.reason))
    elif plan.program is not None:  # the objective is what the function returned; the curve is what it reported
        result = replace(result, epochs=max(reports, default=0))
    else:
        found = curves.summarize()
        _check_result(result, found)
        is_comparable = row.state is State.PRUNED and curves.is_single
        result = replace(_measured(found, result), comparable=is_comparable)
    record = TrialRecord(row.number, row.state, point, seed, result, confirms=row.confirms)
    return RecoveredTrial(record, reports, _start_of(folder))


def _interrupted_trial(plan: Plan, number: int, point: Point, folder: TrialPaths) -> RecoveredTrial:
    reports = Curves.read(plan, folder).reports(is_complete=False)
    last = max(reports, default=0)
    result = Result(reports.get(last), epochs=last)
    until = max(1, last) if plan.scheduler().pauses else None  # then the scheduler decides how it goes on
    record = TrialRecord(number, State.RUNNING, point, plan.seed_of(number), result, until=until)
    return RecoveredTrial(record, reports, _start_of(folder))


def _point_of_row(plan: Plan, row: ResultsRow, forms: Mapping[str, CellForm], folder: TrialPaths) -> Point:
    """Point of a finished trial, which composes to the configuration in its folder."""
    points = list(row.points(plan.space, forms))
    if not points:
        raise StudyError("its values in results.csv are not in the search space of sweep.yaml")
    if plan.program is not None:  # the program decides what its config.yaml holds
        return points[0]
    content = _read_config(folder)
    if content is None:
        if row.state is State.FAILED and len(points) == 1:  # it may have failed before its configuration was written
            return points[0]
        raise StudyError(f"{folder.config} is missing or damaged")
    differences = [first_difference(content, composed_content(plan, point, row.seed)) for point in points]
    if None in differences:
        return points[differences.index(None)]
    raise StudyError(f"{folder.config} has another value of {differences[0]} than results.csv and sweep.yaml")


def _point_of_folder(plan: Plan, number: int, folder: TrialPaths) -> Point | None:
    """Point that composes to the configuration in the folder of an interrupted trial; None if there is none."""
    content, seed = _read_config(folder), plan.seed_of(number)
    if plan.program is not None:
        return None  # the oracle proposes its point again
    if content is None or content.get("seed") != seed:
        return None
    points = plan.space.product({c.key: _values_in_config(plan, content, c) for c in plan.space.columns})
    return next(
        (point for point in points if first_difference(content, composed_content(plan, point, seed)) is None), None
    )


def _values_in_config(plan: Plan, content: Mapping[str, Any], dimension: Column) -> Sequence[Value]:
    """Values of a dimension that agree with a configuration; a config group may have any preset: the file has none."""
    if dimension.key in plan.groups:
        return dimension.grid()
    value = _value_at(content, dimension.key)
    return [dimension.cast(value)] if dimension.contains(value) else []


def _value_at(content: Any, key: str) -> Any:
    for part in path_of(key):
        content = content.get(part) if isinstance(content, Mapping) else None
    return content


def _read_config(folder: TrialPaths) -> dict[str, Any] | None:
    """Configuration in a trial's folder; None if it is missing or damaged."""
    try:
        content = yaml.safe_load(folder.config.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return None
    return content if isinstance(content, dict) else None


def _check_result(listed: Result, found: Result) -> None:
    """Check that the objective of a finished trial and its epoch follow from the curves."""
    for name, ours, theirs in (
        ("objective", listed.objective, found.objective),
        ("best epoch", listed.best_epoch, found.best_epoch),
    ):
        if ours != theirs:
            raise StudyError(f"its {name} is {ours!r} in results.csv, and {theirs!r} by its history.csv")


def _was_limited(folder: TrialPaths, reason: str) -> bool:
    """Whether a limit of the configuration ended a failed trial."""
    if reason.startswith("hung: "):
        return True
    try:
        text = folder.error.read_text(encoding="utf-8", errors="replace")
        return any(f"{kind.__name__}: " in text for kind in (TrialLimited, ConstraintViolated))
    except OSError:
        return False


def _start_of(folder: TrialPaths) -> float:
    """Time at which a trial started, from its files, in seconds since the epoch."""
    times = [file.stat().st_mtime for file in (folder.config, folder.history, folder.error) if file.is_file()]
    return min(times, default=0.0)
