"""Predictions of the checkpoints of trials; those of an earlier report are reused, without Keras."""

from __future__ import annotations

from pathlib import Path

from mnistsweep import data
from mnistsweep.config.schema import Config
from mnistsweep.data import Dataset, HeldOut
from mnistsweep.errors import StudyError
from mnistsweep.evaluation.report_context import ReportContext, checkpoint_name
from mnistsweep.evaluation.saved_predictions import Predictions, read_predictions, write_predictions
from mnistsweep.study.records import TrialRecord


def checkpoint_predictions(context: ReportContext, record: TrialRecord) -> Predictions:
    """Predict the test set and the validation split with the checkpoint of a trial.

    Args:
        context: Winner, data and progress bar.
        record: Trial, the winner or another one.

    Raises:
        StudyError: The checkpoint is missing, cannot be loaded, or belongs to another test set than the winner's.
    """
    file, path = context.selection.paths.trial(record.number).model, context.paths.predictions(checkpoint_name(record))
    if not file.is_file():
        raise StudyError(f"{file}: the model of trial {record.number} is missing.")
    origin = context.origin(record) | modification_time(file)
    saved = read_predictions(path, origin)
    if saved is not None:
        return saved
    config = context.selection.config_of(record)
    dataset, held_out = _data(context, record, config)
    context.start_keras()
    from mnistsweep.evaluation import inference

    context.steps.start_step(f"predicting with the checkpoint of trial {record.number}")
    model = inference.load_model(file, config)
    predictions = context.predict(model, record, config, dataset, held_out, validation=True)
    write_predictions(path, predictions, origin)
    return predictions


def modification_time(checkpoint: Path) -> dict[str, int]:
    """Part of an origin that distinguishes a checkpoint from one that was written later under the same name."""
    return {"checkpoint": checkpoint.stat().st_mtime_ns} if checkpoint.is_file() else {}


def _data(context: ReportContext, record: TrialRecord, config: Config) -> tuple[Dataset, HeldOut]:
    """Data of a trial: the winner's, unless keys of the group ``data`` (such as `data.scaling`) were searched.

    Raises:
        StudyError: The trial has another test set.
    """
    if config.data == context.config.data:
        return context.dataset, context.held_out
    held_out = data.load_test(config.data)
    if held_out.checksum != context.held_out.checksum:
        file = context.selection.paths.trial(record.number).model
        raise StudyError(f"{file}: trial {record.number} has another test set; it is not compared with the winner.")
    return data.load(config.data), held_out
