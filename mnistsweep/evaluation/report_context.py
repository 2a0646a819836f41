"""What all parts of a report share: the winner of the sweep, its data and its test set, read once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistsweep import data, devices
from mnistsweep.analysis import arrays
from mnistsweep.config.schema import Config, ReportConfig
from mnistsweep.config.trial_file import fingerprint
from mnistsweep.data import Dataset, HeldOut
from mnistsweep.error_descriptions import describe_error
from mnistsweep.errors import DataError, StudyError
from mnistsweep.evaluation.saved_predictions import Predictions
from mnistsweep.evaluation.selection import Selection
from mnistsweep.evaluation.true_values import task_at
from mnistsweep.progress_bar import StepProgress
from mnistsweep.report_paths import ReportPaths
from mnistsweep.study.records import TrialRecord
from mnistsweep.user_code import exits_as_failures


@dataclass(frozen=True, eq=False)
class ReportContext:
    """The winner of a sweep with its data, and the progress bar of the command.

    Args:
        selection: Sweep and winner.
        steps: Progress bar, advanced by one unit per epoch and per prediction of distorted images.
    """

    selection: Selection
    steps: StepProgress

    @property
    def options(self) -> ReportConfig:
        """Options of the report: the group ``report`` of the configuration."""
        return self.selection.plan.config.report

    @property
    def paths(self) -> ReportPaths:
        """Paths of the report's files."""
        return self.selection.paths.report

    @cached_property
    def config(self) -> Config:
        """Configuration of the winner."""
        return self.selection.config_of(self.selection.winner)

    @cached_property
    def held_out(self) -> HeldOut:
        """Test set."""
        return data.load_test(self.config.data)

    @cached_property
    def dataset(self) -> Dataset:
        """Data set with the training and validation splits of the winner."""
        return data.load(self.config.data)

    @cached_property
    def full_dataset(self) -> Dataset:
        """Data set with all training and validation examples in its training split."""
        return self.dataset.whole

    @property
    def model_names(self) -> list[str]:
        """Names of the report's models, which are also the stems of their files: retrained models, or the checkpoint.

        Example:
            ``["trial-0007-seed-0", "trial-0007-seed-1"]``, or ``["trial-0007"]`` with `report.refit=false`
        """
        winner = checkpoint_name(self.selection.winner)
        return [f"{winner}-seed-{index}" for index in range(self.options.seeds)] if self.options.refit else [winner]

    def origin(self, record: TrialRecord) -> dict[str, Any]:
        """Values that determine the predictions of a trial's model; files of earlier versions hold the same keys."""
        return {
            "trial": record.number,
            "trial_seed": record.seed,
            "epochs": record.result.best_epoch or record.result.epochs,
            "configuration": fingerprint(self.selection.config_of(record)),
            "data": self.selection.checksum,
            "test": self.held_out.checksum,
        }

    def start_keras(self) -> None:
        """Import Keras, with the number of threads that the winner was trained with."""
        trainer = self.config.trainer
        devices.start_keras(trainer.threads or self.selection.plan.threads, trainer.deterministic)

    def predict(
        self, model: Any, record: TrialRecord, config: Config, dataset: Dataset, held_out: HeldOut, **options: Any
    ) -> Predictions:
        """Predict the test set with a model of a trial, and check its outputs.

        Args:
            model: Compiled Keras model.
            record: Trial of the model.
            config: Configuration of the trial.
            dataset: Data set that the model was trained on.
            held_out: Test set, scaled for the trial.
            **options: Further arguments of `inference.predict`.

        Raises:
            StudyError: The model cannot predict, its outputs are no probabilities, or there is not one for each class.
        """
        from mnistsweep.evaluation import inference

        try:
            with exits_as_failures():
                predictions = inference.predict(model, config, held_out, dataset, **options)
        except Exception as error:  # any error of a custom layer or of the user's loss
            raise StudyError(f"trial {record.number}: its model cannot predict: {describe_error(error)}") from error
        for position, (name, kind) in enumerate(predictions.kinds.items()):
            if kind == "classes":
                classes = len(task_at(self.dataset.tasks, position).of_classes().values)
                self._check_probabilities(predictions.outputs[name], classes, name, record)
        return predictions

    def _check_probabilities(
        self, probabilities: NDArray[np.float64], classes: int, name: str, record: TrialRecord
    ) -> None:
        part = f" at the output {name!r}" if name else ""
        subject = f"trial {record.number}: the outputs of its model{part}"
        if probabilities.shape[1] != classes:
            raise StudyError(
                f"{subject} must be one for each of {classes} classes, received the shape {probabilities.shape}."
            )
        try:
            arrays.check_probabilities(probabilities)
        except DataError as error:
            raise StudyError(f"{subject} are no class probabilities: {error}") from error


def checkpoint_name(record: TrialRecord) -> str:
    """Name of a trial's checkpoint among the report's models."""
    return f"trial-{record.number:04d}"
