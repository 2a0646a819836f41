"""Predictions of the checkpoints of trials; those of an earlier report are reused, without Keras."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mnistsweep import data
from mnistsweep.config.schema import Config
from mnistsweep.data import Dataset, HeldOut
from mnistsweep.errors import StudyError
from mnistsweep.evaluation.objective_check import check_objective
from mnistsweep.evaluation.report_context import ReportContext, checkpoint_name
from mnistsweep.evaluation.saved_predictions import Predictions, read_predictions, write_predictions
from mnistsweep.study.checkpoints import find_checkpoint
from mnistsweep.study.records import TrialRecord


def checkpoint_predictions(
    context: ReportContext, record: TrialRecord, warn: Callable[[str], None] = lambda _message: None
) -> Predictions:
    """Predict the test set and the validation split with the checkpoint of a trial.

    Args:
        context: Winner, data and progress bar.
        record: Trial, the winner or another one.
        warn: Function that is called with a warning if the checkpoint has another objective than the ledger records.

    Raises:
        StudyError: The checkpoint is missing, is not the one that the trial saved, cannot be loaded, or belongs to
            another test set than the winner's.
    """
    file, path = find_checkpoint(context.selection.paths, record), context.paths.predictions(checkpoint_name(record))
    origin = context.origin(record) | checkpoint_origin(file, record)
    predictions = read_predictions(path, origin)
    if predictions is None:
        predictions = _predict(context, record, file)
        write_predictions(path, predictions, origin)
    warning = check_objective(file, record, context.selection.config_of(record), predictions)
    if warning is not None:
        warn(warning)
    return predictions


def checkpoint_origin(file: Path, record: TrialRecord) -> dict[str, str | int]:
    """Part of an origin that distinguishes a checkpoint from another one under the same name.

    It is the checksum, so that a copied sweep keeps its predictions. A trial that an earlier version finished has none
    in the ledger: then it is the modification time of the file.

    Args:
        file: Path of the checkpoint; it need not exist.
        record: Trial of the checkpoint.
    """
    if record.result.checkpoint is not None:
        return {"checkpoint": record.result.checkpoint.checksum}
    return {"checkpoint": file.stat().st_mtime_ns} if file.is_file() else {}


def _predict(context: ReportContext, record: TrialRecord, file: Path) -> Predictions:
    config = context.selection.config_of(record)
    dataset, held_out = _data(context, record, config)
    context.start_keras()
    from mnistsweep.evaluation.reading import read_model

    context.steps.start_step(f"predicting with the checkpoint of trial {record.number}")
    model = read_model(file, config, dataset)
    return context.predict(model, record, config, dataset, held_out, validation=True)


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
