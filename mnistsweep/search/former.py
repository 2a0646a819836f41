"""Trials of former sweeps, from which a search starts warm: it learns from them and cannot continue them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mnistsweep.json_values import from_json, to_json
from mnistsweep.search.scheduler import Curve, Phase
from mnistsweep.space import Point

NOT_LEARNING = ("random", "grid", "quasi_random")
"""Oracles with points that do not depend on results; `oracle=auto` may become the grid."""


@dataclass(frozen=True)
class FormerTrial:
    """A trial of a former sweep.

    Attributes:
        point: Point in the space of the sweep that starts warm.
        values: Objective after each reported epoch, by epoch from 1; NaN and infinite values are included.
        objective: Objective of a completed trial; None of any other.
        violations: Violation of each constraint, by its text; empty without constraints.
    """

    point: Point
    values: Mapping[int, float] = field(default_factory=dict)
    objective: float | None = None
    violations: Mapping[str, float] = field(default_factory=dict)

    @property
    def is_feasible(self) -> bool:
        """Whether the trial violates no constraint."""
        return all(violation <= 0 for violation in self.violations.values())

    def to_json(self) -> dict[str, Any]:
        """Return the trial as plain values; JSON keeps NaN and infinite values as Python writes them."""
        return {
            "point": to_json(self.point),
            "values": [[epoch, value] for epoch, value in self.values.items()],
            "objective": self.objective,
            "violations": dict(self.violations),
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> FormerTrial:
        """Return the trial that `to_json` wrote."""
        values = {int(epoch): float(value) for epoch, value in record["values"]}
        return cls(from_json(record["point"]), values, record["objective"], record["violations"])


def former_curves(trials: Iterable[FormerTrial], epochs_of: Callable[[Point], int]) -> list[Curve]:
    """Return former trials as curves that have ended, with the numbers -1, -2, -3, ...

    A trial without a reported epoch has no curve. The values of a trial that violates a constraint count as the worst.

    Args:
        trials: Former trials.
        epochs_of: Function from a point to the number of epochs of its whole training.
    """
    curves = list[Curve]()
    for trial in trials:
        if trial.values:
            values = trial.values if trial.is_feasible else dict.fromkeys(trial.values, math.nan)
            number, last = -1 - len(curves), max(values)
            longest = max(last, epochs_of(trial.point))
            curves.append(Curve(number, trial.point, Phase.ENDED, longest, values, last))
    return curves


def representative(ranking: Sequence[Curve], limit: int) -> list[Curve]:
    """Return at most a limited number of curves: the best half of the limit, and others at equal distances of rank.

    Args:
        ranking: Curves, the best first.
        limit: Largest number of curves; at least 2.
    """
    if len(ranking) <= limit:
        return list(ranking)
    num_best = limit // 2
    others, count = ranking[num_best:], limit - num_best
    return [*ranking[:num_best], *(others[index * len(others) // count] for index in range(count))]
