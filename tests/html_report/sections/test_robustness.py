"""The section on robustness: curves, pictures, the table of falls, and advice only where numbers support it."""

from __future__ import annotations

import dataclasses

import numpy as np
from evidence import make_evidence

from mnistsweep.analysis.robustness import DistortionResponse, Robustness
from mnistsweep.html_report.figures import style
from mnistsweep.html_report.outputs import ClassEvidence
from mnistsweep.html_report.records import Figure, Section, Table
from mnistsweep.html_report.sections.robustness import section


def response(
    name: str, unit: str, strengths: list[float], accuracy: list[float], confidence: list[float]
) -> DistortionResponse:
    """Three seeds, a point apart."""
    spread = np.array([[-0.01], [0.0], [0.01]])
    return DistortionResponse(name, unit, np.array(strengths), np.array(accuracy) + spread, np.array([confidence] * 3))


NOISE = response("noise", "amplitude", [0.0, 0.5, 1.0], [0.98, 0.8, 0.4], [0.98, 0.85, 0.7])
ROTATION = response("rotation", "degrees", [0.0, 10.0, 20.0], [0.98, 0.976, 0.92], [0.98, 0.97, 0.92])
BLUR = response("blur", "sigma in pixels", [0.0, 1.0], [0.98, 0.97], [0.98, 0.9])


def evidence_of(*responses: DistortionResponse, images: int = 10000, **augmentation: float) -> ClassEvidence:
    examples = {one.name: np.random.default_rng(1).random((len(one.strengths), 12, 12)) for one in responses}
    evidence = make_evidence(robustness=Robustness(responses, examples, images))
    return dataclasses.replace(evidence, winner=dataclasses.replace(evidence.winner, augmentation=augmentation))


def shown(evidence: ClassEvidence) -> Section:
    found = section(evidence)
    assert found is not None
    return found


def test_nothing_without_robustness() -> None:
    assert section(make_evidence()) is None


def test_the_whole_section() -> None:
    found = shown(evidence_of(NOISE, ROTATION, BLUR))
    drawn = {block.name: block for block in found.blocks if isinstance(block, Figure)}
    assert list(drawn) == [
        "robustness-noise",
        "robustness-noise-pictures",
        "robustness-distortions",
        "robustness-rotation-pictures",
        "robustness-blur-pictures",
    ]
    assert "98.00 % without noise and 40.00 % at 1" in drawn["robustness-noise"].caption
    assert "largest at 1: 70.00 % confidence, 40.00 % accuracy" in drawn["robustness-noise"].caption
    assert "3 seeds" in drawn["robustness-noise"].caption
    assert "rotation reduces the accuracy most, by 6.00 points" in drawn["robustness-distortions"].caption
    titles = [text.get_text() for text in drawn["robustness-rotation-pictures"].drawing.axes[0].texts]
    assert titles == ["0\n98.0 %", "10\n97.6 %", "20\n92.0 %"]
    for name, block in drawn.items():
        assert style.to_svg(block.drawing, name).startswith("<svg")


def test_the_table_says_where_accuracy_falls() -> None:
    table = shown(evidence_of(NOISE, BLUR)).blocks[-1]
    assert isinstance(table, Table)
    assert list(table.columns) == ["distortion", "strength", "below 95 %", "below 90 %", "below 50 %"]
    assert table.rows[0] == ["noise", "amplitude", "0.0833", "0.222", "0.875"]
    assert table.rows[1] == ["blur", "sigma in pixels", "–", "–", "–"]
    weak = response("noise", "amplitude", [0.0, 1.0], [0.92, 0.4], [0.9, 0.5])
    table = shown(evidence_of(weak)).blocks[-1]
    assert isinstance(table, Table)
    assert table.rows[0][2] == "undistorted"


def test_rows_of_the_file() -> None:
    rows = shown(evidence_of(NOISE, BLUR)).files["robustness.csv"]
    assert list(rows.columns) == ["distortion", "unit", "strength", "seed", "accuracy", "confidence"]
    assert len(rows) == 3 * 3 + 2 * 3
    at = rows[(rows.distortion == "noise") & (rows.strength == 0.5) & (rows.seed == 2)]
    np.testing.assert_allclose(at[["accuracy", "confidence"]].to_numpy(), [[0.81, 0.85]])


def test_augmentation_is_advised_at_the_least_strength_that_clearly_costs() -> None:
    assert shown(evidence_of(ROTATION)).advice == [
        "Try `data.augmentation.rotation=20` if you expect such images: a rotation by 20 degrees costs 6.00 points of "
        "accuracy."
    ]
    moved = response("shift", "fraction of the side", [0.0, 0.05, 0.1], [0.98, 0.95, 0.8], [0.98, 0.9, 0.8])
    (advice,) = shown(evidence_of(moved)).advice
    assert advice.endswith("a shift by 0.05 of the side costs 3.00 points of accuracy.")


def test_no_augmentation_where_it_is_in_use_or_the_images_are_few_or_the_strength_is_unfair() -> None:
    assert shown(evidence_of(ROTATION, rotation=20.0)).advice == []
    assert len(shown(evidence_of(ROTATION, rotation=10.0, shift=0.5)).advice) == 1
    assert shown(evidence_of(ROTATION, images=50)).advice == []
    turned = response("rotation", "degrees", [0.0, 90.0], [0.98, 0.2], [0.98, 0.25])
    assert shown(evidence_of(turned)).advice == []


def test_confidence_without_cause_is_told() -> None:
    assert shown(evidence_of(NOISE, BLUR)).advice == [
        "Do not rely on the confidence for distorted images: with noise of 1 (amplitude), the mean confidence is 70.00 "
        "% and the accuracy 40.00 %."
    ]


def test_one_seed_and_colour() -> None:
    one = DistortionResponse("noise", "amplitude", np.array([0.0, 1.0]), np.array([[0.9, 0.8]]), np.array([[0.9, 0.8]]))
    images = np.random.default_rng(1).random((2, 12, 12, 3))
    found = shown(make_evidence(robustness=Robustness([one], {"noise": images}, 100)))
    curve = found.blocks[0]
    assert isinstance(curve, Figure)
    assert "seeds" not in curve.caption
    assert found.advice == []
