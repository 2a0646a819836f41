"""The models of a report and what they say: refits of the winner, checkpoints of the best trials, distorted images.

Everything is looked for among what an earlier report kept; Keras is imported when something has to be made.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mnistsweep import data, devices
from mnistsweep.analysis import arrays
from mnistsweep.analysis.distortions import DISTORTIONS
from mnistsweep.analysis.robustness import Robustness, measure_robustness
from mnistsweep.atomic import atomic_write
from mnistsweep.config.schema import Config
from mnistsweep.config.trial_file import fingerprint
from mnistsweep.data import Dataset, HeldOut
from mnistsweep.errors import DataError, StudyError, SweepStopped, describe_error
from mnistsweep.evaluation import predictions
from mnistsweep.evaluation.predictions import Predictions
from mnistsweep.evaluation.selection import Selection
from mnistsweep.progress_bar import StepProgress
from mnistsweep.seeds import retrain_seed
from mnistsweep.study.records import TrialRecord

if TYPE_CHECKING:
    from mnistsweep.evaluation.retraining import Refit

# How often `robustness` predicts the images: undistorted, and at each strength of each distortion.
NUM_DISTORTED = 1 + sum(len(one.strengths) - 1 for one in DISTORTIONS.values())


@dataclass(frozen=True, eq=False)
class Gatherer:
    """Finds or makes what a report needs.

    Args:
        selection: The sweep and its winner.
        steps: Told what is made.
    """

    selection: Selection
    steps: StepProgress

    @cached_property
    def config(self) -> Config:
        """Of the winner."""
        return self.selection.config_of(self.selection.winner)

    @cached_property
    def held_out(self) -> HeldOut:
        """The test set."""
        return data.load_test(self.config.data)

    @cached_property
    def test_checksum(self) -> str:
        """Names the test set."""
        return predictions.checksum(self.held_out)

    @cached_property
    def dataset(self) -> Dataset:
        """What the winner was trained on and judged by."""
        return data.load(self.config.data)

    @cached_property
    def _whole(self) -> Dataset:
        return self.dataset.whole

    def refits(self) -> list[Predictions]:
        """The winner trained anew on training and validation data, once a seed, each scored on the test set."""
        return [self._refit(seed) for seed in range(self.selection.plan.config.report.seeds)]

    @property
    def names(self) -> list[str]:
        """Of the models that the report tells of, and of their files."""
        winner, options = f"trial-{self.selection.winner.number:04d}", self.selection.plan.config.report
        return [f"{winner}-seed-{seed}" for seed in range(options.seeds)] if options.refit else [winner]

    def _refit(self, seed: int) -> Predictions:
        paths, name = self.selection.paths.report, self.names[seed]
        origin = self._origin(self.selection.winner) | {
            "epochs": self.selection.best_epoch,
            "seed": retrain_seed(self.config.seed, seed),
            "refit": True,
        }
        kept = predictions.read(paths.predictions(name), origin)
        if kept is not None and paths.model(name).is_file():
            self.steps.advance(self.selection.best_epoch)
            return kept
        self.start_keras()
        from mnistsweep.evaluation import retraining

        self.steps.start_step(f"training the winner anew, {seed + 1} of {self.selection.plan.config.report.seeds}")
        whole = self._whole
        trained = self._train(whole, origin["seed"])
        with _telling(self.selection.winner):
            made = retraining.predict(trained.model, self.config, self.held_out, whole, curve=trained.curve)
        self._check(made, self.selection.winner)
        with atomic_write(paths.model(name)) as part:
            trained.model.save(part)
        predictions.write(paths.predictions(name), made, origin)
        return made

    def _train(self, dataset: Dataset, seed: int) -> Refit:
        """Train the winner; a `fit` of the user's own may tell of fewer epochs than it was asked for, or of more."""
        from mnistsweep.evaluation import retraining

        epochs, left = self.selection.best_epoch, self.selection.best_epoch

        def count(_epoch: int) -> None:
            nonlocal left
            if left > 0:
                left -= 1
                self.steps.advance()

        try:
            trained = retraining.refit(self.config, dataset, seed, epochs, count)
        except Exception as error:
            raise SweepStopped(
                f"trial {self.selection.winner.number} cannot be trained anew: {describe_error(error)}; "
                "report.refit=false takes its checkpoint."
            ) from error
        self.steps.advance(left)
        return trained

    def checkpoint(self, record: TrialRecord) -> Predictions:
        """What a trial's own checkpoint says of the test set and of the validation side.

        Raises:
            StudyError: The checkpoint is missing, cannot be loaded, or was made with other data.
        """
        paths, file = self.selection.paths.report, self.selection.paths.trial(record.number).model
        if not file.is_file():
            raise StudyError(f"{file}: the model of trial {record.number} is missing.")
        name, origin = f"trial-{record.number:04d}", self._origin(record) | _stamp(file)
        kept = predictions.read(paths.predictions(name), origin)
        if kept is not None:
            return kept
        config = self.selection.config_of(record)
        same = config.data == self.config.data  # scaling, for one, may have been searched
        dataset = self.dataset if same else data.load(config.data)
        held_out = self.held_out if same else data.load_test(config.data)
        if not same and predictions.checksum(held_out) != self.test_checksum:
            raise StudyError(f"{file}: trial {record.number} has another test set; it is not compared with the winner.")
        self.start_keras()
        from mnistsweep.evaluation import retraining

        self.steps.start_step(f"predicting with the checkpoint of trial {record.number}")
        model = retraining.load_model(file, config)
        with _telling(record):
            made = retraining.predict(model, config, held_out, dataset, validation=True)
        self._check(made, record)
        predictions.write(paths.predictions(name), made, origin)
        return made

    def _check(self, made: Predictions, record: TrialRecord) -> None:
        """See that a model's outputs are what a report is about.

        Raises:
            StudyError: They are no probabilities, or not one a class.
        """
        head, classes = f"trial {record.number}: the outputs of its model", self.dataset.classes
        if made.probabilities.shape[1] != classes:
            raise StudyError(f"{head} must be one for each of {classes} classes, received {made.probabilities.shape}.")
        try:
            arrays.check(made.probabilities, self.held_out.labels)
        except DataError as error:
            raise StudyError(f"{head} are no probabilities of classes: {error}") from error

    def robustness(self) -> Robustness | None:
        """How the models of the report answer to distorted images; None where the inputs are no images."""
        if not self.held_out.are_images:
            self.steps.advance(NUM_DISTORTED)
            return None
        strengths = {one.name: list(map(float, one.strengths)) for one in DISTORTIONS.values()}
        origin = self._origin(self.selection.winner) | {"models": self.names, "strengths": strengths}
        if not self.selection.plan.config.report.refit:
            origin |= _stamp(self.selection.paths.trial(self.selection.winner.number).model)
        place = self.selection.paths.report.predictions("robustness")
        kept = predictions.read_arrays(place, origin)
        if kept is not None:
            self.steps.advance(NUM_DISTORTED)
            return Robustness.from_arrays(kept)
        self.start_keras()
        from mnistsweep.evaluation import retraining

        self.steps.start_step("predicting distorted images")
        models = [retraining.load_model(file, self.config) for file in self._model_files()]

        def predict(shown: NDArray[Any]) -> NDArray[np.float64]:
            images = self.held_out.scaled(shown)
            return np.stack([retraining.class_probabilities(model, images) for model in models])

        shown = self.held_out.shown
        found = measure_robustness(predict, shown, self.held_out.labels, on_step=lambda *_: self.steps.advance())
        predictions.write_arrays(place, found.to_arrays(), origin)
        return found

    def _model_files(self) -> list[Path]:
        if not self.selection.plan.config.report.refit:
            return [self.selection.paths.trial(self.selection.winner.number).model]
        return [self.selection.paths.report.model(name) for name in self.names]

    def _origin(self, record: TrialRecord) -> dict[str, Any]:
        epochs = record.result.best_epoch or record.result.epochs
        return {
            "trial": record.number,
            "trial_seed": record.seed,
            "epochs": epochs,
            "configuration": fingerprint(self.selection.config_of(record)),
            "data": self.selection.checksum,
            "test": self.test_checksum,
        }

    def start_keras(self) -> None:
        """Import Keras, with the threads that the winner was trained with."""
        trainer = self.config.trainer
        devices.start_keras(trainer.threads or self.selection.plan.threads, trainer.deterministic)


def _stamp(checkpoint: Path) -> dict[str, int]:
    """What tells a checkpoint from one that was written in its place."""
    return {"checkpoint": checkpoint.stat().st_mtime_ns} if checkpoint.is_file() else {}


@contextlib.contextmanager
def _telling(record: TrialRecord) -> Iterator[None]:
    """Say whose model it is that cannot be asked.

    Raises:
        StudyError: In place of whatever the model raises.
    """
    try:
        yield
    except Exception as error:
        raise StudyError(f"trial {record.number}: its model cannot predict: {describe_error(error)}") from error
