"""What the cleaning experiment keeps as it comes, and finds again where it goes on: the files of `CleanPaths`."""

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
from mnistsweep.evaluation import predictions
from mnistsweep.paths import CleanPaths


@dataclass(frozen=True)
class Run:
    """The score of one arm with one seed: a row of ``runs.csv``.

    Attributes:
        arm: One of `ARMS`.
        seed: Counted from 0.
        removed: How many examples were not trained on.
        accuracy: On the validation side.
        loss: Log loss there, in nats.
        seconds: Of training and scoring.
    """

    arm: str
    seed: int
    removed: int
    accuracy: float
    loss: float
    seconds: float


@dataclass(frozen=True, eq=False)
class Judged:
    """The training side and what models that were not trained on it say of it: ``folds.npz``.

    Attributes:
        labels: As they are trained on, ``(n,)``, the planted errors among them.
        planted: Positions of the planted errors.
        fold: Of each example, ``(n,)``.
        probabilities: ``(n, classes)``; NaN in folds that are not judged yet.
    """

    labels: NDArray[np.int64]
    planted: NDArray[np.int64]
    fold: NDArray[np.int64]
    probabilities: NDArray[np.float64]

    def is_judged(self, fold: int) -> bool:
        """Whether a fold has its probabilities."""
        return bool(np.isfinite(self.probabilities[self.fold == fold]).all())


@dataclass(frozen=True)
class Findings:
    """What one experiment has found so far.

    Args:
        paths: Its files.
        identity: What it all comes from; what came from something else is not found again.
    """

    paths: CleanPaths
    identity: Mapping[str, Any]

    def judged(self) -> Judged | None:
        """The folds that were kept; None where there are none, or they are another experiment's."""
        kept = predictions.read_arrays(self.paths.folds, self.identity)
        return None if kept is None else Judged(**kept)

    def begin(self, judged: Judged) -> None:
        """Remove what another experiment has left, and keep the first of this one."""
        paths = self.paths
        for file in (paths.summary, paths.runs, paths.suspects, paths.images, paths.folds):
            file.unlink(missing_ok=True)
        self.keep_judged(judged)

    def keep_judged(self, judged: Judged) -> None:
        """Keep the folds that are judged."""
        predictions.write_arrays(self.paths.folds, vars(judged), self.identity)

    def runs(self) -> list[Run]:
        """The scores so far, of all seeds that were ever asked for.

        Raises:
            StudyError: The file is damaged.
        """
        if not self.paths.runs.is_file():
            return []
        try:
            with self.paths.runs.open(encoding="utf-8", newline="") as file:
                return [_run(row) for row in csv.DictReader(file)]
        except (KeyError, ValueError, TypeError) as error:
            raise StudyError(f"{self.paths.runs}: cannot be read: {error!r}; remove the file.") from error

    def keep_runs(self, runs: Sequence[Run]) -> None:
        """Keep the scores."""
        _write_rows(self.paths.runs, [asdict(run) for run in runs])

    def keep_suspects(self, rows: Sequence[dict[str, Any]], images: NDArray[np.uint8] | None) -> None:
        """Keep the suspected labels, most suspect first.

        Args:
            rows: One a label.
            images: Of the first of them, ``(m, height, width)`` or ``(m, height, width, 3)``; None: they are no images.
        """
        _write_rows(self.paths.suspects, rows)
        if images is not None:
            predictions.write_arrays(self.paths.images, {"images": images}, {})

    def summary(self, seeds: int) -> dict[str, Any] | None:
        """What came out with so many seeds; None where the experiment was not run to its end, or a file was removed."""
        try:
            summary: dict[str, Any] = json.loads(self.paths.summary.read_text(encoding="utf-8"))
            same = summary["identity"] == self.identity and summary["seeds"] == seeds
        except (OSError, ValueError, KeyError, TypeError):
            return None
        known = {(run.arm, run.seed) for run in self.runs()}
        return summary if same and all((arm, seed) in known for arm in ARMS for seed in range(seeds)) else None

    def keep_summary(self, summary: Mapping[str, Any]) -> None:
        """Keep what came out."""
        with atomic_write(self.paths.summary) as part:
            part.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")


def accuracies(runs: Sequence[Run], seeds: int) -> dict[str, list[float]]:
    """The accuracies of each arm, in the order of the seeds, as `analysis.arms.compare` takes them.

    Args:
        runs: Of all arms, and of these seeds at least.
        seeds: How many count.
    """
    ordered = sorted(runs, key=lambda run: run.seed)
    return {arm: [run.accuracy for run in ordered if run.arm == arm and run.seed < seeds] for arm in ARMS}


def _run(row: dict[str, str]) -> Run:
    return Run(
        row["arm"], int(row["seed"]), int(row["removed"]), float(row["accuracy"]), float(row["loss"]),
        float(row["seconds"]),
    )  # fmt: skip


def _write_rows(file: Path, rows: Sequence[dict[str, Any]]) -> None:
    with atomic_write(file) as part, part.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.DictWriter(opened, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
