from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from evidence import make_evidence, search_of

from mnistsweep.analysis.accuracy import measure_accuracy
from mnistsweep.html_report.records import Facts, Section, Table, Text
from mnistsweep.html_report.sections import summary

EVIDENCE = make_evidence()


def facts(section: Section) -> dict[str, tuple[str, str]]:
    first = section.blocks[0]
    assert isinstance(first, Facts)
    return {one.label: (one.value, one.note) for one in first.facts}


def test_facts() -> None:
    found, told = measure_accuracy(EVIDENCE.probabilities, EVIDENCE.labels), facts(summary.section(EVIDENCE))
    value, note = told["test accuracy"]
    assert value == f"{100 * found.mean:.2f} %"
    assert f"± {100 * found.std:.2f} % (standard deviation over 3 seeds)" in note
    assert f"Wilson 95 %: {100 * found.interval.low:.2f} to {100 * found.interval.high:.2f} %" in note
    assert told["committee accuracy"][0] == f"{100 * found.committee.accuracy:.2f} %"
    assert told["test loss"][0] == "0.0350"
    assert "± 0.0050" in told["test loss"][1]
    winner = EVIDENCE.winner
    assert told["val_accuracy of the winner"][0] == f"{100 * winner.value:.2f} %"
    assert f"trial {winner.number}, epoch 3 of 3" in told["val_accuracy of the winner"][1]
    assert told["trained on"][0] == "1,000"
    assert "training and validation data together" in told["trained on"][1]


def test_scores() -> None:
    table = summary.section(EVIDENCE).files["scores.csv"]
    assert table.model.tolist() == ["seed 0", "seed 1", "seed 2", "committee"]
    right = [int((p.argmax(axis=1) == EVIDENCE.labels).sum()) for p in [*EVIDENCE.probabilities, EVIDENCE.committee]]
    assert table.correct.tolist() == right
    assert table.loss[:3].tolist() == EVIDENCE.losses.tolist()
    assert np.isnan(table.loss[3])
    assert ((table.low < table.accuracy) & (table.accuracy < table.high)).all()


def test_values_of_the_point() -> None:
    (table,) = [
        b for b in summary.section(EVIDENCE).blocks if isinstance(b, Table) and b.columns[0] == "hyperparameter"
    ]
    assert [row[0] for row in table.rows] == list(EVIDENCE.winner.point)
    assert dict(table.rows)["trainer.batch_size"] == str(EVIDENCE.winner.point["trainer.batch_size"])


def test_one_seed() -> None:
    section = summary.section(make_evidence(seeds=1))
    assert "committee accuracy" not in facts(section)
    assert "one seed, so no standard deviation" in facts(section)["test accuracy"][1]
    assert any("report.seeds=3" in sentence for sentence in section.advice)
    assert "nan" not in str(section.blocks)
    winner = dataclasses.replace(EVIDENCE.winner, retrained=False)
    (sentence,) = summary.section(make_evidence(seeds=1, winner=winner)).advice
    assert "`report.refit=true` retrains it" in sentence
    assert "report.seeds=3" not in sentence


def test_repeats_have_no_one_epoch() -> None:
    winner = dataclasses.replace(EVIDENCE.winner, repeats=3)
    note = facts(summary.section(make_evidence(winner=winner)))["val_accuracy of the winner"][1]
    assert (
        note
        == f"trial {winner.number}, mean over 3 repeats; the winner was selected by this value, so it is optimistic"
    )


def test_loss_that_is_not_known() -> None:
    section = summary.section(make_evidence(losses=np.array([np.nan] * 3)))
    found = measure_accuracy(EVIDENCE.probabilities, EVIDENCE.labels)
    assert facts(section)["test log-loss"][0] == f"{found.log_loss:.4f}"


@pytest.mark.parametrize(("gap", "counted"), [(0.9, True), (1.1, False)])
def test_advice_on_trials_as_good_as_the_winner(gap: float, counted: bool) -> None:
    spread = measure_accuracy(EVIDENCE.probabilities, EVIDENCE.labels).std
    search, winner = EVIDENCE.search, EVIDENCE.winner
    assert search is not None
    objectives = [winner.value - gap * spread] + [0.5] * (len(search.trials) - 1)
    near = search_of(search.space, [record.point for record in search.trials], objectives)
    section = summary.section(make_evidence(search=near))
    told = f"1 other trial is within {100 * spread:.2f} points of the winner"
    assert any(told in sentence for sentence in section.advice) is counted


def test_an_objective_that_is_no_share() -> None:
    winner = dataclasses.replace(EVIDENCE.winner, objective="val_loss", value=0.123456, retrained=False)
    told = facts(summary.section(make_evidence(winner=winner, search=None)))
    assert told["val_loss of the winner"][0] == "0.1235"
    assert "checkpoint of the sweep" in told["trained on"][1]


def test_a_share_that_is_no_accuracy_is_not_held_against_the_spread_of_accuracy() -> None:
    winner = dataclasses.replace(EVIDENCE.winner, objective="val_auc")
    section = summary.section(make_evidence(winner=winner))
    assert facts(section)["val_auc of the winner"][0] == f"{100 * winner.value:.2f} %"
    assert list(section.advice) == []


def test_says_what_each_interval_covers() -> None:
    (text,) = [block for block in summary.section(EVIDENCE).blocks if isinstance(block, Text)]
    assert "the choice of the 400 test images" in text.text
    assert "Student's t, 95 %, from 3 seeds" in text.text
