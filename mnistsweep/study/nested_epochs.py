"""Nested epochs: what a training says about the trainings of fewer epochs that it contains.

The numbers of epochs of these trainings are listed in ascending order. The last one is that of the whole training.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mnistsweep.study.records import Result, State, TrialRecord
from mnistsweep.text import listed

EPOCHS = "trainer.epochs"
"""Key of the number of epochs."""

# Maximum number of numbers of epochs that a message lists.
MAX_LISTED = 10


@dataclass(frozen=True)
class ContainedResult:
    """Result of a contained training.

    Attributes:
        epochs: Its number of epochs. It has ended before, where the whole training has ended before by itself.
        objective: Objective at its best epoch.
        best_epoch: Its best epoch, counted from 1.
    """

    epochs: int
    objective: float
    best_epoch: int


def contained_results(record: TrialRecord, nested: Sequence[int], direction: str) -> Iterator[ContainedResult]:
    """Yield the result of each contained training that is known for certain.

    A training that has completed is known for every number of epochs: if it has ended early by itself, so would the
    longer ones. Of a training that was paused or pruned, only those are known that it has passed; of one without a
    result, none.

    Args:
        record: Trial that has ended, or with its result when it was paused (`TrialRecord.at_pause`).
        nested: Listed numbers of epochs.
        direction: Direction of the objective: ``max`` or ``min``.
    """
    last, known = _last_epoch(record), _finite(record.values)
    for epochs in nested if record.state is not State.FAILED else ():
        values = {epoch: value for epoch, value in known.items() if epoch <= min(epochs, last)}
        if values and (epochs <= last or record.state is State.COMPLETED):
            best = best_epoch(values, direction)
            yield ContainedResult(epochs, values[best], best)


def _finite(values: Mapping[int, float]) -> dict[int, float]:
    return {epoch: value for epoch, value in values.items() if math.isfinite(value)}


def best_epoch(values: Mapping[int, float], direction: str) -> int:
    """Return the epoch with the best value, the first of equal ones.

    Args:
        values: Finite objective by epoch, at least one.
        direction: ``max`` or ``min``.

    Example:
        >>> best_epoch({1: 0.5, 2: 0.75, 3: 0.75}, "max")
        2
    """
    return (max if direction == "max" else min)(sorted(values), key=values.__getitem__)


def smallest_with(epoch: int, nested: Sequence[int]) -> int:
    """Return the smallest listed number of epochs of a training that contains an epoch.

    Args:
        epoch: Epoch, counted from 1; at most the largest listed number.
        nested: Listed numbers of epochs.

    Example:
        >>> smallest_with(11, [10, 12, 15])
        12
    """
    return nested[bisect.bisect_left(nested, epoch)]


def best_content(content: Mapping[str, Any], record: TrialRecord, nested: Sequence[int]) -> dict[str, Any]:
    """Content of ``best.yaml``: the configuration that trains as long as the score of the best trial needs.

    Where epochs are nested, ``trainer.epochs`` is the smallest listed number with the best epoch. Where the trial was
    paused or pruned before this number, ``trainer.stop_after`` is its last epoch: the schedules of a training may
    depend on ``trainer.epochs``.

    Args:
        content: Content of the trial's configuration file.
        record: Best trial.
        nested: Listed numbers of epochs; empty: they are not nested.
    """
    trainer, result = dict(content["trainer"]), record.result
    if nested and result.best_epoch is not None:
        trainer["epochs"] = smallest_with(result.best_epoch, nested)
    if record.state is not State.COMPLETED:
        last = _last_epoch(record)
        if not nested or last < trainer["epochs"]:
            trainer["stop_after"] = last
    return {**content, "trainer": trainer}


def _last_epoch(record: TrialRecord) -> int:
    """Last epoch of a trial; a worker may have continued it after the pause that its result is of.

    The result of a trial that has ended counts epochs that were trained twice.
    """
    return (record.last_epoch if record.state.finished else 0) or record.result.epochs


def explain_best(record: TrialRecord, nested: Sequence[int]) -> list[str]:
    """Return a sentence on the number of epochs in ``best.yaml``, without a full stop; none if epochs are not nested.

    Args:
        record: Best trial.
        nested: Listed numbers of epochs.
    """
    if not nested or record.result.best_epoch is None:
        return []
    epochs = smallest_with(record.result.best_epoch, nested)
    numbers = listed(list(map(str, nested)), MAX_LISTED)
    return [f"of the trainings of {numbers} epochs, that of {epochs} is the shortest that contains the best epoch"]


def result_before_failure(
    failed: Result,
    values: Mapping[int, float],
    nested: Sequence[int],
    direction: str,
    paused: Result | None = None,
) -> Result | None:
    """Result of a training that has failed, up to its failure; None if it has not passed the smallest listed number.

    The contained trainings that it has passed would not have failed, so the trial has a result.

    Args:
        failed: Result of the failed training.
        values: Objective by epoch.
        nested: Listed numbers of epochs; empty: they are not nested.
        direction: Direction of the objective: ``max`` or ``min``.
        paused: Result when the trial was paused last; its checkpoint counts if it is that of the best epoch.
    """
    known, last = _finite(values), max(values, default=0)
    if not nested or last < nested[0] or not known:
        return None
    best = best_epoch(known, direction)
    saved = paused.checkpoint if paused is not None and paused.best_epoch == best else None
    return replace(
        failed,
        objective=values[best],
        best_epoch=best,
        epochs=last,
        reason=f"failed after epoch {last}: {failed.reason}",
        limited=False,
        checkpoint=saved,
        comparable=True,
    )
