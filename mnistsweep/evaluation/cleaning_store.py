"""Files of the label-cleaning experiment (`CleanPaths`), written after every training so that it can be resumed."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistsweep.analysis.treatments import ARMS
from mnistsweep.atomic import atomic_write
from mnistsweep.errors import StudyError
from mnistsweep.evaluation.saved_arrays import read_arrays, write_arrays
from mnistsweep.report_paths import CleanPaths


@dataclass(frozen=True)
class ArmRun:
    """One training of an arm: a row of ``runs.csv``. The names of the attributes are the columns.

    Attributes:
        arm: Name of the arm, a key of `ARMS`.
        seed: Index of the seed, from 0.
        removed: Number of training examples that were left out.
        accuracy: Accuracy on the validation split, 0 to 1.
        loss: Log loss on the validation split, in nats; NaN for a model without probabilities.
        seconds: Wall time of training and prediction.
    """

    arm: str
    seed: int
    removed: int
    accuracy: float
    loss: float
    seconds: float


@dataclass(frozen=True, eq=False)
class FoldPredictions:
    """Labels, folds and out-of-fold predictions of the training split: the arrays of ``folds.npz``, by their names.

    Attributes:
        labels: Labels that the models are trained on, ``(n,)``, including planted errors.
        planted: Positions of the planted label errors.
        fold: Fold of each example, ``(n,)``, from 0.
        probabilities: Class probabilities by a model that was not trained on the example, ``(n, classes)``; NaN in
            folds without predictions.
    """

    labels: NDArray[np.int64]
    planted: NDArray[np.int64]
    fold: NDArray[np.int64]
    probabilities: NDArray[np.float64]

    def is_predicted(self, fold: int) -> bool:
        """Whether a fold has its predictions."""
        return bool(np.isfinite(self.probabilities[self.fold == fold]).all())


@dataclass(frozen=True)
class CleaningStore:
    """Reads and writes the files of one experiment.

    Args:
        paths: Paths of the files.
        origin: Values that determine the experiment; files with another origin count as missing.
    """

    paths: CleanPaths
    origin: Mapping[str, Any]

    def read_folds(self) -> FoldPredictions | None:
        """Read the folds; None if they are missing or belong to another experiment."""
        arrays = read_arrays(self.paths.folds, self.origin)
        return None if arrays is None else FoldPredictions(**arrays)

    def reset(self, folds: FoldPredictions) -> None:
        """Remove the files of another experiment, and write the folds of this one."""
        paths = self.paths
        for file in (paths.summary, paths.runs, paths.suspects, paths.images, paths.folds):
            file.unlink(missing_ok=True)
        self.write_folds(folds)

    def write_folds(self, folds: FoldPredictions) -> None:
        """Write the folds with the predictions so far."""
        write_arrays(self.paths.folds, vars(folds), self.origin)

    def read_runs(self) -> list[ArmRun]:
        """Read the runs of all arms and seeds so far.

        Raises:
            StudyError: The file is damaged.
        """
        if not self.paths.runs.is_file():
            return []
        try:
            with self.paths.runs.open(encoding="utf-8", newline="") as file:
                return [_parse_run(row) for row in csv.DictReader(file)]
        except (KeyError, ValueError, TypeError) as error:
            raise StudyError(f"{self.paths.runs}: cannot be read: {error!r}; remove the file.") from error

    def write_runs(self, runs: Sequence[ArmRun]) -> None:
        """Write all runs."""
        _write_rows(self.paths.runs, [asdict(run) for run in runs])

    def write_suspects(self, rows: Sequence[dict[str, Any]], images: NDArray[np.uint8] | None) -> None:
        """Write the suspected labels.

        Args:
            rows: A row per label, most suspect first.
            images: Images of the first rows, ``(m, height, width)`` or ``(m, height, width, 3)``; None if the inputs
                are not images.
        """
        _write_rows(self.paths.suspects, rows)
        if images is not None:
            write_arrays(self.paths.images, {"images": images}, {})

    def read_summary(self, seeds: int) -> dict[str, Any] | None:
        """Read the summary; None unless the experiment is complete with this number of seeds.

        Args:
            seeds: Number of seeds per arm.

        Raises:
            StudyError: The file of the runs is damaged.
        """
        try:
            summary: dict[str, Any] = json.loads(self.paths.summary.read_text(encoding="utf-8"))
            is_current = summary["identity"] == self.origin and summary["seeds"] == seeds
        except (OSError, ValueError, KeyError, TypeError):
            return None
        runs = {(run.arm, run.seed) for run in self.read_runs()}
        is_complete = all((arm, seed) in runs for arm in ARMS for seed in range(seeds))
        return summary if is_current and is_complete else None

    def write_summary(self, summary: Mapping[str, Any]) -> None:
        """Write the summary."""
        with atomic_write(self.paths.summary) as part:
            part.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")


def accuracies(runs: Sequence[ArmRun], seeds: int) -> dict[str, list[float]]:
    """Accuracies of each arm in the order of the seeds: the argument of `analysis.arms.compare_arms`.

    Args:
        runs: Runs of all arms, with at least these seeds.
        seeds: Number of seeds to use.
    """
    ordered = sorted(runs, key=lambda run: run.seed)
    return {arm: [run.accuracy for run in ordered if run.arm == arm and run.seed < seeds] for arm in ARMS}


def _parse_run(row: dict[str, str]) -> ArmRun:
    return ArmRun(
        arm=row["arm"],
        seed=int(row["seed"]),
        removed=int(row["removed"]),
        accuracy=float(row["accuracy"]),
        loss=float(row["loss"]),
        seconds=float(row["seconds"]),
    )


def _write_rows(file: Path, rows: Sequence[dict[str, Any]]) -> None:
    with atomic_write(file) as part, part.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.DictWriter(opened, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
