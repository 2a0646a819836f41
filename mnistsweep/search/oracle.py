"""The interface of an oracle: it proposes the point of each trial."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any

import optuna

from mnistsweep.space import Point, SearchSpace

ORDER = "order"
"""Key of a trial's user attribute ``result``: the number of results that were recorded before this one."""

CONFIRMS = "confirms"
"""Key of a trial's user attribute: the number of the trial that it repeats with another seed. Oracles leave it out."""


@dataclass(frozen=True)
class Proposal:
    """A proposed point.

    Attributes:
        point: Value of each active dimension.
        system_attrs: Attributes that the sampler needs in later proposals; the ledger keeps them with the trial.
    """

    point: Point
    system_attrs: dict[str, Any] = field(default_factory=dict)


class Oracle(ABC):
    """Proposes the point of each trial. No oracle proposes a point that is already in the ledger.

    Args:
        space: Search space of the sweep.

    Attributes:
        no_point_reason: Why `propose` returned None, for the user.
    """

    no_point_reason = "no point of the search space is left that was not tried (its ranges hold few distinct values)"

    def __init__(self, space: SearchSpace) -> None:
        self.space = space

    def prepare(self, number: int) -> None:  # noqa: B027  # optional: most oracles have nothing to prepare
        """Compute in advance what does not depend on the ledger.

        The worker calls this without the ledger lock, so no other worker waits for it, as it does for `propose`.

        Args:
            number: Number of the trial that is proposed next.
        """

    @abstractmethod
    def propose(self, number: int, study: optuna.Study) -> Proposal | None:
        """Return the proposal for a trial; None if the search space is exhausted.

        Args:
            number: Number of the trial.
            study: Optuna's study of the ledger, with all earlier trials.
        """
