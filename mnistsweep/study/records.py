"""Records of trials: state and result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any

from mnistsweep.space import Point

STOPPED = "stopped"
"""What tables and summaries call a trial that was paused when the search ended; a larger budget may continue it."""


class State(StrEnum):
    """State of a trial."""

    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    PRUNED = "pruned"
    FAILED = "failed"

    @property
    def finished(self) -> bool:
        """Whether the trial has ended."""
        return self not in (State.RUNNING, State.PAUSED)


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
        comparable: Whether the objective of a pruned trial can be compared with that of a completed one: it is the best
            epoch of the only training of the configuration.
        quantities: Values of the constrained quantities, and of all objectives but the first, by name; without
            `seconds`. Empty without constraints and with one objective.
        violations: By how much each constraint is violated, as a share of its bound, by the text of the constraint; at
            most 0: it is not. Empty without constraints, and for a trial that failed before its quantities were known.
        build_seconds: Part of `seconds` that passed until models could be trained: building, compiling, tracing.
        builds: How often a model was built. A paused trial may continue without building it again.
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
    comparable: bool = False
    quantities: Mapping[str, float] = field(default_factory=dict)
    violations: Mapping[str, float] = field(default_factory=dict)
    build_seconds: float = field(default=0.0, compare=False)
    builds: int = field(default=0, compare=False)

    def after(self, earlier: Result | None) -> Result:
        """This result of a job, with what earlier jobs of the same trial have built.

        Args:
            earlier: Result of the trial when it was paused; None if it was not.
        """
        if earlier is None:
            return self
        seconds = earlier.build_seconds + self.build_seconds
        return replace(self, build_seconds=seconds, builds=earlier.builds + self.builds)

    @property
    def violated(self) -> list[str]:
        """Constraints that the trial violates; empty: it is feasible."""
        return [constraint for constraint, violation in self.violations.items() if violation > 0]

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


def to_stored(result: Result) -> dict[str, Any]:
    """Result as plain values; without the parts that earlier versions do not know, if they are unset.

    Args:
        result: Result of a training.
    """
    content = asdict(result)
    unset: dict[str, Any] = {
        "standard_error": None, "comparable": False, "quantities": {}, "violations": {}, "build_seconds": 0,
        "builds": 0,
    }  # fmt: skip
    for name, value in unset.items():
        if content[name] == value:
            del content[name]
    return content


def from_stored(content: Mapping[str, Any]) -> Result:
    """Result from the plain values of `to_stored`.

    Args:
        content: Plain values.
    """
    checkpoint = content.get("checkpoint")
    return Result(**{**content, "checkpoint": None if checkpoint is None else CheckpointRecord(**checkpoint)})


@dataclass(frozen=True)
class TrialRecord:
    """One trial as the ledger stores it.

    Attributes:
        number: Number of the trial, counted from 0.
        state: State of the trial.
        point: Values of the active dimensions, by key.
        seed: Seed of the training.
        result: Result so far; for a running trial, the last reported objective and epoch.
        owner: Name of the worker that runs the trial; empty if the trial is paused, or if it was interrupted and no
            worker has claimed it.
        until: Last epoch of the running job; None: the last epoch of the training.
        paused: Result when the trial was paused last; None if it was never paused, or has ended.
        repeated: Number of epochs that a trial which has not ended trained again, because its checkpoint was gone.
        confirms: Number of the trial that this one repeats with another seed; None for a trial of the search.
        values: Reported objective by epoch.
    """

    number: int
    state: State
    point: Point
    seed: int
    result: Result = field(default_factory=Result)
    owner: str = ""
    until: int | None = None
    paused: Result | None = None
    repeated: int = 0
    confirms: int | None = None
    values: Mapping[int, float] = field(default_factory=dict, compare=False, repr=False)

    @property
    def last_epoch(self) -> int:
        """Number of the last reported epoch; 0 before the first."""
        return max(self.values, default=0)

    @property
    def trained_epochs(self) -> int:
        """Number of epochs that were trained, those that were trained again included."""
        return self.result.epochs + self.repeated

    @property
    def at_pause(self) -> TrialRecord | None:
        """This trial with its result when it was paused last, also while a worker continues it; None if it was not."""
        if self.paused is None:
            return None
        return self if self.state is State.PAUSED else replace(self, result=self.paused)

    @property
    def scored(self) -> TrialRecord | None:
        """This trial with the result that ranks it among all trials; None if it has no result that can be compared.

        A completed trial has one, a pruned trial if it is comparable, and a trial that was paused, also while a worker
        continues it: then it is the result when it was paused. A trial that violates a constraint has none.
        """
        is_scored = self.state is State.COMPLETED or (self.state is State.PRUNED and self.result.comparable)
        found = self.at_pause or (self if is_scored else None)
        return None if found is None or found.result.violated else found


def searched(records: Sequence[TrialRecord]) -> Sequence[TrialRecord]:
    """Trials of the search: all but those that confirm another one.

    Args:
        records: Trials in any order and state.
    """
    if all(record.confirms is None for record in records):
        return records
    return [record for record in records if record.confirms is None]
