"""The outcome of a training, computed from the results of its repeats and folds.

A configuration is trained `trainer.repeats` times. With `data.folds`, each repeat is a complete cross-validation: one
training for each fold. The trainings are numbered through: training i validates on fold i modulo the number of folds.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mnistsweep.config.schema import Config
from mnistsweep.error_descriptions import describe_error
from mnistsweep.errors import ConstraintViolated, TrialLimited
from mnistsweep.paths import TrialPaths
from mnistsweep.study.records import CheckpointRecord, Result, State
from mnistsweep.user_code import format_traceback


@dataclass(frozen=True)
class Outcome:
    """Outcome of a training.

    Attributes:
        state: Completed, pruned, paused or failed.
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
    known = error.quantities if isinstance(error, ConstraintViolated) else {}
    limited = isinstance(error, TrialLimited)
    return Outcome(State.FAILED, Result(reason=describe_error(error), limited=limited, quantities=known))


@dataclass(frozen=True)
class RepeatResult:
    """Result of one training: of a repeat, or of one fold of a repeat.

    Attributes:
        value: Best value of the objective.
        best_epoch: Epoch of that value, from 1.
        epochs: Number of finished epochs.
        pruned_at: Epoch after which the training was pruned, from 1; None if it was not pruned.
        checksum: SHA-256 of the checkpoint; None if none was saved: an earlier repeat was better, or the training is
            not that of the first fold.
        paused_at: Epoch after which the training was paused, from 1; None if it was not paused.
        build_seconds: Time until the model could be trained, in seconds; None if it was not built.
    """

    value: float
    best_epoch: int
    epochs: int
    pruned_at: int | None
    checksum: str | None = None
    paused_at: int | None = None
    build_seconds: float | None = field(default=None, compare=False)

    @property
    def has_stopped(self) -> bool:
        """Whether no further training of the configuration follows: it was pruned or paused."""
        return self.pruned_at is not None or self.paused_at is not None


def num_folds(data: Mapping[str, Any] | None) -> int:
    """Return the number of folds of a configuration; 1 without cross-validation.

    Args:
        data: The ``data`` group of the configuration; None where there is none.
    """
    return int((data or {}).get("folds") or 1)


def num_trainings(config: Config) -> int:
    """Return the number of trainings of a trial: one for each repeat, or for each fold of each repeat.

    Args:
        config: Configuration of the trial.
    """
    return config.trainer.repeats * num_folds(config.data)


def best_result(results: Sequence[RepeatResult], direction: str) -> RepeatResult:
    """Return the repeat with the best value, the first of equal ones.

    Args:
        results: Results of the repeats, at least one.
        direction: ``max`` or ``min``.
    """
    return (max if direction == "max" else min)(results, key=lambda result: result.value)


def of_first_fold(results: Sequence[RepeatResult], folds: int) -> list[RepeatResult]:
    """Return the trainings that validate on the first fold; only these save checkpoints.

    Of a checkpoint of the first fold it is known on which examples it was not trained: `data.load` returns this split.
    The best fold would be no better choice, because it is only the one with the easiest validation examples.

    Args:
        results: Results of the trainings in order.
        folds: Number of folds; 1 without cross-validation.
    """
    return list(results[::folds])


def mean_and_error(values: Sequence[float], folds: int) -> tuple[float, float | None]:
    """Return the mean of all trainings, and its standard error over the folds.

    The standard error is the sample standard deviation of the folds' values, each the mean over the repeats of the
    fold, divided by the root of the number of folds. Folds share training examples, so it is too small rather than too
    large (Bengio and Grandvalet, 2004, "No unbiased estimator of the variance of k-fold cross-validation").

    Args:
        values: Objective of each training, in order.
        folds: Number of folds; 1 without cross-validation.

    Returns:
        The mean; the standard error, or None with fewer than two folds.

    Example:
        >>> mean_and_error([0.5, 0.75], folds=2)
        (0.625, 0.125)
    """
    by_fold = [statistics.fmean(values[fold::folds]) for fold in range(min(folds, len(values)))]
    error = statistics.stdev(by_fold) / math.sqrt(len(by_fold)) if len(by_fold) > 1 else None
    return statistics.fmean(values), error


def summarize(
    results: Sequence[RepeatResult],
    direction: str,
    seconds: float,
    folds: int = 1,
    is_pruned_between_folds: bool = False,
    is_only: bool = False,
) -> Outcome:
    """Compute the outcome of a training.

    Args:
        results: Results of the trainings in order, at least one. Only the last can be pruned.
        direction: ``max`` or ``min``.
        seconds: Duration of the training.
        folds: Number of folds; 1 without cross-validation.
        is_pruned_between_folds: Whether no further fold is trained because the mean of the finished ones is bad.
        is_only: Whether the configuration is trained once.

    Returns:
        Completed, pruned or paused, with the objective averaged over all trainings. Its spread is the standard error
        over the folds, or without folds the standard deviation over the repeats. The best epoch is that of the best
        repeat; with folds it is the lower median of the best epochs of all trainings.
    """
    values, pruned_at = [result.value for result in results], results[-1].pruned_at
    best = best_result(of_first_fold(results, folds), direction)
    mean, error = mean_and_error(values, folds)
    reason = "" if pruned_at is None else f"pruned after epoch {pruned_at}"
    if is_pruned_between_folds:
        reason = f"pruned after fold {len(results)} of {folds}"
    built = [one.build_seconds for one in results if one.build_seconds is not None]
    result = Result(
        objective=mean,
        best_epoch=best.best_epoch if folds == 1 else statistics.median_low(one.best_epoch for one in results),
        epochs=sum(result.epochs for result in results),
        seconds=seconds,
        std=statistics.stdev(values) if len(values) > 1 and folds == 1 else None,
        standard_error=error,
        reason=reason,
        checkpoint=None if best.checksum is None else CheckpointRecord(best.checksum, best.value),
        comparable=bool(reason) and is_only,
        build_seconds=sum(built),
        builds=len(built),
    )
    if results[-1].paused_at is not None:
        return Outcome(State.PAUSED, result)
    return Outcome(State.PRUNED if reason else State.COMPLETED, result)
