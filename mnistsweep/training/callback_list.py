"""The callbacks of a training, in the order in which they are called."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from mnistsweep.config.schema import Config
from mnistsweep.training.callbacks.epoch_snapshot import EpochSnapshot
from mnistsweep.training.callbacks.guards import FiniteGuard, ObjectiveGuard, OwnershipCheck
from mnistsweep.training.callbacks.metric_names import StableNames
from mnistsweep.training.callbacks.stopping import LastEpoch
from mnistsweep.training.callbacks.user_callbacks import build_early_stopping, build_user_callbacks


class TrainingCallbacks:
    """The callbacks that change, measure or end a training. Each object is made for one training.

    Users' callbacks come before those that read the objective, which they may add to the logs.

    Args:
        config: Configuration of the trial.
        direction: Direction of the objective: ``max`` or ``min``.
        ownership: Callback that checks the ownership of the trial.
        observers: Callbacks that record the training.
        snapshot: Callback before the user's own ones; None without these.
        is_required: Whether each epoch must report the objective.

    Attributes:
        all: All of them, in order.
        stored: Those whose state a resume file holds, in the order of every version before.
    """

    def __init__(
        self,
        config: Config,
        direction: str,
        ownership: OwnershipCheck,
        observers: Sequence[keras.callbacks.Callback],
        snapshot: EpochSnapshot | None,
        is_required: bool,
    ) -> None:
        guard = FiniteGuard(config.first_objective if snapshot is None and is_required else None)
        stopping, users = build_early_stopping(config, direction), build_user_callbacks(config)
        last = [] if config.trainer.stop_after is None else [LastEpoch(config.trainer.stop_after)]
        between = [] if snapshot is None else [snapshot, *users, ObjectiveGuard(config.first_objective, is_required)]
        self.all = [ownership, StableNames(), guard, *between, *observers, *stopping, *last]
        self.stored = [ownership, guard, *observers, *stopping, *users]
