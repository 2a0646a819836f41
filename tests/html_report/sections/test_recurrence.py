"""The section on images that are hard for several seeds or trials."""

from __future__ import annotations

import numpy as np
from evidence import make_evidence
from sections import blocks_of, facts_of

from mnistsweep.html_report.records import Figure
from mnistsweep.html_report.sections import recurrence


def test_recurrence_over_seeds_and_trials() -> None:
    evidence = make_evidence()
    found = recurrence.section(evidence)
    assert [figure.name for figure in blocks_of(found, Figure)] == ["recurrence-seeds", "recurrence-trials"]
    frame = found.files["recurrence.csv"]
    assert frame.top_of_seeds.sum() == 30
    assert frame.top_of_trials.sum() == 20
    assert frame.top_of_seeds.is_monotonic_decreasing
    right = (evidence.probabilities.argmax(axis=2) == evidence.labels).sum(axis=0)
    assert frame.sort_values("index").right_of_seeds.tolist() == right.tolist()
    assert (frame.wrong_over_seeds == "always").sum() == (right == 0).sum()
    assert (frame.wrong_over_seeds == "never").sum() == (right == 3).sum()
    assert facts_of(found)["in the first 10 of every seed"] == str((frame.top_of_seeds == 3).sum())
    names = [label.get_text() for label in blocks_of(found, Figure)[1].drawing.axes[1].get_yticklabels()]
    assert names == [f"trial {evidence.winner.number}", "trial 8"]


def test_recurrence_without_a_checkpoint_names_the_committee() -> None:
    matrix = blocks_of(recurrence.section(make_evidence(checkpoint=None)), Figure)[1].drawing.axes[1]
    assert [label.get_text() for label in matrix.get_yticklabels()] == ["committee", "trial 8"]
    assert [label.get_text() for label in matrix.get_xticklabels()] == ["com.", "8"]


def test_recurrence_says_whether_more_seeds_help() -> None:
    labels = np.arange(400) % 10
    seeds = np.tile(np.eye(10)[labels], (3, 1, 1))
    seeds[:, :20] = np.eye(10)[(labels[:20] + 1) % 10]
    shared = recurrence.section(make_evidence(probabilities=seeds, others={}))
    assert shared.advice[0].startswith(
        "Change the model or the augmentation, more seeds will not help much: of the 20 images"
    )
    assert "20 are misclassified by all 3 seeds" in shared.advice[0]
    seeds[0, :20] = np.eye(10)[labels[:20]]
    own = recurrence.section(make_evidence(probabilities=seeds, others={}))
    assert list(own.advice) == []  # that the committee helps is for the comparison of models to say


def test_one_seed() -> None:
    assert recurrence.section(make_evidence(seeds=1, others={})) is None
    found = recurrence.section(make_evidence(seeds=1))
    assert [figure.name for figure in blocks_of(found, Figure)] == ["recurrence-trials"]
    assert "top_of_seeds" not in found.files["recurrence.csv"]
