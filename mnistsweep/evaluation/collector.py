"""Collection of the evidence for a report page: search history, predictions, robustness. Missing models are trained."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from mnistsweep.analysis.robustness import Robustness
from mnistsweep.errors import DataError, StudyError
from mnistsweep.evaluation.checkpoint_predictions import checkpoint_predictions
from mnistsweep.evaluation.display import shown_inputs
from mnistsweep.evaluation.distorted_predictions import NUM_DISTORTED, evaluate_robustness
from mnistsweep.evaluation.output_evidence import make_evidence
from mnistsweep.evaluation.report_context import ReportContext
from mnistsweep.evaluation.report_predictions import ReportPredictions
from mnistsweep.evaluation.retrained_predictions import retrained_predictions
from mnistsweep.evaluation.saved_predictions import Predictions
from mnistsweep.html_report.evidence import Evidence, SearchHistory, Winner
from mnistsweep.redaction import mask
from mnistsweep.study.learnt_text import learnt_from
from mnistsweep.study.records import searched
from mnistsweep.study.sweep import load_sweep, next_start
from mnistsweep.training.outcome import num_folds

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
        DataError: A test target does not fit the task, for example a class that the training set does not have.
    """
    options = context.options
    search = _search_history(context)  # read before the trainings, so that a damaged file is found at once
    notes: list[str] = []
    winner = context.selection.winner
    models = retrained_predictions(context) if options.refit else [checkpoint_predictions(context, winner)]
    checkpoint = _optional(lambda: checkpoint_predictions(context, winner, notes.append), notes)
    found = ReportPredictions(
        models=models,
        held_out=context.held_out,
        dataset=context.dataset,
        checkpoint=checkpoint,
        others=_other_trials(context, notes),
        class_names=options.class_names,
        robustness=_robustness(context, models[0], notes) if options.robustness else None,
    )
    return make_evidence(found, {**_shared(context, models), "search": search, "commands": commands, "notes": notes})


def _shared(context: ReportContext, models: Sequence[Predictions]) -> dict[str, Any]:
    """Attributes of `Evidence` that follow from the winner, the options and the models."""
    paths, options = context.selection.paths, context.options
    return {
        "name": paths.name,
        "losses": np.array([one.loss for one in models]),
        "winner": _winner(context, models[0].parameters),
        "inputs": shown_inputs(context.held_out),
        "top": options.top,
        "against": options.against,
        "retraining_curves": _curves(models) if options.refit else None,
        "cleaning": paths.clean.folder,
    }


def _robustness(context: ReportContext, model: Predictions, notes: list[str]) -> Robustness | None:
    """Accuracy and confidence on distorted images, where the inputs are images and the only output is probabilities."""
    if list(model.kinds.values()) == ["classes"] and "" in model.kinds and not model.margins:
        return _optional(lambda: evaluate_robustness(context), notes)
    context.steps.advance(NUM_DISTORTED)
    return None


def _optional(make: Callable[[], Part], notes: list[str]) -> Part | None:
    """A part that the page can do without: if it is not available, the page shows the reason among its notes."""
    try:
        return make()
    except (StudyError, DataError) as error:
        notes.append(mask(str(error)))
        return None


def _search_history(context: ReportContext) -> SearchHistory:
    """Finished and paused trials of the sweep and their learning curves."""
    selection, plan = context.selection, context.selection.plan
    trials = searched(selection.records)
    finished = [record for record in trials if record.state.finished or record.paused is not None]
    sweep = load_sweep(selection.paths.folder)
    learnt = learnt_from(finished, plan.space, plan.direction, next_start(sweep, {}), plan.further)
    return SearchHistory(
        plan.space,
        plan.config.first_objective,
        plan.direction,
        finished,
        sweep.curves,
        selection.running_seconds,
        learnt,
        plan.further,
        plan.constraints,
    )


def _other_trials(context: ReportContext, notes: list[str]) -> dict[int, Predictions]:
    """Predictions of the checkpoints of the next best trials, by trial number."""
    records = context.selection.ranked(context.options.top_trials + 1)[1:]
    found = {
        record.number: _optional(partial(checkpoint_predictions, context, record, notes.append), notes)
        for record in records
    }
    return {number: predictions for number, predictions in found.items() if predictions is not None}


def _winner(context: ReportContext, parameters: int) -> Winner:
    selection, config, dataset = context.selection, context.config, context.dataset
    record, retrained = selection.winner, context.options.refit
    assert record.result.objective is not None
    return Winner(
        number=record.number,
        point=record.point,
        objective=selection.plan.config.first_objective,
        value=record.result.objective,
        best_epoch=selection.best_epoch,
        epochs=max([config.trainer.epochs, *selection.plan.nested_epochs]),
        retrained=retrained,
        examples=len(dataset.train) + (len(dataset.validation) if retrained else 0),
        parameters=parameters,
        repeats=config.trainer.repeats,
        augmentation=dict(config.data.get("augmentation") or {}),
        folds=num_folds(config.data),
        standard_error=record.result.standard_error,
        expected=selection.expected,
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
