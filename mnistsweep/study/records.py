"""Records of trials: state, result, and the order of trials by their objective."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from mnistsweep.space import Point


class State(StrEnum):
    """State of a trial."""

    RUNNING = "running"
    COMPLETED = "completed"
    PRUNED = "pruned"
    FAILED = "failed"

    @property
    def finished(self) -> bool:
        """Whether the trial has ended."""
        return self is not State.RUNNING


@dataclass(frozen=True)
class CheckpointRecord:
    """The checkpoint that a training saved. The ledger stores the fields by these names.

    Attributes:
        checksum: SHA-256 of the file, see `checksums.file_checksum`.
        objective: Objective of the saved model, which is that of the best repeat; with folds, of the first fold alone.
    """

    checksum: str
    objective: float


@dataclass(frozen=True)
class Result:
    """Result of a training. The ledger stores the fields by these names.

    Attributes:
        objective: Objective at the best epoch, averaged over repeats and folds; None if no epoch was finished.
        best_epoch: Number of the best epoch of the best repeat, counted from 1; with folds the lower median of all best
            epochs. None if no epoch was finished, or if a function of a trial returned a value that it did not report.
        epochs: Number of trained epochs, summed over repeats and folds.
        seconds: Wall-clock time in seconds.
        std: Sample standard deviation of the objective over repeats; None with one repeat, and with folds.
        reason: Reason why the trial failed or was pruned; empty otherwise.
        limited: Whether a limit of the configuration ended the trial. Such a failure does not count against the sweep.
        checkpoint: Saved checkpoint; None if none was saved, or if an earlier version finished the trial.
        standard_error: Standard error of the objective over the folds; None without folds, and after a single fold.
    """

    objective: float | None = None
    best_epoch: int | None = None
    epochs: int = 0
    seconds: float = 0.0
    std: float | None = None
    reason: str = ""
    limited: bool = False
    checkpoint: CheckpointRecord | None = None
    standard_error: float | None = None

    @property
    def spread(self) -> float | None:
        """Spread of the objective: the standard error over folds, else the standard deviation over repeats."""
        return self.std if self.standard_error is None else self.standard_error

    @property
    def score(self) -> str:
        """The objective with its spread, for tables: ``0.9312 ± 0.0041``; empty without an objective."""
        spread = "" if self.spread is None else f" \N{PLUS-MINUS SIGN} {self.spread:.4f}"
        return "" if self.objective is None else f"{self.objective:.4f}{spread}"

    @property
    def spread_text(self) -> str:
        """The spread with its name, as a sentence's end; empty without one.

        Example:
            >>> Result(0.9, std=0.0125).spread_text
            ' (standard deviation over repeats 0.0125)'
        """
        name = "standard deviation over repeats" if self.standard_error is None else "standard error over folds"
        return "" if self.spread is None else f" ({name} {self.spread:.4g})"

    @property
    def at_epoch(self) -> str:
        """Part of a message, " at epoch 3"; empty where the objective belongs to no epoch."""
        return "" if self.best_epoch is None else f" at epoch {self.best_epoch}"


@dataclass(frozen=True)
class TrialRecord:
    """One trial as the ledger stores it.

    Attributes:
        number: Number of the trial, counted from 0.
        state: State of the trial.
        point: Values of the active dimensions, by key.
        seed: Seed of the training.
        result: Result so far; for a running trial, the last reported objective and epoch.
        owner: Name of the worker that runs the trial; empty if the trial was interrupted and no worker has claimed it.
    """

    number: int
    state: State
    point: Point
    seed: int
    result: Result = field(default_factory=Result)
    owner: str = ""


def ranked(records: Iterable[TrialRecord], direction: str) -> list[TrialRecord]:
    """Completed trials that have an objective, best first; equal objectives in the order of trial numbers.

    Args:
        records: Trials in any order and state.
        direction: Direction of the objective: ``max`` or ``min``.
    """
    sign = -1 if direction == "max" else 1
    scored = [
        (sign * record.result.objective, record.number, record)
        for record in records
        if record.state is State.COMPLETED and record.result.objective is not None
    ]
    return [record for _, _, record in sorted(scored, key=lambda item: item[:2])]


def best_of(records: Iterable[TrialRecord], direction: str) -> TrialRecord | None:
    """First of the `ranked` trials; None if no trial has completed.

    Args:
        records: Trials in any order and state.
        direction: Direction of the objective: ``max`` or ``min``.
    """
    return next(iter(ranked(records, direction)), None)
