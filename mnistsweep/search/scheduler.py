"""The interface of a scheduler: it decides which piece of work a worker does next.

A *trial* is one configuration. A *job* is a piece of work on a trial: start it, or continue it from its checkpoint,
until the end of a given epoch. A trial that has reached this epoch, and is not at its last epoch, is *paused*: it keeps
its checkpoint and has no owner until a later job continues it.
A scheduler sees trials as curves. It reads no files, no ledger and no clock, so it runs unchanged in a simulation.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from mnistsweep.search.oracle import Proposal
from mnistsweep.space import Point

if TYPE_CHECKING:
    import optuna


LAST_EPOCH = 2**31 - 1
"""A value of `Start.until` and `Continue.until`: the job ends with the last epoch of the trial."""


class Phase(StrEnum):
    """What can be done with a trial."""

    RUNNING = "running"
    """A worker trains it, until the end of `Curve.until`."""
    PAUSED = "paused"
    """It can be continued."""
    ENDED = "ended"
    """It has a result: it has trained all its epochs, or it ended before for a reason of its own (early stopping)."""
    FAILED = "failed"
    """It has no result."""


@dataclass(frozen=True)
class Curve:
    """A trial as a scheduler sees it.

    Attributes:
        number: Number of the trial, counted from 0.
        point: Value of each active dimension.
        phase: What can be done with the trial.
        max_epochs: Number of epochs of the whole training.
        values: Objective after each reported epoch, by epoch from 1; NaN and infinite values are included.
        until: Last epoch of the running job; of another trial, the last finished epoch.
        seconds: Time that the finished epochs took, in seconds; 0 if it is not known.
        has_checkpoint: Whether a job can continue after the last finished epoch. Otherwise it trains from epoch 1.
        build_seconds: Part of `seconds` that passed before models could be trained; 0 if it is not known.
        builds: How often a model was built in this time.
    """

    number: int
    point: Point
    phase: Phase
    max_epochs: int
    values: Mapping[int, float] = field(default_factory=dict)
    until: int = 0
    seconds: float = 0.0
    has_checkpoint: bool = True
    build_seconds: float = 0.0
    builds: int = 0

    @property
    def epochs(self) -> int:
        """Number of the last finished epoch; 0 before the first."""
        return max(self.values, default=0)


@dataclass(frozen=True)
class SearchView:
    """What a scheduler knows when it decides.

    Attributes:
        curves: All trials in the order of their numbers; the next new trial has the number ``len(curves)``.
        may_start: Whether the budget allows another trial.
        epochs_left: Number of epochs that the budget still allows, without those of running jobs; None: no limit.
        live: Numbers of the paused trials of which the asking worker has the model in memory, so that it continues them
            without building it. Empty where decisions must be the same after a kill: one worker, no budget of time.
        counts_seconds: Whether the budget is a time. Otherwise it is a number of epochs or trials, and decisions do not
            depend on the time that epochs took, so that a search can be repeated.
    """

    curves: Sequence[Curve]
    may_start: bool = True
    epochs_left: int | None = None
    live: frozenset[int] = frozenset()
    counts_seconds: bool = False


@dataclass(frozen=True)
class Start:
    """Start a new trial.

    Attributes:
        proposal: Point of the trial.
        until: Last epoch of the job; larger values than the trial's number of epochs mean that number.
    """

    proposal: Proposal
    until: int


@dataclass(frozen=True)
class Continue:
    """Continue a paused trial.

    Attributes:
        number: Number of the trial.
        until: Last epoch of the job; larger than the trial's last finished epoch.
    """

    number: int
    until: int


Job = Start | Continue


class Scheduler(ABC):
    """Decides the jobs of a search.

    The decision is a function of the seed and of the view. It does not depend on earlier calls of the same object: each
    worker has its own scheduler, and a worker may be replaced at any time. What is kept between calls only saves time.

    Attributes:
        no_job_reason: Why `next_job` returned None, for the user.
        pauses: Whether trials may be paused. Otherwise each job is a whole training, and training to the last epoch may
            exceed the budget of epochs.
    """

    no_job_reason = "no trial is left that is worth continuing"
    pauses = True

    def prepare(self, view: SearchView) -> None:  # noqa: B027  # optional
        """Compute in advance, without the ledger lock, what a decision needs; the view may be a little older."""

    @abstractmethod
    def next_job(self, view: SearchView, study: optuna.Study) -> Job | None:
        """Return the next job; None if there is none now.

        None while jobs of other workers run may become a job when these have ended. None while nothing runs ends the
        search.

        Args:
            view: All trials and the budget.
            study: Optuna's study of the ledger, for schedulers that take their points from an `Oracle`.
        """

    def order_of_interest(self, view: SearchView, direction: str) -> list[int]:
        """Return the numbers of the paused trials, the one least likely to be continued first.

        Where the checkpoints of paused trials take too much space, those at the beginning are removed first. Here the
        trial with the worst best value comes first.

        Args:
            view: All trials.
            direction: Direction of the objective: ``max`` or ``min``.
        """
        sign = 1 if direction == "max" else -1

        def merit(curve: Curve) -> float:
            return max((sign * value for value in curve.values.values() if math.isfinite(value)), default=-math.inf)

        paused = [curve for curve in view.curves if curve.phase is Phase.PAUSED]
        return [curve.number for curve in sorted(paused, key=merit)]
