"""The section on label errors."""

from __future__ import annotations

import numpy as np
from evidence import make_evidence
from sections import blocks_of, facts_of

from mnistsweep.analysis import label_quality
from mnistsweep.html_report.records import Figure, Text
from mnistsweep.html_report.sections import ambiguous, suspects


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
    assert facts_of(found)["flagged labels"] == str(flagged)
    assert found.advice[0].endswith("run `mnistsweep clean search`.")
    assert f"{flagged} of 400 labels are flagged" in found.advice[0]
    first = frame.iloc[0]
    expected = f"suspects/01-index-{int(first['index']):05d}-label-{first.label}-suggested-{first.suggested}.png"
    assert next(iter(found.pictures)) == expected
    assert "test set" in blocks_of(found, Text)[0].text
    assert any("without cleanlab's rescaling" in block.text for block in blocks_of(found, Text))
    titles = [text.get_text() for text in blocks_of(found, Figure)[0].drawing.axes[0].texts]
    assert f"label {first.label}\nsuggested {first.suggested}" in titles[0]


def test_no_suspects_where_all_labels_fit() -> None:
    labels = np.arange(90) % 3
    sure = np.tile(np.eye(3)[labels] * 0.9 + 0.1 / 3, (2, 1, 1))
    evidence = make_evidence(examples=90, classes=3, probabilities=sure)
    assert suspects.section(evidence).advice == []
    assert ambiguous.section(evidence).advice == []
    assert facts_of(suspects.section(evidence))["flagged labels"] == "0"
