"""What an oracle is, and those that do not look at the ledger."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any

import optuna

from mnistsweep.search.sequences import PointSequence
from mnistsweep.space import Point, SearchSpace


@dataclass(frozen=True)
class Proposal:
    """A point to try, and what the sampler wants remembered with the trial."""

    point: Point
    system_attrs: dict[str, Any] = field(default_factory=dict)


class Oracle(ABC):
    """Says which point a trial gets."""

    def __init__(self, space: SearchSpace) -> None:
        self.space = space

    def prepare(self, number: int) -> None:  # noqa: B027  # most have nothing to do
        """Do beforehand what can be done for a trial of that number: nobody waits for this, but for `propose`."""

    @abstractmethod
    def propose(self, number: int, study: optuna.Study) -> Proposal | None:
        """The point of trial `number`, given the ledger; None where there is nothing left to try."""


class SequenceOracle(Oracle):
    """Grid, random or quasi-random search: the ledger is not asked."""

    def __init__(self, sequence: PointSequence) -> None:
        super().__init__(sequence.space)
        self._sequence = sequence

    def prepare(self, number: int) -> None:
        """Work the sequence out up to there."""
        self._sequence.point(number)

    def propose(self, number: int, study: optuna.Study) -> Proposal | None:
        """The sequence's point."""
        point = self._sequence.point(number)
        return None if point is None else Proposal(point)
