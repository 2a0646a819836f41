"""The section on ambiguous images."""

from __future__ import annotations

import numpy as np
from evidence import make_evidence
from sections import blocks_of, facts_of

from mnistsweep.analysis import confidence
from mnistsweep.html_report.records import Figure, Formulas, Table, Text
from mnistsweep.html_report.sections import ambiguous


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
    gallery, histogram = blocks_of(found, Figure)
    assert (gallery.name, histogram.name) == ("ambiguous-images", "ambiguous-confidence")
    assert len(gallery.drawing.axes[0].texts) == 10
    (table,) = blocks_of(found, Table)
    assert table.rows[0][1] == str(int(first["index"]))
    assert table.rows[0][-1] == f"{int(first.right_of_seeds)} of 3"
    assert "does not use the labels" in blocks_of(found, Text)[0].text
    assert list(blocks_of(found, Formulas)[0].scores) == list(confidence.SCORES.values())


def test_advice_to_check_the_least_confident_images_where_they_contain_the_mistakes() -> None:
    labels = np.arange(1000) % 10
    sure = np.full((3, 1000, 10), 0.005)
    sure[:, np.arange(1000), labels] = 0.955
    sure[:, :8] = 0.0625
    sure[:, np.arange(8), (labels[:8] + 1) % 10] = 0.4375
    found = ambiguous.section(make_evidence(examples=1000, probabilities=sure))
    assert found.advice[0].endswith(
        "the 10 least confident of 1,000 images (1.00 %) contain 8 of the 8 mistakes (100.00 %)."
    )
    assert facts_of(found)["correct among the 10 most ambiguous"] == "2 of 10"


def test_one_seed() -> None:
    alone = ambiguous.section(make_evidence(seeds=1))
    assert "BALD are 0" in blocks_of(alone, Text)[-1].text
    assert "confidence of the model, which is" in blocks_of(alone, Text)[0].text
    assert not any("ommittee" in figure.caption + figure.alt for figure in blocks_of(alone, Figure))
