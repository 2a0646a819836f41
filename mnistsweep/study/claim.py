"""A trial that the study has granted to a worker."""

from __future__ import annotations

from dataclasses import dataclass

from mnistsweep.space import Point
from mnistsweep.study.records import Result


@dataclass(frozen=True)
class Claim:
    """A trial that a worker may run.

    Attributes:
        number: Number of the trial, counted from 0.
        point: Values of the active dimensions, by key.
        seed: Seed of the training.
        trial_id: Identifier of the trial in the Optuna storage.
        until: Last epoch of the job, after which the trial is paused; None: the last epoch of the training.
        paused: Result when the trial was paused last; None if it was never paused.
        confirms: Number of the trial that this one confirms; None for a trial of the search.
    """

    number: int
    point: Point
    seed: int
    trial_id: int
    until: int | None = None
    paused: Result | None = None
    confirms: int | None = None
