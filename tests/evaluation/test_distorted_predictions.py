"""Robustness of a report's models against distorted test images."""

from __future__ import annotations

import numpy as np
from reports import Counted, Reported, collected, report_context

from mnistsweep.evaluation.distorted_predictions import NUM_DISTORTED, evaluate_robustness


def test_robustness_is_measured_once_with_all_models(reported: Reported) -> None:
    steps = Counted()
    found = evaluate_robustness(
        report_context(reported.folder, "report.seeds=2", "report.robustness=true", steps=steps)
    )
    assert (steps.started, steps.done) == ([], NUM_DISTORTED)
    evidence, _ = collected(reported.folder, "report.seeds=2")
    assert found is not None
    assert found.num_images == 20
    right = (evidence.probabilities.argmax(axis=2) == evidence.labels).mean(axis=1)
    for response in found.responses:
        np.testing.assert_allclose(response.accuracy[:, 0], right)
        np.testing.assert_allclose(response.confidence[:, 0], evidence.probabilities.max(axis=2).mean(axis=1))
    assert sum(len(response.strengths) - 1 for response in found.responses) + 1 == NUM_DISTORTED
