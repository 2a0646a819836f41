"""The section on calibration: what it shows with and without a checkpoint, and what it advises."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from evidence import make_evidence

from mnistsweep.analysis.calibration import measure_calibration
from mnistsweep.analysis.log_loss import loss_change_interval
from mnistsweep.analysis.temperature import apply_temperature, fit_temperature
from mnistsweep.html_report.figures import style
from mnistsweep.html_report.outputs import Checkpoint, ClassEvidence
from mnistsweep.html_report.records import Facts, Figure, Section, Table, Text
from mnistsweep.html_report.sections.calibration import section


def calibrated(examples: int, seeds: int, classes: int = 10, sharpness: float = 1.0) -> tuple[Any, Any]:
    """Probabilities and labels drawn from them; then as much surer as the sharpness says."""
    rng = np.random.default_rng(2)
    logits = rng.normal(0, 3, (examples, classes))
    labels = (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)
    raised = np.exp(sharpness * (logits - logits.max(axis=1, keepdims=True)))
    return np.stack([raised / raised.sum(axis=1, keepdims=True)] * seeds), labels


def over_confident(sharpness: float, seeds: int = 2, **changes: Any) -> ClassEvidence:
    """Models, and a checkpoint, of a known sharpness."""
    probabilities, labels = calibrated(4000, seeds, sharpness=sharpness)
    checkpoint = Checkpoint(probabilities[0, :2000], labels[:2000], probabilities[0, 2000:])
    return make_evidence(
        labels=labels[2000:], probabilities=probabilities[:, 2000:], checkpoint=checkpoint, images=None, **changes
    )


def shown(evidence: ClassEvidence) -> Section:
    found = section(evidence)
    assert found is not None
    return found


def names(found: Section) -> list[str]:
    return [block.name for block in found.blocks if isinstance(block, Figure)]


def test_the_whole_section() -> None:
    evidence = make_evidence()
    found = shown(evidence)
    assert names(found) == ["calibration-reliability", "calibration-temperature", "calibration-coverage"]
    text, facts = found.blocks[:2]
    assert isinstance(text, Text)
    assert "trained on the validation data too" in text.text
    assert "its epoch was selected with them" in text.text
    figure = found.blocks[2]
    assert isinstance(figure, Figure)
    assert "For the committee, " in figure.caption
    assert "Bars are 95 % Wilson intervals (committee only)" in figure.caption
    wrong = 100 * (evidence.committee.argmax(axis=1) != evidence.labels).mean()
    captions = [block.caption for block in found.blocks if isinstance(block, Figure | Table)]
    assert any(f"on the right, the error rate is {wrong:.2f} %." in caption for caption in captions)
    assert any("smaller is better. The calibration error by chance is a reference" in caption for caption in captions)
    assert isinstance(facts, Facts)
    errors = [measure_calibration(one, evidence.labels).expected_error for one in evidence.probabilities]
    assert facts.facts[0].value == f"{100 * np.mean(errors):.2f} ± {100 * np.std(errors, ddof=1):.2f} %"
    rows = found.files["reliability.csv"]
    assert list(rows.model.unique()) == [
        "seed 0", "seed 1", "seed 2", "committee", "checkpoint", "checkpoint with temperature",
    ]  # fmt: skip
    assert (rows.groupby("model")["count"].sum() == 400).all()
    curve = found.files["coverage.csv"]
    assert curve.coverage.is_monotonic_increasing
    assert curve.coverage.iloc[-1] == 1
    assert ((curve.accuracy_low <= curve.accuracy) & (curve.accuracy <= curve.accuracy_high)).all()
    for block in found.blocks:
        if isinstance(block, Figure):
            assert style.to_svg(block.drawing, block.name).startswith("<svg")


def test_a_planted_temperature_is_advised_and_fitted_on_validation_alone() -> None:
    evidence = over_confident(2.0)
    assert evidence.checkpoint is not None
    fitted = fit_temperature(evidence.checkpoint.validation, evidence.checkpoint.validation_labels)
    assert fitted.value == pytest.approx(2.0, rel=0.1)
    before, after = (
        measure_calibration(one, evidence.labels)
        for one in (evidence.checkpoint.test, apply_temperature(evidence.checkpoint.test, fitted.value))
    )
    assert shown(evidence).advice[0] == (
        f"Divide the logits of the winner's checkpoint by T = {fitted.value:.2f}, because it is overconfident: its "
        f"log loss on the test set changes from {before.log_loss:.4f} to {after.log_loss:.4f}, and its calibration "
        f"error from {100 * before.expected_error:.2f} % to {100 * after.expected_error:.2f} %."
    )
    other = dataclasses.replace(evidence, labels=np.roll(evidence.labels, 1))
    captions = [block.caption for block in shown(other).blocks if isinstance(block, Figure)]
    assert f"divided by {fitted.value:.2f} (95 % interval: {fitted.low:.2f}" in captions[1]


def test_a_temperature_that_does_not_reduce_the_calibration_error_is_not_advised() -> None:
    """Planted: overconfident where it is sure, underconfident elsewhere. A temperature reduces only the log loss."""
    probabilities = np.repeat([[0.99, 0.01], [0.6, 0.4]], [4000, 4000], axis=0)
    labels = np.repeat([0, 1, 0, 1], [3720, 280, 2720, 1280])
    fitted = fit_temperature(probabilities, labels)
    scaled = apply_temperature(probabilities, fitted.value)
    before, after = (measure_calibration(one, labels) for one in (probabilities, scaled))
    assert fitted.is_significant
    assert before.miscalibrated
    assert loss_change_interval(probabilities, scaled, labels)[1] < 0
    assert 0.9 * before.expected_error < after.expected_error < before.expected_error
    checkpoint = Checkpoint(probabilities, labels, probabilities)
    evidence = make_evidence(labels=labels, probabilities=probabilities[None], checkpoint=checkpoint, images=None)
    assert not any("logits" in advice for advice in shown(evidence).advice)


def test_refits_without_calibration_are_told_to_keep_the_validation_side() -> None:
    found = shown(over_confident(2.0))
    assert found.advice[1].startswith("If you need calibrated probabilities, set `report.refit=false`")
    assert "the retrained models are overconfident, with a calibration error of " in found.advice[1]
    assert "report.refit=false" in found.advice[1]


def test_what_is_calibrated_needs_no_advice_but_on_coverage() -> None:
    found = shown(over_confident(1.0))
    assert all(
        advice.startswith("Let a person decide where the confidence of the winner's checkpoint is")
        for advice in found.advice
    )


# Sure of nine in ten, and of these right; of the others in six of ten.
SURE_OF_MOST = np.repeat([[[0.99, 0.01], [0.6, 0.4]]], [900, 100], axis=1), np.repeat([0, 0, 1], [900, 60, 40])


def test_coverage_read_off_the_test_images_is_advised_as_that() -> None:
    probabilities, labels = SURE_OF_MOST
    found = shown(make_evidence(probabilities=probabilities, labels=labels, checkpoint=None))
    assert found.advice[-1] == (
        "Let a person decide where the confidence is below 99.00 %: the model then decides 90.00 % of the images with "
        "an accuracy of 100.00 % instead of 96.00 %. The threshold was chosen on the same test images, so this "
        "accuracy is optimistic."
    )


def test_a_threshold_is_chosen_on_validation_and_told_for_the_test_set() -> None:
    probabilities, labels = SURE_OF_MOST
    test = np.repeat([[0.995, 0.005], [0.985, 0.015], [0.6, 0.4]], [800, 100, 100], axis=0)
    wrong_at_ends = np.where(np.isin(np.arange(1000), [0, 1, *range(850, 900), *range(950, 1000)]), 1, 0)
    evidence = make_evidence(
        probabilities=test[None], labels=wrong_at_ends, checkpoint=Checkpoint(probabilities[0], labels, test)
    )
    assert shown(evidence).advice[-1] == (
        "Let a person decide where the confidence of the winner's checkpoint is below 99.00 %: with this threshold, "
        "chosen on the validation data for 99.9 % accuracy, the model decides 80.00 % of the test images with an "
        "accuracy of 99.75 % (99.09 to 99.93 %) instead of 89.80 %."
    )
    no_better = dataclasses.replace(evidence, labels=np.repeat([1, 0, 0], [800, 100, 100]))
    assert not any("Let a person decide" in advice for advice in shown(no_better).advice)


def test_why_no_temperature_is_found() -> None:
    labels = np.arange(200) % 2
    uniform, opposed = np.full((200, 2), 0.5), np.eye(2)[1 - labels] * 0.6 + 0.2
    right = np.eye(2)[labels] * 0.6 + 0.2
    texts = [
        [block.text for block in shown(make_evidence(checkpoint=one, classes=2, examples=200)).blocks
         if isinstance(block, Text)][1]
        for one in (Checkpoint(said, labels, said) for said in (uniform, opposed, right))
    ]  # fmt: skip
    assert [
        text.endswith("the confidence of the checkpoint is unrelated to its mistakes on them.") for text in texts
    ] == [1, 1, 0]
    assert texts[2].endswith("the checkpoint makes too few mistakes on them.")


def test_without_a_checkpoint_there_is_no_temperature() -> None:
    found = shown(make_evidence(checkpoint=None))
    assert names(found) == ["calibration-reliability", "calibration-coverage"]
    assert isinstance(found.blocks[0], Text)
    assert "checkpoint is missing" in found.blocks[0].text
    assert not any("logits" in advice for advice in found.advice)


def test_one_model_that_is_the_checkpoint() -> None:
    evidence = over_confident(2.0, seeds=1)
    evidence = dataclasses.replace(evidence, winner=dataclasses.replace(evidence.winner, retrained=False))
    found = shown(evidence)
    assert names(found) == ["calibration-temperature", "calibration-coverage"]
    assert set(found.files["reliability.csv"].model) == {"checkpoint", "checkpoint with temperature"}
    assert isinstance(found.blocks[0], Text)
    assert "retrained" not in found.blocks[0].text
    assert not any("retrained" in advice for advice in found.advice)


@pytest.mark.parametrize("classes", [2, 3])
def test_few_classes_and_all_right(classes: int) -> None:
    labels = np.arange(60) % classes
    sure = np.eye(classes)[labels]
    checkpoint = Checkpoint(sure, labels, sure)
    found = shown(make_evidence(labels=labels, probabilities=sure[None], checkpoint=checkpoint, images=None))
    assert found.advice == []
    assert "calibration-temperature" not in names(found)
    tables = [block for block in found.blocks if isinstance(block, Table)]
    assert tables[0].rows == [["100.00 %", "100.0000 %", "100.00 %", "93.98 to 100.00 %"]]


def test_all_wrong() -> None:
    labels = np.arange(60) % 3
    found = shown(make_evidence(labels=labels, probabilities=np.eye(3)[(labels + 1) % 3][None], checkpoint=None))
    facts = found.blocks[1]
    assert isinstance(facts, Facts)
    assert [fact.value for fact in facts.facts] == ["100.00 %", "2.0000", "none", "none"]
