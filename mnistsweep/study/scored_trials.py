"""Trials with an objective as arrays, ready to be drawn and compared."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mnistsweep.space import Point, SearchSpace
from mnistsweep.study.records import State, TrialRecord
from mnistsweep.text import format_metric

if TYPE_CHECKING:
    from mnistsweep.search.importance import Importances


@dataclass(frozen=True, eq=False)
class ScoredTrials:
    """Completed and pruned trials with a finite objective, in the order of their numbers; at least one has completed.

    Attributes:
        space: Search space of the sweep.
        objective: Name of the objective.
        direction: ``max`` or ``min``.
        numbers: Numbers of the trials, ``(n,)``.
        values: Objective of each trial, ``(n,)``; of a pruned trial, that of the last epoch before it was pruned.
        seconds: Training time of each trial, ``(n,)``.
        completed: Whether each trial has completed, ``(n,)``; the others were pruned.
        points: Values of each trial's active dimensions.
    """

    space: SearchSpace
    objective: str
    direction: str
    numbers: NDArray[np.int64]
    values: NDArray[np.float64]
    seconds: NDArray[np.float64]
    completed: NDArray[np.bool_]
    points: Sequence[Point]

    @classmethod
    def from_records(
        cls, space: SearchSpace, objective: str, direction: str, records: Sequence[TrialRecord]
    ) -> ScoredTrials | None:
        """Return the scored trials among all trials; None where no trial has completed.

        Args:
            space: Search space of the sweep.
            objective: Name of the objective.
            direction: ``max`` or ``min``.
            records: Records of trials in any state and order.
        """
        scored = [
            (record, value)
            for record in sorted(records, key=lambda record: record.number)
            if record.state in (State.COMPLETED, State.PRUNED)
            and (value := record.result.objective) is not None
            and math.isfinite(value)
        ]
        if not any(record.state is State.COMPLETED for record, _ in scored):
            return None
        return cls(
            space=space,
            objective=objective,
            direction=direction,
            numbers=np.array([record.number for record, _ in scored], dtype=np.int64),
            values=np.array([value for _, value in scored], dtype=np.float64),
            seconds=np.array([record.result.seconds for record, _ in scored], dtype=np.float64),
            completed=np.array([record.state is State.COMPLETED for record, _ in scored], dtype=bool),
            points=[record.point for record, _ in scored],
        )

    @property
    def num_pruned(self) -> int:
        """Number of pruned trials."""
        return int((~self.completed).sum())

    @property
    def gains(self) -> NDArray[np.float64]:
        """Objective with the sign that makes larger values better, ``(n,)``."""
        return self.values if self.direction == "max" else -self.values

    @property
    def order(self) -> NDArray[np.int64]:
        """Positions of the completed trials, best first; trials with equal objectives by their numbers."""
        order = np.argsort(-self.gains, kind="stable")
        return np.asarray(order[self.completed[order]], dtype=np.int64)

    @property
    def best(self) -> int:
        """Position of the best completed trial."""
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
