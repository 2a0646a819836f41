"""Predictions of a report's models for distorted test images; those of an earlier report are reused, without Keras."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistsweep.analysis.distortions import DISTORTIONS
from mnistsweep.analysis.robustness import Robustness, measure_robustness
from mnistsweep.checksums import file_checksum
from mnistsweep.evaluation.checkpoint_predictions import checkpoint_origin
from mnistsweep.evaluation.report_context import ReportContext
from mnistsweep.evaluation.saved_arrays import read_arrays, write_arrays
from mnistsweep.paths import saved_model

# Predictions of the whole test set per report: once undistorted, and once for each strength of each distortion.
NUM_DISTORTED = 1 + sum(len(one.strengths) - 1 for one in DISTORTIONS.values())


def evaluate_robustness(context: ReportContext) -> Robustness | None:
    """Measure accuracy and confidence of the report's models on distorted test images.

    Args:
        context: Winner, data and progress bar.

    Returns:
        Accuracy and confidence for every distortion and strength; None if the inputs are not images.

    Raises:
        StudyError: A model cannot be loaded.
    """
    if not context.held_out.are_images:
        context.steps.advance(NUM_DISTORTED)
        return None
    path, origin = context.paths.predictions("robustness"), _origin(context)
    saved = read_arrays(path, origin)
    if saved is not None:
        context.steps.advance(NUM_DISTORTED)
        return Robustness.from_arrays(saved)
    context.start_keras()
    from mnistsweep.evaluation import inference
    from mnistsweep.evaluation.reading import read_model

    context.steps.start_step("predicting distorted images")
    models = [read_model(file, context.config, context.dataset) for file in _model_files(context)]

    def predict(shown: NDArray[Any]) -> NDArray[np.float64]:
        images = context.held_out.scaled(shown)
        return np.stack([inference.class_probabilities(model, images) for model in models])

    held_out = context.held_out
    found = measure_robustness(predict, held_out.shown, held_out.labels, on_step=lambda *_: context.steps.advance())
    write_arrays(path, found.to_arrays(), origin)
    return found


def _origin(context: ReportContext) -> dict[str, Any]:
    strengths = {one.name: list(map(float, one.strengths)) for one in DISTORTIONS.values()}
    origin = context.origin(context.selection.winner) | {"models": context.model_names, "strengths": strengths}
    if context.options.refit:
        return origin | {"files": [file_checksum(file) for file in _model_files(context)]}
    return origin | checkpoint_origin(_checkpoint(context), context.selection.winner)


def _model_files(context: ReportContext) -> list[Path]:
    if not context.options.refit:
        return [_checkpoint(context)]
    return [saved_model(context.paths.model(name)) for name in context.model_names]


def _checkpoint(context: ReportContext) -> Path:
    return saved_model(context.selection.paths.trial(context.selection.winner.number).model)
