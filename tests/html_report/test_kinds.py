"""A page for each kind of target, from generated numbers: its sections, its words, and what it leaves out."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from evidence import make_evidence
from sklearn import metrics

from mnistsweep.html_report import page
from mnistsweep.html_report.evidence import Evidence
from mnistsweep.html_report.outputs import (
    ArrayEvidence,
    Checkpoint,
    ClassEvidence,
    LabelsEvidence,
    MapsEvidence,
    NumbersEvidence,
    OutputsEvidence,
)
from mnistsweep.html_report.sections import SECTIONS, Analysis, left_out, sections_of
from mnistsweep.html_report.sections.headlines import headline_lines
from mnistsweep.html_report.shown_inputs import ROWS, SERIES, TEXTS, ShownInputs

RNG = np.random.default_rng(0)
NUM = 60
TABLE = ShownInputs(ROWS, columns={"size": RNG.normal(size=NUM), "town": np.array(["a", "b"] * 30, dtype=object)})
TEXT = ShownInputs(TEXTS, columns={"text": np.array([f"<b>text</b> {n}" for n in range(NUM)], dtype=object)})
CURVE = ShownInputs(SERIES, series=RNG.normal(size=(NUM, 20, 2)))
PICTURE = ShownInputs.of_images(RNG.random((NUM, 8, 8)))


def shared(inputs: ShownInputs, **more: Any) -> dict[str, Any]:
    one = make_evidence(seeds=2)
    names = [field.name for field in dataclasses.fields(Evidence) if field.init]
    return {name: getattr(one, name) for name in names} | {"inputs": inputs, "search": None} | more


def numbers(inputs: ShownInputs = TABLE, targets: int = 1, **more: Any) -> NumbersEvidence:
    truth = RNG.normal(size=(NUM, targets))
    names = ["price", "age"][:targets]
    predictions = truth + RNG.normal(0, 0.3, (2, NUM, targets))
    return NumbersEvidence(
        **shared(inputs, **more), target_names=names, targets=truth, predictions=predictions, checkpoint=predictions[0]
    )


def labels(inputs: ShownInputs = TEXT, **more: Any) -> LabelsEvidence:
    truth = (RNG.random((NUM, 3)) < 0.4).astype(np.int64)
    probabilities = np.clip(0.5 * truth + RNG.random((2, NUM, 3)) / 2, 0, 1)
    checkpoint = Checkpoint(probabilities[0], truth, probabilities[1])
    return LabelsEvidence(
        **shared(inputs, **more), label_names=["x", "y", "z"], truth=truth, probabilities=probabilities,
        checkpoint=checkpoint,
    )  # fmt: skip


def binary(inputs: ShownInputs = CURVE, **more: Any) -> ClassEvidence:
    one = make_evidence(seeds=2, examples=NUM, classes=2)
    kept = {name: getattr(one, name) for name in ("class_names", "labels", "probabilities", "checkpoint", "others")}
    return ClassEvidence(**shared(inputs, **more), **kept)


def maps(**more: Any) -> MapsEvidence:
    truth = RNG.integers(0, 3, (NUM, 8, 8))
    guess = np.where(RNG.random((2, *truth.shape)) < 0.9, truth, 0)
    return MapsEvidence(**shared(PICTURE, **more), class_names=["sky", "sea", "sand"], truth=truth, predictions=guess)


def arrays(**more: Any) -> ArrayEvidence:
    truth = RNG.random((NUM, 8, 8, 1)).astype(np.float32)
    guess = truth + RNG.normal(0, 0.1, (2, *truth.shape))
    return ArrayEvidence(**shared(PICTURE, **more), truth=truth, predictions=guess, is_input=True)


def several() -> OutputsEvidence:
    parts = [numbers(output="sum"), binary(TABLE, output="sign"), labels(TABLE, output="Tags!")]
    return OutputsEvidence(**shared(TABLE), outputs=parts)


MADE = {
    "numbers": (numbers, ["errors", "residuals", "worst"], "rows"),
    "two numbers": (lambda: numbers(CURVE, 2), ["errors", "residuals", "worst"], "series"),
    "labels": (labels, ["labels"], "texts"),
    "two classes": (
        binary,
        ["ambiguous", "suspects", "recurrence", "mistakes", "comparison", "thresholds", "calibration"],
        "series",
    ),
    "class maps": (maps, ["maps"], "images"),
    "arrays": (arrays, ["arrays"], "images"),
    "several": (several, [], "rows"),
    "nothing": (lambda: Evidence(**shared(ShownInputs())), [], "examples"),
}


SLOW = ("two classes", "several", "two numbers")  # many figures are drawn


@pytest.mark.parametrize("kind", [pytest.param(kind, marks=[pytest.mark.slow] * (kind in SLOW)) for kind in MADE])
def test_a_page_of_every_kind(kind: str, tmp_path: Path) -> None:
    make, names, many = MADE[kind]
    evidence = make()
    titles: list[str] = []
    made = page.make(evidence, tmp_path, on_section=titles.append)
    assert made.failed == {}
    html = made.index.read_text(encoding="utf-8")
    assert [title for title in titles if f"<h2>{title}</h2>" not in html] == []  # a section without content has none
    shown = re.findall(r'<section id="([^"]+)"', html)
    assert shown[0] == "summary"
    assert [name for name in shown if name in names] == names
    assert ("calibration" in shown) == (kind == "two classes")
    text = re.sub(r"<style>.*?</style>|<svg.*?</svg>|<[^>]+>", " ", html, flags=re.DOTALL)
    if many != "images":
        assert not re.search(r"\b[Ii]mages?\b(?! (with|tab|sections))", text.split("Left out")[-2]), kind
    if kind != "nothing":
        assert f"test {many}" in text
    for line in left_out(evidence):
        assert line in text
    assert all(line for line in headline_lines(evidence))
    links = re.findall(r'href="([^"#:]+)"', html)
    assert all((tmp_path / link).exists() for link in links)


def test_the_headline_has_no_brackets_in_brackets() -> None:
    for evidence in (numbers(), maps(), arrays(), binary(), several()):
        for line in headline_lines(evidence):
            assert not re.search(r"\([^)]*\(", line)
    assert re.match(
        r"test MAE: [\d.]+ ± [\d.]+ \(standard deviation over 2 seeds\); committee [\d.]+, bootstrap 95 %: ",
        headline_lines(numbers())[0],
    )


def test_what_does_not_apply_is_left_out_with_its_reason() -> None:
    assert "Calibration: left out; the model predicts numbers." in left_out(numbers())
    assert "Ambiguous rows: left out; the model predicts numbers." in left_out(numbers())
    assert left_out(binary()) == ["Robustness: left out; the inputs are not images."]
    assert left_out(make_evidence()) == []
    assert "sum: Calibration: left out; the model predicts numbers." in left_out(several())


def test_images_of_several_classes_have_the_sections_as_before() -> None:
    assert sections_of(make_evidence()) == list(SECTIONS)


def test_several_outputs_have_their_own_sections_and_files(tmp_path: Path) -> None:
    evidence = several()
    names = ("errors", "ambiguous", "thresholds", "labels")
    shown = [one for one in sections_of(evidence) if one.output is not None and one.name.endswith(names)]
    made = page.make(evidence, tmp_path, shown)
    assert made.failed == {}
    html = made.index.read_text(encoding="utf-8")
    headings = re.findall(r"<h2>([^<]+)</h2>", html)
    assert headings[0] == "sum: Errors"
    assert "sign: Thresholds" in headings
    assert "Tags!: Labels" in headings
    assert "1-sign-ambiguous.csv lists all 60 test rows" in html
    assert (tmp_path / "2-tags-mistakes.csv").is_file()


def test_a_model_whose_outputs_match_no_target_has_the_search_only() -> None:
    names = [one.name for one in sections_of(Evidence(**shared(ShownInputs())))]
    assert names == ["learnt", "summary", "curves", "history", "importance", "landscape", "against", "cleaning"]


def section_of(analysis: str, evidence: Evidence) -> Any:
    found: list[Analysis] = [one for one in sections_of(evidence) if one.name == analysis]
    return found[0].section(evidence)


def test_the_threshold_is_chosen_on_validation_data_only() -> None:
    """The test set's labels have no influence on it."""
    evidence = binary()
    text = section_of("thresholds", evidence).blocks[0].text
    (chosen,) = re.findall(r"The threshold ([\d.]+) has the largest F1 on the validation data", text)
    turned = dataclasses.replace(evidence, labels=1 - evidence.labels)
    assert f"The threshold {chosen} has" in section_of("thresholds", turned).blocks[0].text
    checkpoint = evidence.checkpoint
    assert checkpoint is not None
    scores, truth = checkpoint.validation[:, 1], checkpoint.validation_labels
    best = max(metrics.f1_score(truth, scores >= one) for one in np.unique(scores))
    assert metrics.f1_score(truth, scores >= float(chosen)) == pytest.approx(best, abs=0.01)
    missing = dataclasses.replace(evidence, checkpoint=None)
    assert "No threshold was chosen" in section_of("thresholds", missing).blocks[0].text


def test_the_values_of_an_example_are_shown() -> None:
    assert TABLE.lines(1)[1] == "town: b"
    assert TEXT.lines(3) == ["<b>text</b> 3"]
    wide = ShownInputs(ROWS, columns={f"c{n}": np.zeros(3) for n in range(15)})
    assert wide.lines(0)[-1] == "and 3 more columns"
