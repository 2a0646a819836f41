"""Training for the label-cleaning experiment: one model per call, with its predictions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mnistsweep import devices
from mnistsweep.config.schema import Config
from mnistsweep.data import Dataset
from mnistsweep.data.structure import Structure
from mnistsweep.error_descriptions import describe_error
from mnistsweep.errors import DataError, SweepStopped
from mnistsweep.evaluation.class_output import find_class_output
from mnistsweep.evaluation.selection import Selection, reports_at_end
from mnistsweep.study.records import Result
from mnistsweep.training.outcome import num_trainings
from mnistsweep.user_code import exits_as_failures, explained


@dataclass(frozen=True)
class CleaningTrainer:
    """Trains models of one configuration on different training sets. Imports Keras at the first training.

    Args:
        config: Configuration of the models.
        epochs: Number of epochs of each training.
        threads: Number of CPU threads of a training.
    """

    config: Config
    epochs: int
    threads: int

    @classmethod
    def of(cls, selection: Selection) -> CleaningTrainer:
        """Create a trainer for the configuration of a sweep's winner.

        Raises:
            StudyError: The configuration cannot be read.
        """
        config = selection.config_of(selection.winner)
        threads = config.trainer.threads or selection.plan.threads
        return cls(config, training_epochs(config, selection.winner.result, threads), threads)

    def check(self, dataset: Dataset) -> None:
        """Check that the model predicts the classes of the labels, before anything is trained.

        Args:
            dataset: Data set.

        Raises:
            DataError: The model predicts something else, for example numbers for whole numbers as targets.
        """
        devices.start_keras(self.threads, self.config.trainer.deterministic)
        from mnistsweep.evaluation.output_heads import find_heads
        from mnistsweep.evaluation.retraining import build_model

        output = find_class_output(dataset)
        with explained(lambda reason: SweepStopped(f"the model cannot be built: {reason}")):
            model, forms = build_model(self.config, dataset)
            heads = find_heads(model, forms, dataset.train.targets, dataset.train_arrays("mnistsweep clean").inputs)
        kinds = [head.kind for head in heads]
        if not kinds or kinds[output.position] != "classes":
            received = f"the kind {kinds[output.position]!r}" if kinds else "outputs that do not match the targets"
            place = f" at {output.name!r}" if output.name else ""
            raise DataError(
                f"clean: needs a model that predicts class probabilities{place}; received {received}; the labels of "
                "other models are not cleaned."
            )

    def train_and_predict(
        self, dataset: Dataset, seed: int, images: Structure, on_epoch: Callable[[int], None]
    ) -> tuple[NDArray[np.float64], bool]:
        """Train a model from scratch, and predict class probabilities.

        Args:
            dataset: Data set; the model is trained on its training split.
            seed: Seed of the training.
            images: Scaled inputs to predict, ``(n, ...)`` or a structure of arrays.
            on_epoch: Function that is called after each epoch with its number, from 1.

        Returns:
            Probabilities, ``(n, classes)``, and whether they are probabilities: those of a model that predicts margins
            (hinge loss) are scores with the same order, see `class_scores.class_scores`.

        Raises:
            SweepStopped: The training failed.
        """
        devices.start_keras(self.threads, self.config.trainer.deterministic)
        from mnistsweep.evaluation.inference import predict_outputs
        from mnistsweep.evaluation.output_heads import find_heads
        from mnistsweep.evaluation.retraining import retrain
        from mnistsweep.training.engines.memory import free_graphs

        try:
            with exits_as_failures():
                retrained = retrain(self.config, dataset, seed, self.epochs, on_epoch)
                model = retrained.model
                heads = find_heads(model, retrained.forms, dataset.train.targets, images)
                head = heads[find_class_output(dataset).position]
                probabilities = predict_outputs(model, images, [head])[head.name]
        except Exception as error:  # any error of the model or of the user's code
            raise SweepStopped(
                f"the training failed: {describe_error(error)}; repeat the command to continue the experiment."
            ) from error
        free_graphs(model)
        return probabilities, not head.are_margins


def training_epochs(config: Config, result: Result, threads: int) -> int:
    """Number of epochs of a training in the cleaning experiment.

    It is the configured number of epochs, because the learning rate schedule is made for it. The trial's best epoch is
    not used: on easy data it comes early, by chance among epochs of equal score, and models that stop there are
    undertrained and find fewer wrong labels. The exception is a trial that stopped early, for example by
    `trainer.patience`: its configured number of epochs is too large, so its best epoch is used.

    Args:
        config: Configuration of the trial.
        result: Result of the trial.
        threads: Number of CPU threads of a training.
    """
    epochs, trainings = config.trainer.epochs, num_trainings(config)
    has_stopped_early = result.best_epoch is not None and result.epochs < epochs * trainings
    if not has_stopped_early or reports_at_end(config, result, threads):
        return epochs
    return result.best_epoch or epochs
