"""The file results.csv."""

from __future__ import annotations

import csv
from collections.abc import Sequence

import pytest
from fakes import completed_trial, failed_trial
from hypothesis import given
from hypothesis import strategies as st

from mnistsweep.paths import SweepPaths
from mnistsweep.space import Choice, Condition, Float, SearchSpace
from mnistsweep.study.records import State, TrialRecord
from mnistsweep.study.results_table import COLUMNS, ResultsTable
from mnistsweep.study.sweep import Sweep

SPACE = SearchSpace(
    (
        Choice("optimizer", ("adam", "sgd", "None")),
        Choice("flag", (True, False)),
        Float("optimizer.momentum", 0, 1, conditions=(Condition("optimizer", ("sgd",)),)),
    )
)


@pytest.fixture(autouse=True)
def folder(paths: SweepPaths) -> None:
    paths.folder.mkdir(parents=True)


def rows(paths: SweepPaths) -> list[dict[str, str]]:
    with paths.results.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write_table(table: ResultsTable, records: Sequence[TrialRecord]) -> None:
    table.add_finished(records)
    table.write()


def test_the_columns_are_the_documented_ones_then_one_a_dimension(paths: SweepPaths) -> None:
    write_table(ResultsTable(paths.results, SPACE), [])
    promised = "trial,state,objective,best_epoch,seconds,seed,reason"
    assert ",".join(COLUMNS) == promised
    assert paths.results.read_text() == f"{promised},optimizer,flag,optimizer.momentum\n"


def test_a_row_has_exact_numbers_and_empty_cells_for_missing_values(paths: SweepPaths) -> None:
    sgd = completed_trial(1, 0.1 + 0.2, **{"optimizer": "sgd", "flag": False, "optimizer.momentum": 1 / 3})
    running = TrialRecord(2, State.RUNNING, {"optimizer": "adam", "flag": True}, 9)
    write_table(ResultsTable(paths.results, SPACE), [failed_trial(0, "no luck"), sgd, running])
    assert paths.results.read_text().splitlines()[1:] == [
        "0,failed,,,0.0,8,no luck,None,False,",
        "1,completed,0.30000000000000004,2,1.235,7,,sgd,False,0.3333333333333333",
    ]


def test_rows_are_in_the_order_of_trial_numbers(paths: SweepPaths) -> None:
    table = ResultsTable(paths.results, SPACE)
    running = TrialRecord(0, State.RUNNING, {"optimizer": "adam", "flag": True}, 9)
    write_table(table, [running, completed_trial(1, 0.5)])
    assert [row["trial"] for row in rows(paths)] == ["1"]
    write_table(table, [completed_trial(0, 0.25), completed_trial(1, 0.5), completed_trial(2, 0.75)])
    assert [(row["trial"], row["objective"]) for row in rows(paths)] == [("0", "0.25"), ("1", "0.5"), ("2", "0.75")]


@pytest.mark.parametrize(
    ("reason", "read"),
    [
        (
            'OOM when allocating [256,128], "GPU:0"\n\tdetails, more',
            'OOM when allocating [256,128], "GPU:0"\n\tdetails, more',
        ),
        ("1/9 ....\r9/9 ....\rValueError", "1/9 ....\n9/9 ....\nValueError"),
        ("Zeile 1\r\nZeile 2: größer — 漢字", "Zeile 1\nZeile 2: größer — 漢字"),
    ],
)
def test_commas_quotes_and_lines_of_a_reason_are_kept(paths: SweepPaths, reason: str, read: str) -> None:
    write_table(ResultsTable(paths.results, SPACE), [failed_trial(0, reason), completed_trial(1, 0.5)])
    assert [row["reason"] for row in rows(paths)] == [read, ""]
    assert list(Sweep(paths).trials["reason"]) == [read, ""]


@given(st.floats(allow_nan=False))
def test_every_number_is_read_back_exactly(tmp_path_factory: pytest.TempPathFactory, number: float) -> None:
    paths = SweepPaths(tmp_path_factory.mktemp("numbers"))
    write_table(ResultsTable(paths.results, SPACE), [completed_trial(0, number)])
    assert Sweep(paths).trials["objective"].item() == number
