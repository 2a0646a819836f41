"""Predictions of the retrained winner: one model per seed, trained on training and validation examples together.

Models and predictions of an earlier report are reused, unless a model file was replaced since. Keras is imported only
where a model has to be trained.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mnistsweep.checksums import file_checksum
from mnistsweep.data import Dataset
from mnistsweep.error_descriptions import describe_error
from mnistsweep.errors import SweepStopped
from mnistsweep.evaluation.report_context import ReportContext
from mnistsweep.evaluation.saved_predictions import Predictions, read_predictions, write_predictions
from mnistsweep.paths import saved_model
from mnistsweep.seeds import retrain_seed
from mnistsweep.user_code import exits_as_failures

if TYPE_CHECKING:
    from mnistsweep.evaluation.retraining import RetrainedModel


def retrained_predictions(context: ReportContext) -> list[Predictions]:
    """Retrain the winner with every seed, and predict the test set; files of an earlier report are reused.

    Args:
        context: Winner, data and progress bar; `report.seeds` is the number of models.

    Returns:
        Predictions of each model, in the order of `ReportContext.model_names`.

    Raises:
        SweepStopped: A training failed.
        StudyError: A model cannot predict the test set, or does not return probabilities.
    """
    return [_one_model(context, index) for index in range(context.options.seeds)]


def _one_model(context: ReportContext, index: int) -> Predictions:
    """Predictions of the model with one seed, read from disk or computed and saved."""
    paths, name, winner = context.paths, context.model_names[index], context.selection.winner
    seed = retrain_seed(context.config.seed, index)
    origin = context.origin(winner) | {"epochs": context.selection.best_epoch, "seed": seed, "refit": True}
    saved = read_predictions(paths.predictions(name), origin)
    if saved is not None and _is_saved_model(saved_model(paths.model(name)), saved):
        context.steps.advance(context.selection.best_epoch)
        return saved
    context.start_keras()
    from mnistsweep.training.saving import save_model

    context.steps.start_step(f"retraining the winner, {index + 1} of {context.options.seeds}")
    dataset = context.full_dataset
    retrained = _retrain(context, dataset, seed)
    predictions = context.predict(
        retrained.model, winner, context.config, dataset, context.held_out, curve=retrained.curve
    )
    _, checksum = save_model(retrained.model, paths.model(name))
    predictions = replace(predictions, checksum=checksum)
    write_predictions(paths.predictions(name), predictions, origin)
    return predictions


def _is_saved_model(file: Path, saved: Predictions) -> bool:
    """Whether a file is the model that was saved with its predictions; earlier versions recorded no checksum."""
    return file.is_file() and saved.checksum in (None, file_checksum(file))


def _retrain(context: ReportContext, dataset: Dataset, seed: int) -> RetrainedModel:
    """Retrain the winner, and advance the progress bar by exactly its number of epochs.

    A hypermodel that overrides `fit` may report fewer or more epochs than requested.
    """
    from mnistsweep.evaluation import retraining

    epochs = remaining = context.selection.best_epoch

    def on_epoch(_epoch: int) -> None:
        nonlocal remaining
        if remaining > 0:
            remaining -= 1
            context.steps.advance()

    try:
        with exits_as_failures():
            retrained = retraining.retrain(context.config, dataset, seed, epochs, on_epoch)
    except Exception as error:  # any error of the model or of the user's code
        raise SweepStopped(
            f"trial {context.selection.winner.number} cannot be retrained: {describe_error(error)}; "
            "report.refit=false uses its checkpoint instead."
        ) from error
    context.steps.advance(remaining)
    return retrained
