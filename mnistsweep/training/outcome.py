"""The outcome of a training, computed from the results of its repeats."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from mnistsweep.errors import TrialLimited, describe_error
from mnistsweep.paths import TrialPaths
from mnistsweep.study.records import CheckpointRecord, Result, State
from mnistsweep.user_code import format_traceback


@dataclass(frozen=True)
class Outcome:
    """Outcome of a training.

    Attributes:
        state: Completed, pruned or failed.
        result: Objective, epochs and duration; for a failed training the reason.
    """

    state: State
    result: Result


def failed_outcome(error: Exception, folder: TrialPaths) -> Outcome:
    """Outcome of a trial that an error has ended; the traceback is written to the trial's folder.

    Args:
        error: Error that the trial caused.
        folder: Paths of the trial's files.
    """
    folder.folder.mkdir(exist_ok=True)
    folder.error.write_text(format_traceback(error), encoding="utf-8")
    return Outcome(State.FAILED, Result(reason=describe_error(error), limited=isinstance(error, TrialLimited)))


@dataclass(frozen=True)
class RepeatResult:
    """Result of one repeat of a training.

    Attributes:
        value: Best value of the objective.
        best_epoch: Epoch of that value, from 1.
        epochs: Number of finished epochs.
        pruned_at: Epoch after which the repeat was pruned, from 1; None if it was not pruned.
        checksum: SHA-256 of the checkpoint; None if an earlier repeat was better, so that none was saved.
    """

    value: float
    best_epoch: int
    epochs: int
    pruned_at: int | None
    checksum: str | None = None


def best_result(results: Sequence[RepeatResult], direction: str) -> RepeatResult:
    """Return the repeat with the best value, the first of equal ones.

    Args:
        results: Results of the repeats, at least one.
        direction: ``max`` or ``min``.
    """
    return (max if direction == "max" else min)(results, key=lambda result: result.value)


def summarize(results: Sequence[RepeatResult], direction: str, seconds: float) -> Outcome:
    """Compute the outcome of a training.

    Args:
        results: Results of the repeats in order, at least one. Only the last can be pruned.
        direction: ``max`` or ``min``.
        seconds: Duration of the training.

    Returns:
        Completed or pruned, with the objective averaged over the repeats and its standard deviation.
    """
    values, pruned_at = [result.value for result in results], results[-1].pruned_at
    best = best_result(results, direction)
    result = Result(
        objective=statistics.fmean(values),
        best_epoch=best.best_epoch,
        epochs=sum(result.epochs for result in results),
        seconds=seconds,
        std=statistics.stdev(values) if len(values) > 1 else None,
        reason="" if pruned_at is None else f"pruned after epoch {pruned_at}",
        checkpoint=None if best.checksum is None else CheckpointRecord(best.checksum, best.value),
    )
    return Outcome(State.COMPLETED if pruned_at is None else State.PRUNED, result)
