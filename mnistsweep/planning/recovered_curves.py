"""The learning curves in a trial's folder, from which its reports and its result are computed again."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from mnistsweep.errors import StudyError
from mnistsweep.paths import TrialPaths
from mnistsweep.planning.plan import Plan
from mnistsweep.study.records import Result
from mnistsweep.training.outcome import RepeatResult, mean_and_error, num_folds, summarize
from mnistsweep.training.returned import RETURNED


@dataclass
class Curve:
    """The learning curve of one training.

    Attributes:
        values: Objective after each epoch, by epoch.
        last: Last epoch.
        returned: Objective that a user's own `fit` returned, if it is none of the values.
    """

    values: dict[int, float] = field(default_factory=dict)
    last: int = 0
    returned: float | None = None


@dataclass(frozen=True)
class Curves:
    """The learning curves of a trial: one for each repeat, or for each fold of each repeat.

    Attributes:
        trainings: Curve of each training in order.
        direction: Direction of the objective: ``max`` or ``min``.
        folds: Number of folds; 1 without cross-validation.
        epochs: Number of epochs of one training, by the trial's configuration.
        repeats: Number of repeats, by the trial's configuration.
    """

    trainings: Sequence[Curve]
    direction: str
    folds: int
    epochs: int
    repeats: int = 1

    @property
    def is_single(self) -> bool:
        """Whether the configuration is trained once, by the built-in loop or by `model.fit`."""
        return self.folds * self.repeats == 1 and all(curve.returned is None for curve in self.trainings)

    @classmethod
    def read(cls, plan: Plan, folder: TrialPaths) -> Curves:
        """Read the curves in a trial's folder; a truncated last line is left out.

        Args:
            plan: Plan of the sweep.
            folder: Paths of the trial's files.
        """
        folds, epochs, repeats = _counts(plan, folder)
        files = (folder.training(index, folds).history for index in itertools.count())
        curves = [_read_curve(file, plan.config.first_objective) for file in itertools.takewhile(Path.is_file, files)]
        return cls(curves, plan.direction, folds, epochs, repeats)

    def reports(self, is_complete: bool) -> dict[int, float]:
        """Compute what the trial reported to the ledger: each epoch of its first training, then the means of its folds.

        Args:
            is_complete: Whether the last curve is complete; of an interrupted trial it is not.
        """
        best = [result.value for result in self._results()]
        last = min(len(best) if is_complete else len(best) - 1, self.folds - 1)
        means = {n * self.epochs: mean_and_error(best[:n], self.folds)[0] for n in range(2, last + 1)}
        return {**(self.trainings[0].values if self.trainings else {}), **means}

    def summarize(self) -> Result:
        """Compute the result as the training did, without its checkpoint.

        The checksum of the file that the trial saved was lost with the ledger. That of the file in the folder may be
        the checksum of another model.

        Raises:
            StudyError: There is no curve, or it has no epoch.
        """
        results = self._results()
        if not results:
            raise StudyError("its history.csv is missing or has no epoch")
        return summarize(results, self.direction, seconds=0.0, folds=self.folds).result

    def _results(self) -> list[RepeatResult]:
        """Result of each training with an epoch."""
        results = []
        for curve in self.trainings:
            values, last = curve.values, curve.last
            if curve.returned is not None:
                results.append(RepeatResult(curve.returned, last, last, pruned_at=None))
            elif values:
                best = (max if self.direction == "max" else min)(values, key=values.__getitem__)
                results.append(RepeatResult(values[best], best, last, pruned_at=None))
        return results


def _counts(plan: Plan, folder: TrialPaths) -> tuple[int, int, int]:
    """Number of folds, epochs and repeats by the configuration of the trial, or of the sweep if it cannot be read."""
    try:
        content = yaml.safe_load(folder.config.read_text(encoding="utf-8"))
        trainer = content["trainer"]
        return num_folds(content["data"]), int(trainer["epochs"]), int(trainer["repeats"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, yaml.YAMLError):
        return num_folds(plan.config.data), plan.config.trainer.epochs, plan.config.trainer.repeats


def _read_curve(file: Path, objective: str) -> Curve:
    """Learning curve in a file; a truncated last line is left out, and an epoch without the objective."""
    curve = Curve()
    with file.open(newline="", encoding="utf-8", errors="replace") as opened:
        for row in csv.DictReader(opened):
            try:
                epoch, value = int(row["epoch"]), row[objective]
                if value:
                    curve.values[epoch] = float(value)
                curve.last = epoch
                curve.returned = float(row[RETURNED]) if row.get(RETURNED) else None
            except (KeyError, TypeError, ValueError):
                break
    return curve
