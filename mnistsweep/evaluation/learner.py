"""Trains the models of the cleaning experiment and asks them; Keras is imported when the first of them is trained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistsweep import devices
from mnistsweep.config.schema import Config
from mnistsweep.data import Dataset
from mnistsweep.errors import SweepStopped, describe_error
from mnistsweep.evaluation.selection import Selection
from mnistsweep.study.records import Result


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

    @classmethod
    def of(cls, selection: Selection) -> Learner:
        """One for the configuration that has won a sweep.

        Raises:
            StudyError: The configuration cannot be read.
        """
        config = selection.config_of(selection.winner)
        threads = config.trainer.threads or selection.plan.threads
        return cls(config, length(config, selection.winner.result), threads)

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
        devices.start_keras(self.threads, self.config.trainer.deterministic)
        from mnistsweep.evaluation.retraining import class_probabilities, refit
        from mnistsweep.training.engines.memory import free_graphs

        try:
            model = refit(self.config, dataset, seed, self.epochs, on_epoch).model
            probabilities = class_probabilities(model, images)
        except Exception as error:
            raise SweepStopped(f"the training failed: {describe_error(error)}; the same command goes on.") from error
        free_graphs(model)
        return probabilities


def length(config: Config, result: Result) -> int:
    """How many epochs a model is trained that answers for a trial's configuration.

    As many as are configured, for that is what the learning rate's schedule is made for. The trial's best epoch is no
    measure of it: where the data are easy it comes early, by chance among equals, and models that are stopped there are
    undertrained and find fewer wrong labels. A trial that ended itself early, by `trainer.patience` for one, has found
    out that its configuration is too long: there it is the best epoch.

    Args:
        config: Of the trial.
        result: Of its training.
    """
    trainer = config.trainer
    # Told of one epoch a repeat alone: a `fit` of the user's own speaks at its end.
    if result.best_epoch is not None and trainer.repeats < result.epochs < trainer.epochs * trainer.repeats:
        return result.best_epoch
    return trainer.epochs
