"""The sections of ambiguous images, suspected labels and recurrence, and the mosaic they draw with."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from evidence import make_evidence, make_images

from mnistsweep.analysis import confidence, label_quality
from mnistsweep.html_report.figures import style
from mnistsweep.html_report.figures.mosaic import draw_mosaic, draw_single, picture_path
from mnistsweep.html_report.records import Facts, Figure, Formulas, Section, Table, Text
from mnistsweep.html_report.sections import ambiguous, recurrence, suspects


def of(section: Section, kind: type) -> list[Any]:
    return [block for block in section.blocks if isinstance(block, kind)]


def facts(section: Section) -> dict[str, str]:
    return {fact.label: fact.value for block in of(section, Facts) for fact in block.facts}


def test_ambiguous_images_are_shown_listed_and_named() -> None:
    evidence = make_evidence()
    found = ambiguous.section(evidence)
    ranking = confidence.rank_ambiguous(evidence.probabilities, evidence.labels)
    frame = found.files["ambiguous.csv"]
    known = ["index", "label", "prediction", "confidence", "second_guess", "right_of_seeds", "seeds"]
    assert frame.columns.tolist() == [*known, *confidence.SCORES]
    assert frame["index"].tolist() == ranking.order.tolist()
    assert frame.confidence.is_monotonic_increasing
    right = (evidence.probabilities.argmax(axis=2) == evidence.labels).sum(axis=0)
    assert frame.right_of_seeds.tolist() == right[frame["index"]].tolist()
    first = frame.iloc[0]
    told = f"predicted-{int(first.prediction)}-confidence-{first.confidence:.2f}"
    name = f"ambiguous/01-index-{int(first['index']):05d}-{told}.png"
    assert next(iter(found.pictures)) == name
    assert len(found.pictures) == 10
    gallery, histogram = of(found, Figure)
    assert (gallery.name, histogram.name) == ("ambiguous-images", "ambiguous-confidence")
    assert len(gallery.drawing.axes[0].texts) == 10
    (table,) = of(found, Table)
    assert table.rows[0][1] == str(int(first["index"]))
    assert table.rows[0][-1] == f"{int(first.right_of_seeds)} of 3"
    assert "two questions" in of(found, Text)[0].text
    assert list(of(found, Formulas)[0].scores) == list(confidence.SCORES.values())


def test_where_unsure_images_hold_the_mistakes_a_person_should_look_there() -> None:
    labels = np.arange(1000) % 10
    sure = np.full((3, 1000, 10), 0.005)
    sure[:, np.arange(1000), labels] = 0.955
    sure[:, :8] = 0.0625
    sure[:, np.arange(8), (labels[:8] + 1) % 10] = 0.4375
    found = ambiguous.section(make_evidence(examples=1000, probabilities=sure))
    assert found.advice[0].endswith("the 10 least confident of 1,000 (1.00 %) hold 8 of the 8 mistakes (100.00 %).")
    assert facts(found)["right among the 10 most ambiguous"] == "2 of 10"


def test_suspected_labels_are_shown_and_counted() -> None:
    evidence = make_evidence(examples=400)
    evidence.labels[:8] = (evidence.labels[:8] + 3) % 10
    found = suspects.section(evidence)
    quality = label_quality.rank_suspects(evidence.committee, evidence.labels)
    frame = found.files["suspects.csv"]
    assert frame.columns.tolist() == ["index", "label", "suggested", "flagged", *label_quality.SCORES]
    assert frame["index"].tolist() == quality.order.tolist()
    flagged = int(quality.flagged.sum())
    assert flagged > 0
    assert facts(found)["labels flagged"] == str(flagged)
    assert found.advice[0].endswith("run `mnistsweep clean search`.")
    assert f"{flagged} of 400 are flagged" in found.advice[0]
    first = frame.iloc[0]
    expected = f"suspects/01-index-{int(first['index']):05d}-label-{first.label}-suggested-{first.suggested}.png"
    assert next(iter(found.pictures)) == expected
    assert "test set" in of(found, Text)[0].text
    assert any("not as cleanlab rescales it" in block.text for block in of(found, Text))
    titles = [text.get_text() for text in of(found, Figure)[0].drawing.axes[0].texts]
    assert f"label {first.label}\nsuggested {first.suggested}" in titles[0]


def test_no_suspects_where_all_labels_fit() -> None:
    labels = np.arange(90) % 3
    sure = np.tile(np.eye(3)[labels] * 0.9 + 0.1 / 3, (2, 1, 1))
    evidence = make_evidence(examples=90, classes=3, probabilities=sure)
    assert suspects.section(evidence).advice == []
    assert ambiguous.section(evidence).advice == []
    assert facts(suspects.section(evidence))["labels flagged"] == "0"


def test_recurrence_over_seeds_and_trials() -> None:
    evidence = make_evidence()
    found = recurrence.section(evidence)
    assert [figure.name for figure in of(found, Figure)] == ["recurrence-seeds", "recurrence-trials"]
    frame = found.files["recurrence.csv"]
    assert frame.top_of_seeds.sum() == 30
    assert frame.top_of_trials.sum() == 20
    assert frame.top_of_seeds.is_monotonic_decreasing
    right = (evidence.probabilities.argmax(axis=2) == evidence.labels).sum(axis=0)
    assert frame.sort_values("index").right_of_seeds.tolist() == right.tolist()
    assert (frame.wrong_over_seeds == "always").sum() == (right == 0).sum()
    assert (frame.wrong_over_seeds == "never").sum() == (right == 3).sum()
    assert facts(found)["in every seed's first 10"] == str((frame.top_of_seeds == 3).sum())
    names = [label.get_text() for label in of(found, Figure)[1].drawing.axes[1].get_yticklabels()]
    assert names == [f"trial {evidence.winner.number}", "trial 8"]


def test_recurrence_without_a_checkpoint_names_the_committee() -> None:
    matrix = of(recurrence.section(make_evidence(checkpoint=None)), Figure)[1].drawing.axes[1]
    assert [label.get_text() for label in matrix.get_yticklabels()] == ["committee", "trial 8"]
    assert [label.get_text() for label in matrix.get_xticklabels()] == ["com.", "8"]


def test_recurrence_says_whether_more_seeds_help() -> None:
    labels = np.arange(400) % 10
    seeds = np.tile(np.eye(10)[labels], (3, 1, 1))
    seeds[:, :20] = np.eye(10)[(labels[:20] + 1) % 10]
    shared = recurrence.section(make_evidence(probabilities=seeds, others={}))
    assert shared.advice[0].startswith("More seeds will not help much: 20 of the 20 images")
    seeds[0, :20] = np.eye(10)[labels[:20]]
    own = recurrence.section(make_evidence(probabilities=seeds, others={}))
    assert list(own.advice) == []  # that the committee helps is for the comparison of models to say


def test_one_seed() -> None:
    assert recurrence.section(make_evidence(seeds=1, others={})) is None
    found = recurrence.section(make_evidence(seeds=1))
    assert [figure.name for figure in of(found, Figure)] == ["recurrence-trials"]
    assert "top_of_seeds" not in found.files["recurrence.csv"]
    alone = ambiguous.section(make_evidence(seeds=1))
    assert "BALD are 0" in of(alone, Text)[-1].text
    assert "which images the model is unsure of" in of(alone, Text)[0].text
    assert not any("ommittee" in figure.caption + figure.alt for figure in of(alone, Figure))


@pytest.mark.parametrize("classes", [2, 3])
def test_no_images_and_few_classes(classes: int) -> None:
    evidence = make_evidence(examples=12, classes=classes, images=None, top=40)
    for module in (ambiguous, suspects, recurrence):
        found = module.section(evidence)
        assert not found.pictures
        assert len(next(iter(found.files.values()))) == 12
    assert not of(suspects.section(evidence), Figure)


@pytest.mark.parametrize("number", [1, 5, 7, 100])
def test_a_mosaic_holds_every_image_in_its_place(number: int) -> None:
    images = make_images(np.arange(number) % 5, 12, np.random.default_rng(0))
    drawing = draw_mosaic(images, [str(n) for n in range(number)], columns=5)
    (axes,) = drawing.axes
    canvas = axes.images[0].get_array()
    opaque = canvas[..., 3] == 255
    assert opaque.sum() == number * 144
    rows = opaque.any(axis=1)
    first = int(rows.argmax())
    assert np.array_equal(canvas[first : first + 12, :12, 0], np.round(images[0] * 255))
    assert np.array_equal(canvas[opaque][-12:, 1], np.round(images[-1, -1] * 255))
    assert drawing.get_figwidth() == 7
    assert style.to_png(drawing).startswith(b"\x89PNG")


def test_a_mosaic_of_colours_with_long_titles() -> None:
    drawing = draw_mosaic(np.full((2, 8, 8, 3), [1.0, 0.5, 0.0]), ["a name much longer than its image\nb"] * 2)
    axes = drawing.axes[0]
    assert (axes.images[0].get_array()[-1, 0] == [255, 128, 0, 255]).all()
    line, second = axes.texts[0].get_text().split("\n")
    assert line.endswith("…")
    assert second == "b"
    assert drawing.axes[0].texts[0].get_fontsize() == 6.5


def test_single_pictures() -> None:
    assert draw_single(np.zeros((8, 4)), "seven").axes[0].texts[0].get_text() == "seven"
    assert picture_path("a", 12, 7, label="../é à") == "a/12-index-00007-label-é-à.png"
