"""Settings of a search: what is searched, how, and for how long."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from optuna.pruners import BasePruner, NopPruner

from mnistsweep.config.constraints import Constraint
from mnistsweep.config.objectives import Objective
from mnistsweep.search.scheduler import LAST_EPOCH, Scheduler
from mnistsweep.space import Point, SearchSpace
from mnistsweep.study.budget import Budget
from mnistsweep.study.views import TRAIN


@dataclass(frozen=True)
class SearchSettings:
    """The parts of a study that do not change while it runs.

    Attributes:
        space: Search space.
        direction: Direction of the objective: ``max`` or ``min``.
        scheduler: What decides which trial a worker starts or continues.
        seed_of: Function from a trial's number to the seed of its training.
        pruner: Optuna pruner that decides which trials end early; the default prunes none.
        budget: Limits of the sweep; the default has none.
        objective: Name of the objective.
        train_command: Command that repeats a trial with its configuration; empty if there is none.
        epochs_of: Function from a point to the number of epochs of its whole training; only schedulers that pause
            trials need it.
        checkpoints_gb: Maximum size of the checkpoints of paused trials, in GB (10^9 bytes).
        constraints: Constraints that the best trial keeps.
        nested_epochs: Numbers of epochs that each training contains, in ascending order; empty: a training has one.
        further: All objectives but the first; empty for a search with one objective.
        prefers_live: Whether decisions may depend on which models a worker keeps in memory. A search with one worker
            and a budget of trials or epochs can be repeated, so there they may not.
    """

    space: SearchSpace
    direction: str
    scheduler: Scheduler
    seed_of: Callable[[int], int]
    pruner: BasePruner = field(default_factory=NopPruner)
    budget: Budget = field(default_factory=Budget)
    objective: str = "objective"
    train_command: str = TRAIN
    epochs_of: Callable[[Point], int] = lambda _point: LAST_EPOCH
    checkpoints_gb: float = 2.0
    constraints: Sequence[Constraint] = ()
    further: Sequence[Objective] = ()
    prefers_live: bool = False
    nested_epochs: Sequence[int] = ()

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """All objectives, the first one first."""
        return (Objective(self.objective, self.direction), *self.further)
