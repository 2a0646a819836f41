"""Trains the models of the cleaning experiment and asks them; Keras is imported when the first of them is trained."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistsweep import devices
from mnistsweep.config.schema import Config
from mnistsweep.data import Dataset
from mnistsweep.errors import SweepStopped


@dataclass(frozen=True)
class Learner:
    """Trains models of one configuration, each on a training set of its own.

    Args:
        config: Of the models.
        epochs: How long each is trained.
        threads: CPU threads of a training.
    """

    config: Config
    epochs: int
    threads: int

    def answer(
        self, dataset: Dataset, seed: int, images: NDArray[Any], on_epoch: Callable[[int], None]
    ) -> NDArray[np.float64]:
        """What a model says that is trained for the purpose.

        Args:
            dataset: Its training side is trained on.
            seed: Of the training.
            images: To ask about, scaled, ``(n, ...)``.
            on_epoch: Called after each epoch, with its number from 1.

        Returns:
            Probabilities, ``(n, classes)``.

        Raises:
            SweepStopped: The training failed.
        """
        self._start_keras()
        from mnistsweep.engines.memory import free_graphs
        from mnistsweep.refitting import class_probabilities, refit
        from mnistsweep.training import explain

        try:
            model = refit(self.config, dataset, seed, self.epochs, on_epoch).model
            probabilities = class_probabilities(model, images)
        except Exception as error:
            raise SweepStopped(f"the training failed: {explain(error)}; the same command goes on.") from error
        free_graphs(model)
        return probabilities

    def _start_keras(self) -> None:
        os.environ.update(devices.environment(0, 1, self.threads))
        with devices.quiet_start():
            import mnistsweep.refitting  # noqa: F401
        if self.config.trainer.deterministic:
            devices.use_op_determinism()
