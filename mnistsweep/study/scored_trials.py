"""Trials with an objective as arrays, ready to be drawn and compared."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mnistsweep.analysis.curve_order import win_shares
from mnistsweep.analysis.pareto import is_nondominated
from mnistsweep.config.objectives import Objective
from mnistsweep.space import Point, SearchSpace
from mnistsweep.study.front import quantities_with_seconds
from mnistsweep.study.records import State, TrialRecord, searched
from mnistsweep.text import format_metric

if TYPE_CHECKING:
    from mnistsweep.search.importance import Importances


@dataclass(frozen=True, eq=False)
class ScoredTrials:
    """Trials with a finite objective, in the order of their numbers; at least one of them is ranked.

    These are the completed trials, and those that ended early: pruned ones, and those that were paused when the sweep
    ended. Trials that confirm another one are left out: they are no choice of the search.

    Trials that violate a constraint are left out: none of them can be the best.

    Attributes:
        space: Search space of the sweep.
        objective: Name of the objective.
        direction: ``max`` or ``min``.
        numbers: Numbers of the trials, ``(n,)``.
        values: Objective of each trial, ``(n,)``; of a trial that ended early, at its best epoch until then.
        seconds: Training time of each trial, ``(n,)``.
        completed: Whether each trial has completed, ``(n,)``; the others ended early. Where none has completed, the
            ranked trials take their place.
        points: Values of each trial's active dimensions.
        is_ranked: Whether the objective of each trial can be compared with that of the others, ``(n,)``.
        stopped: Whether each trial is ranked and ended early, so that its objective is a lower bound, ``(n,)``.
        curves: Objective by epoch of each trial; empty where it is not known.
        early: Name of a trial that ended early: ``pruned trial`` or ``stopped trial``.
        further: All objectives but the first; everything here is about the first, unless it says something else.
        others: Values of the other objectives, ``(n, len(further))``; NaN where one is not known.
    """

    space: SearchSpace
    objective: str
    direction: str
    numbers: NDArray[np.int64]
    values: NDArray[np.float64]
    seconds: NDArray[np.float64]
    completed: NDArray[np.bool_]
    points: Sequence[Point]
    is_ranked: NDArray[np.bool_]
    stopped: NDArray[np.bool_]
    curves: Sequence[Mapping[int, float]]
    early: str = "pruned trial"
    further: Sequence[Objective] = ()
    others: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 0)))

    @classmethod
    def from_records(
        cls,
        space: SearchSpace,
        objective: str,
        direction: str,
        records: Sequence[TrialRecord],
        further: Sequence[Objective] = (),
    ) -> ScoredTrials | None:
        """Return the scored trials among all trials; None where no trial is ranked.

        Args:
            space: Search space of the sweep.
            objective: Name of the first objective.
            direction: ``max`` or ``min``: direction of the first objective.
            records: Records of trials in any state and order.
            further: All objectives but the first.
        """
        scored = [
            (record, value)
            for record in (one.scored or one for one in sorted(searched(records), key=lambda record: record.number))
            if (record.state in (State.COMPLETED, State.PRUNED) or record.paused is not None)
            and not (record.at_pause or record).result.violated
            and (value := record.result.objective) is not None
            and math.isfinite(value)
        ]
        is_ranked = np.array([record.scored is not None for record, _ in scored], dtype=bool)
        if not is_ranked.any():
            return None
        completed = np.array([record.state is State.COMPLETED for record, _ in scored], dtype=bool)
        was_pruned = any(record.state is State.PRUNED for record, _ in scored)
        return cls(
            space=space,
            objective=objective,
            direction=direction,
            numbers=np.array([record.number for record, _ in scored], dtype=np.int64),
            values=np.array([value for _, value in scored], dtype=np.float64),
            seconds=np.array([record.result.seconds for record, _ in scored], dtype=np.float64),
            completed=completed if completed.any() else is_ranked,
            points=[record.point for record, _ in scored],
            is_ranked=is_ranked,
            stopped=is_ranked & ~completed,
            curves=[record.values for record, _ in scored],
            early="pruned trial" if was_pruned else "stopped trial",
            further=further,
            others=np.array([_others(record, further) for record, _ in scored], dtype=np.float64),
        )

    @property
    def num_pruned(self) -> int:
        """Number of trials that ended early."""
        return int((~self.completed).sum())

    @property
    def gains(self) -> NDArray[np.float64]:
        """Objective with the sign that makes larger values better, ``(n,)``."""
        return self.values if self.direction == "max" else -self.values

    @property
    def comparison(self) -> NDArray[np.float64]:
        """Share of the other trials that each trial beats, ``(n,)``; every ranked trial beats those that are not.

        A trial that was stopped early is compared with others after the same number of epochs (`win_shares`).
        """
        _, ranks = np.unique(np.column_stack([self.is_ranked, self.gains]), axis=0, return_inverse=True)
        sign = 1.0 if self.direction == "max" else -1.0
        curves = [
            {epoch: sign * value for epoch, value in curve.items()} if ranked else {}
            for curve, ranked in zip(self.curves, self.is_ranked, strict=True)
        ]
        return win_shares(np.asarray(ranks.reshape(-1), dtype=np.float64), self.stopped, curves)

    @property
    def order(self) -> NDArray[np.int64]:
        """Positions of the ranked trials, best first; equal ones by the other objectives, then by their numbers."""
        losses = [one.sign * self.others[:, index] for index, one in enumerate(self.further)]
        order = np.lexsort([*losses[::-1], -self.gains])
        return np.asarray(order[self.is_ranked[order]], dtype=np.int64)

    @cached_property
    def front(self) -> NDArray[np.int64]:
        """Positions of the completed trials on the Pareto front of all objectives, the best first objective first."""
        losses = np.column_stack([-self.gains, *(one.sign * self.others.T[i] for i, one in enumerate(self.further))])
        compared = np.flatnonzero(self.completed & self.is_ranked & np.isfinite(losses).all(axis=1))
        on_front = set(compared[is_nondominated(losses[compared])].tolist())
        return np.array([position for position in self.order.tolist() if position in on_front], dtype=np.int64)

    @property
    def best(self) -> int:
        """Position of the best trial."""
        return int(self.order[0])

    @cached_property
    def importances(self) -> Importances:
        """Importance of each hyperparameter, computed once for all sections."""
        from mnistsweep.search.importance import importances

        return importances(self.space, self.points, self.values, ~self.completed, self.direction)

    @property
    def keys_by_importance(self) -> list[str]:
        """Keys of the dimensions with more than one value, the most important first.

        They have the order of the search space where the importance is not known.
        """
        known = [key for one in self.importances.dimensions for key in one.keys]
        return known or [column.key for column in self.space.columns if column.size != 1]

    def format(self, value: float) -> str:
        """Return an objective as text: a share as a percentage."""
        return format_metric(self.objective, value)


def _others(record: TrialRecord, further: Sequence[Objective]) -> list[float]:
    known = quantities_with_seconds(record.result)
    return [known.get(one.name, math.nan) for one in further]
