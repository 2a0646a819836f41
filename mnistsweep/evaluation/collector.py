"""Collection of the evidence for a report page: search history, predictions, robustness. Missing models are trained."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from mnistsweep.data.examples import class_task
from mnistsweep.data.task import Task
from mnistsweep.errors import ConfigError, DataError, StudyError
from mnistsweep.evaluation.checkpoint_predictions import checkpoint_predictions
from mnistsweep.evaluation.distorted_predictions import evaluate_robustness
from mnistsweep.evaluation.report_context import ReportContext
from mnistsweep.evaluation.retrained_predictions import retrained_predictions
from mnistsweep.evaluation.saved_predictions import Predictions
from mnistsweep.html_report.evidence import Checkpoint, Evidence, SearchHistory, Winner
from mnistsweep.redaction import mask
from mnistsweep.study.sweep import load_sweep

if TYPE_CHECKING:
    import pandas as pd

Part = TypeVar("Part")


def collect_evidence(context: ReportContext, commands: Sequence[str] = ()) -> Evidence:
    """Collect everything that the report page shows. Files of an earlier report are reused.

    Args:
        context: Winner, data and progress bar.
        commands: Commands that the page lists.

    Raises:
        StudyError: A checkpoint that the page cannot do without is missing, or is not the one that the trial saved.
        SweepStopped: The winner cannot be retrained.
        ConfigError: The number of `report.class_names` is not the number of classes.
    """
    selection, options, held_out = context.selection, context.options, context.held_out
    class_names = check_class_names(options.class_names, class_task(context.dataset.tasks))
    search = _search_history(context)  # read before the trainings, so that a damaged file is found at once
    notes: list[str] = []
    winner = selection.winner
    models = retrained_predictions(context) if options.refit else [checkpoint_predictions(context, winner)]
    checkpoint = _optional(lambda: checkpoint_predictions(context, winner, notes.append), notes)
    others = _other_trials(context, notes)
    return Evidence(
        name=selection.paths.name,
        class_names=class_names,
        labels=held_out.labels.astype(np.int64),
        probabilities=np.stack([one.probabilities for one in models]),
        losses=np.array([one.loss for one in models]),
        winner=_winner(context, models[0].parameters),
        images=_images(context),
        top=options.top,
        against=options.against,
        search=search,
        retraining_curves=_curves(models) if options.refit else None,
        checkpoint=None if checkpoint is None else _checkpoint(context, checkpoint),
        others=others,
        robustness=_optional(lambda: evaluate_robustness(context), notes) if options.robustness else None,
        commands=commands,
        cleaning=selection.paths.clean.folder,
        notes=notes,
    )


def check_class_names(names: Sequence[str], task: Task) -> list[str]:
    """Names of the classes: the configured ones, or the values that they have in the source of the data.

    Args:
        names: Value of `report.class_names`; empty if not configured.
        task: Task with the classes.

    Raises:
        ConfigError: The number of names is not the number of classes.
    """
    classes = len(task.values)
    if names and len(names) != classes:
        raise ConfigError(
            f"report.class_names: must be {classes} names, one for each class, received {len(names)}: {list(names)}."
        )
    return list(names) or task.class_names


def _optional(make: Callable[[], Part], notes: list[str]) -> Part | None:
    """A part that the page can do without: if it is not available, the page shows the reason among its notes."""
    try:
        return make()
    except (StudyError, DataError) as error:
        notes.append(mask(str(error)))
        return None


def _search_history(context: ReportContext) -> SearchHistory:
    """Finished trials of the sweep and their learning curves."""
    selection, plan = context.selection, context.selection.plan
    finished = [record for record in selection.records if record.state.finished]
    curves = load_sweep(selection.paths.folder).curves
    return SearchHistory(plan.space, plan.config.objective, plan.direction, finished, curves, selection.running_seconds)


def _other_trials(context: ReportContext, notes: list[str]) -> dict[int, NDArray[np.float64]]:
    """Test probabilities of the checkpoints of the next best trials, by trial number."""
    records = context.selection.ranked(context.options.top_trials + 1)[1:]
    found = {
        record.number: _optional(partial(checkpoint_predictions, context, record, notes.append), notes)
        for record in records
    }
    return {number: predictions.probabilities for number, predictions in found.items() if predictions is not None}


def _checkpoint(context: ReportContext, predictions: Predictions) -> Checkpoint | None:
    """Predictions of the winner's checkpoint for the validation split and the test set."""
    if predictions.validation is None:
        return None
    labels = context.dataset.labels(context.dataset.validation).astype(np.int64)
    return Checkpoint(predictions.validation, labels, predictions.probabilities)


def _images(context: ReportContext) -> NDArray[np.float32] | None:
    """Test images from 0 to 1, gray ones without a channel axis; None if the inputs are not images."""
    if not context.held_out.are_images:
        return None
    shown = context.held_out.shown
    return shown[..., 0] if shown.shape[-1] == 1 else shown


def _winner(context: ReportContext, parameters: int) -> Winner:
    selection, config, dataset = context.selection, context.config, context.dataset
    record, retrained = selection.winner, context.options.refit
    assert record.result.objective is not None
    return Winner(
        number=record.number,
        point=record.point,
        objective=selection.plan.config.objective,
        value=record.result.objective,
        best_epoch=selection.best_epoch,
        epochs=config.trainer.epochs,
        retrained=retrained,
        examples=len(dataset.train) + (len(dataset.validation) if retrained else 0),
        parameters=parameters,
        repeats=config.trainer.repeats,
        augmentation=dict(config.data.get("augmentation") or {}),
    )


def _curves(models: Sequence[Predictions]) -> pd.DataFrame | None:
    """Learning curves of the retrained models, one row per epoch; None if no curve is known."""
    import pandas as pd

    rows = [
        {"seed": seed, "epoch": epoch, **metrics}
        for seed, model in enumerate(models)
        for epoch, metrics in enumerate(model.curve, 1)
    ]
    return pd.DataFrame(rows) if rows else None
