"""Check of a checkpoint by its objective: measured on the validation split again, and compared with the ledger.

Where the checksum of the checkpoint is known, the file is the one that the trial saved. Then a difference is a warning:
it says that this evaluation is not that of the training, because the `fit` of a user's hypermodel prepares the data in
its own way, or because another version or device computes other numbers. Where an earlier version recorded no checksum,
a difference is the only sign that the file belongs to another model. Then it is an error, except for hypermodels.
"""

from __future__ import annotations

from pathlib import Path

from mnistsweep.config.schema import Config
from mnistsweep.errors import StudyError
from mnistsweep.evaluation.saved_predictions import Predictions
from mnistsweep.models import hypermodels
from mnistsweep.study.records import TrialRecord
from mnistsweep.text import format_metric
from mnistsweep.training.outcome import num_trainings

MAX_RELATIVE_DIFFERENCE = 0.01
"""Maximum difference between a measured and a recorded objective, as a share of the larger one. Other devices, thread
counts and batch sizes change the sixth digit in single precision; half precision changes the third."""

MAX_DIFFERENT_EXAMPLES = 2
"""Number of validation examples that may be counted differently, because two of their classes are equally probable."""


def check_objective(file: Path, record: TrialRecord, config: Config, predictions: Predictions) -> str | None:
    """Compare the objective of a checkpoint with the recorded one.

    Args:
        file: Path of the checkpoint.
        record: Trial of the checkpoint.
        config: Configuration of the trial.
        predictions: Predictions of the checkpoint, with the objective.

    Returns:
        A warning if they differ, or if neither a checksum nor an objective can be compared; otherwise None.

    Raises:
        StudyError: They differ, and the ledger has no checksum of the checkpoint.
    """
    recorded, measured = _recorded(record, config), predictions.objective
    if recorded is None or measured is None or not predictions.validation:
        if record.result.checkpoint is not None:
            return None
        fault = "the ledger has no checksum of it, and its objective is not known"
        return f"{file}: the checkpoint of trial {record.number} is not verified: {fault}; it may be another model."
    if agree(measured, recorded, len(next(iter(predictions.validation.values())))):
        return None
    now, before = (format_metric(config.first_objective, value) for value in (measured, recorded))
    found = f"{file}: the checkpoint of trial {record.number} has the {config.first_objective} {now}, but the ledger "
    found += f"records {before}"
    is_hypermodel = hypermodels.needs_hyperparameters(config.model)
    if record.result.checkpoint is None and not is_hypermodel:
        raise StudyError(f"{found}; it is probably another model. Restore the file, or use report.refit=true.")
    reason = "another version of Keras or another device computes other numbers"
    if is_hypermodel:
        reason = f"the hypermodel's own fit may prepare the data, or {reason}"
    return f"{found} ({reason}); the scores of this model may be wrong."


def agree(measured: float, recorded: float, examples: int) -> bool:
    """Return whether two values of an objective are equal up to rounding.

    Args:
        measured: One value.
        recorded: Other value.
        examples: Number of examples that both are the mean over.

    Example:
        >>> agree(0.9885, 0.9886, 10_000), agree(0.1135, 0.9886, 10_000), agree(0.0412, 0.0611, 10_000)
        (True, False, False)
    """
    tolerance = MAX_RELATIVE_DIFFERENCE * max(abs(measured), abs(recorded)) + MAX_DIFFERENT_EXAMPLES / examples
    return abs(measured - recorded) <= tolerance  # False for NaN


def _recorded(record: TrialRecord, config: Config) -> float | None:
    """Return the recorded objective of the checkpoint; None where only the mean over several trainings is known."""
    if record.result.checkpoint is not None:
        return record.result.checkpoint.objective
    return record.result.objective if num_trainings(config) == 1 else None
