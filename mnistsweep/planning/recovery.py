"""Recovery of the trials of a sweep from the files in its folder, for a ledger that is lost.

``results.csv`` has the finished trials. Each of them must agree with ``sweep.yaml`` and with the files in its folder:
its seed follows from the plan, its values compose to its ``config.yaml``, and its objective is in its ``history.csv``.
"""

from __future__ import annotations

import csv
import itertools
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from mnistsweep.checksums import file_checksum
from mnistsweep.config.trials import path_of
from mnistsweep.dimensions import Dimension, is_active
from mnistsweep.errors import StudyError
from mnistsweep.paths import SweepPaths, TrialPaths
from mnistsweep.planning.plan import Plan
from mnistsweep.planning.trial_contents import composed_content, first_difference
from mnistsweep.space import Point
from mnistsweep.study.finished_files import FinishedFiles
from mnistsweep.study.records import CheckpointRecord, Result, State, TrialRecord
from mnistsweep.study.results_rows import ResultsRow, read_results
from mnistsweep.study.results_table import CellForm
from mnistsweep.study.stored_trials import RecoveredTrial


@dataclass
class Recovery:
    """Trials that were recovered from files.

    Attributes:
        trials: Finished trials, and trials that were interrupted.
        contradictions: What disagrees between the files, one line each.
        unlisted: Numbers of the trials that seem to have finished but are not in ``results.csv``. The ledger may have
            been lost before the table was written. Their result is unknown, so they count as interrupted.
    """

    trials: list[RecoveredTrial] = field(default_factory=list)
    contradictions: list[str] = field(default_factory=list)
    unlisted: list[int] = field(default_factory=list)

    @property
    def has_results(self) -> bool:
        """Whether any finished trial was recovered."""
        return any(trial.is_finished for trial in self.trials)


def recover_trials(plan: Plan, paths: SweepPaths) -> Recovery:
    """Recover the trials of a sweep.

    Args:
        plan: Plan of the sweep.
        paths: Paths of the sweep's files.

    Raises:
        StudyError: ``results.csv`` is damaged, or is not the table of this search.
    """
    recovery = Recovery(unlisted=sorted(FinishedFiles.read(paths).in_folders))
    forms = {dimension.key: CellForm(dimension) for dimension in plan.space.dimensions}
    rows = read_results(paths, plan.space)
    for row in rows:
        try:
            recovery.trials.append(_finished_trial(plan, row, forms, paths.trial(row.number)))
        except StudyError as error:  # the files of this trial contradict each other
            recovery.contradictions.append(f"trial {row.number}: {error}.")
    finished = {row.number for row in rows}
    for number, folder in paths.trials():
        if number not in finished:
            point = _point_of_folder(plan, number, folder)
            if point is not None:
                recovery.trials.append(_interrupted_trial(plan, number, point, folder))
    return recovery


def _finished_trial(plan: Plan, row: ResultsRow, forms: Mapping[str, CellForm], folder: TrialPaths) -> RecoveredTrial:
    seed = plan.seed_of(row.number)
    if row.seed != seed:
        raise StudyError(f"its seed in results.csv is {row.seed}, and {seed} by sweep.yaml")
    point = _point_of_row(plan, row, forms, folder)
    curves = _Curves.read(plan, folder)
    result = row.result
    if row.state is State.FAILED:
        result = replace(result, epochs=max(curves.reports, default=0), limited=_was_limited(folder, result.reason))
    else:
        curves.check(row.result)
        checkpoint = curves.checkpoint(folder)
        result = replace(result, epochs=curves.num_epochs, std=curves.std, checkpoint=checkpoint)
    record = TrialRecord(row.number, row.state, point, seed, result)
    return RecoveredTrial(record, curves.reports, _start_of(folder))


def _interrupted_trial(plan: Plan, number: int, point: Point, folder: TrialPaths) -> RecoveredTrial:
    reports = _Curves.read(plan, folder).reports
    last = max(reports, default=0)
    result = Result(reports.get(last), epochs=last)
    return RecoveredTrial(
        TrialRecord(number, State.RUNNING, point, plan.seed_of(number), result), reports, _start_of(folder)
    )


