from __future__ import annotations

import numpy as np
import pytest
from evidence import make_evidence, make_probabilities

from mnistsweep.html_report.figures import style
from mnistsweep.html_report.outputs import ClassEvidence
from mnistsweep.html_report.records import Fact, Facts, Figure, Section, Table
from mnistsweep.html_report.sections import mistakes

EVIDENCE = make_evidence()
SECTION = mistakes.section(EVIDENCE)


def drawn(section: Section) -> dict[str, Figure]:
    return {block.name: block for block in section.blocks if isinstance(block, Figure)}


def perfect(right: bool = True, classes: int = 3) -> ClassEvidence:
    labels = np.arange(60) % classes
    guesses = labels if right else (labels + 1) % classes
    p = np.eye(classes)[guesses][np.newaxis]
    return make_evidence(classes=classes, examples=60, labels=labels, probabilities=p, losses=np.zeros(1))


def test_files() -> None:
    wrong, right = SECTION.files["mistakes.csv"], SECTION.files["right.csv"]
    predictions = EVIDENCE.committee.argmax(axis=1)
    assert list(wrong.columns) == ["index", "label", "prediction", "confidence", "wrong_of_seeds"]
    assert list(right.columns) == ["index", "label", "prediction", "confidence"]
    assert sorted(wrong["index"]) == np.flatnonzero(predictions != EVIDENCE.labels).tolist()
    assert right["index"].tolist() == np.flatnonzero(predictions == EVIDENCE.labels).tolist()
    assert wrong.confidence.is_monotonic_decreasing
    first = wrong.iloc[0]
    assert first.prediction == EVIDENCE.class_names[predictions[first["index"]]]
    assert first.label == EVIDENCE.class_names[EVIDENCE.labels[first["index"]]]
    votes = EVIDENCE.probabilities[:, first["index"]].argmax(axis=1) != EVIDENCE.labels[first["index"]]
    assert first.wrong_of_seeds == votes.sum()


def test_files_of_classes() -> None:
    counts, mix_ups, classes = (SECTION.files[name] for name in ("confusion.csv", "mixups.csv", "classes.csv"))
    assert counts.drop(columns="label").to_numpy().sum() == 400
    assert mix_ups["count"].sum() == len(SECTION.files["mistakes.csv"])
    assert mix_ups["count"].is_monotonic_decreasing
    assert classes.support.sum() == classes.predicted.sum() == 400
    assert (classes.recall_low <= classes.recall).all()
    assert (classes.recall <= classes.recall_high).all()


def test_a_class_called_label() -> None:
    evidence = make_evidence(classes=3, examples=60, class_names=["label", "class", "index"])
    counts = mistakes.section(evidence).files["confusion.csv"]
    assert counts.to_csv(index=False).splitlines()[0] == "label,label,class,index"
    assert counts.iloc[:, 0].tolist() == ["label", "class", "index"]
    assert counts.iloc[:, 1:].to_numpy().sum() == 60


def test_facts() -> None:
    block = SECTION.blocks[0]
    assert isinstance(block, Facts)
    wrong = (EVIDENCE.probabilities.argmax(axis=2) != EVIDENCE.labels).sum(axis=0)
    told = {fact.label: fact.value for fact in block.facts}
    assert told["misclassified images"] == str(len(SECTION.files["mistakes.csv"]))
    assert told["always wrong"] == str((wrong == 3).sum())
    assert told["sometimes wrong"] == str(((wrong > 0) & (wrong < 3)).sum())


def test_figures() -> None:
    found = drawn(SECTION)
    assert list(found) == ["confusion", "confusion-errors", "mistakes", "mistake"]
    number = len(SECTION.files["mistakes.csv"])
    assert found["mistakes"].caption.startswith(f"All {number} misclassified images")
    texts = [text.get_text() for text in found["mistakes"].drawing.axes[0].texts]
    assert len(texts) == number
    index = int(SECTION.files["mistakes.csv"].iloc[0]["index"])
    assert texts[0].startswith(f"{index} (")
    assert f"image {index}:" in found["mistake"].caption
    (drawing,) = (found["confusion"].drawing,)
    numbers = sum(int(text.get_text()) for text in drawing.axes[0].texts)
    assert numbers == 400
    errors = sum(int(text.get_text()) for text in found["confusion-errors"].drawing.axes[0].texts)
    assert errors == number
    for name, figure in found.items():
        assert style.to_svg(figure.drawing, name).startswith("<svg")


def test_gallery_is_limited_and_says_so() -> None:
    evidence = perfect(right=False)
    many = make_evidence(
        classes=3,
        examples=300,
        labels=np.tile(evidence.labels, 5),
        probabilities=np.tile(evidence.probabilities, (5, 1)),
    )
    found = drawn(mistakes.section(many))["mistakes"]
    assert found.caption.startswith("96 of the 300 misclassified images")
    assert len(found.drawing.axes[0].texts) == 96


def test_all_right() -> None:
    section = mistakes.section(perfect())
    assert list(drawn(section)) == ["confusion"]
    assert len(section.files["mistakes.csv"]) == len(section.files["mixups.csv"]) == 0
    assert section.advice == []
    block = section.blocks[0]
    assert isinstance(block, Facts)
    assert block.facts[0] == Fact("misclassified images", "0", "of 60 by the model: 0.00 %")


@pytest.mark.parametrize("classes", [2, 3])
def test_all_wrong(classes: int) -> None:
    section = mistakes.section(perfect(right=False, classes=classes))
    assert len(section.files["mistakes.csv"]) == 60
    assert any(
        sentence.startswith(
            "Check the first rows of mistakes.csv (60 misclassified images with a confidence above 90 %)"
        )
        for sentence in section.advice
    )


def test_without_images() -> None:
    section = mistakes.section(make_evidence(images=None))
    assert list(drawn(section)) == ["confusion", "confusion-errors", "mistake"]


def test_hundreds_of_classes() -> None:
    evidence = make_evidence(seeds=1, classes=200, examples=1000, images=None, checkpoint=None)
    section = mistakes.section(evidence)
    found = drawn(section)
    assert len(found["confusion"].drawing.axes[0].texts) == 0
    assert len(found["confusion"].drawing.axes[0].get_xticks()) <= 30
    assert "Only the 20 classes with the most frequent confusions" in found["confusion-errors"].caption
    tables = [block for block in section.blocks if isinstance(block, Table)]
    assert len(tables[-1].rows) == 20
    assert "The 20 classes with the lowest F1 of 200" in tables[-1].caption
    assert len(section.files["classes.csv"]) == 200


def test_advice_on_a_planted_pair() -> None:
    """Half of class 1 is taken for class 2: that pair and that class are named."""
    labels = np.arange(400) % 5
    guesses = np.where((labels == 1) & (np.arange(400) % 2 == 0), 2, labels)
    p = make_probabilities(1, guesses, 5, np.random.default_rng(0), scale=0.5) * 0.2 + 0.8 * np.eye(5)[guesses]
    section = mistakes.section(make_evidence(classes=5, labels=labels, probabilities=p, losses=np.zeros(1)))
    assert any(
        sentence.endswith("confusing these two classes causes 40 of 40 mistakes (100 %).")
        for sentence in section.advice
    )
    assert any("Add training examples of 1 and 2, or augmentation" in sentence for sentence in section.advice)
    assert any(
        sentence.startswith("Collect or augment more examples of class 1: its recall of 50.00 %")
        for sentence in section.advice
    )