def _point_of_row(plan: Plan, row: ResultsRow, forms: Mapping[str, CellForm], folder: TrialPaths) -> Point:
    """Point of a finished trial, which composes to the configuration in its folder."""
    points = list(row.points(plan.space, forms))
    if not points:
        raise StudyError("its values in results.csv are not in the search space of sweep.yaml")
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
    if content is None or content.get("seed") != seed:
        return None
    points = _points_of_config(plan, content, plan.space.dimensions, {})
    return next(
        (point for point in points if first_difference(content, composed_content(plan, point, seed)) is None), None
    )


def _points_of_config(
    plan: Plan, content: Mapping[str, Any], dimensions: Sequence[Dimension], point: Point
) -> Iterator[Point]:
    """Points with the values of a configuration; a config group may have any preset, which the file does not name."""
    if not dimensions:
        yield point
        return
    first, rest = dimensions[0], dimensions[1:]
    values: Sequence[Any] = ()
    if first.key in plan.groups:
        values = first.grid()
    elif (value := _value_at(content, first.key)) is not None or first.contains(None):
        values = [first.cast(value)] if first.contains(value) else ()
    if not is_active(first, point):
        yield from _points_of_config(plan, content, rest, point)
        return
    for value in values:
        yield from _points_of_config(plan, content, rest, {**point, first.key: value})


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


@dataclass(frozen=True)
class _Curves:
    """Learning curves of a trial.

    Attributes:
        repeats: Objective after each epoch, by epoch, of each repeat.
        direction: Direction of the objective: ``max`` or ``min``.
    """

    repeats: Sequence[Mapping[int, float]]
    direction: str

    @classmethod
    def read(cls, plan: Plan, folder: TrialPaths) -> _Curves:
        files = (folder.repeat(index).history for index in itertools.count())
        found = itertools.takewhile(Path.is_file, files)
        return cls([_read_curve(file, plan.config.objective) for file in found], plan.direction)

    @property
    def reports(self) -> Mapping[int, float]:
        """Objectives that were reported to the ledger: those of the first repeat."""
        return self.repeats[0] if self.repeats else {}

    @property
    def num_epochs(self) -> int:
        """Number of trained epochs, summed over repeats."""
        return sum(max(curve, default=0) for curve in self.repeats)

    @property
    def best(self) -> list[float]:
        """Best objective of each repeat."""
        return [(max if self.direction == "max" else min)(curve.values()) for curve in self.repeats if curve]

    @property
    def std(self) -> float | None:
        """Sample standard deviation of the objective over repeats; None with one repeat."""
        return statistics.stdev(self.best) if len(self.best) > 1 else None

    def checkpoint(self, folder: TrialPaths) -> CheckpointRecord | None:
        """Checkpoint of a finished trial, which is that of the best repeat; None if the file was removed."""
        if not folder.model.is_file():
            return None
        return CheckpointRecord(file_checksum(folder.model), (max if self.direction == "max" else min)(self.best))

    def check(self, result: Result) -> None:
        """Check that the objective of a finished trial follows from the curves."""
        if not self.best:
            raise StudyError("its history.csv is missing or has no epoch")
        found = statistics.fmean(self.best)
        if found != result.objective:
            raise StudyError(f"its objective is {result.objective!r} in results.csv, and {found!r} by its history.csv")
        if not any(result.best_epoch in curve for curve in self.repeats):
            raise StudyError(f"its best epoch, {result.best_epoch}, is not in its history.csv")


def _read_curve(file: Path, objective: str) -> dict[int, float]:
    """Objective after each epoch, by epoch; a truncated last line is left out."""
    curve: dict[int, float] = {}
    with file.open(newline="", encoding="utf-8", errors="replace") as opened:
        for row in csv.DictReader(opened):
            try:
                curve[int(row["epoch"])] = float(row[objective])
            except (KeyError, TypeError, ValueError):
                break
    return curve


def _was_limited(folder: TrialPaths, reason: str) -> bool:
    """Whether a limit of the configuration ended a failed trial."""
    if reason.startswith("hung: "):
        return True
    try:
        return "TrialLimited: " in folder.error.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False


def _start_of(folder: TrialPaths) -> float:
    """Time at which a trial started, from its files, in seconds since the epoch."""
    times = [file.stat().st_mtime for file in (folder.config, folder.history, folder.error) if file.is_file()]
    return min(times, default=0.0)
