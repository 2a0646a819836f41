"""The tables of a sweep: results.csv, best.yaml, and what `load_sweep` makes of them."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mnistsweep.atomic import write_yaml
from mnistsweep.dimensions import Choice, Condition, Float
from mnistsweep.errors import StudyError
from mnistsweep.paths import SweepPaths
from mnistsweep.space import SearchSpace
from mnistsweep.study.records import Result, State, TrialRecord, best_of
from mnistsweep.study.results_table import COLUMNS, ResultsTable
from mnistsweep.study.sweep import Sweep, load_sweep
from mnistsweep.study.sweep_file import FORMAT, read_sweep_file
from mnistsweep.study.views import write_best

SPACE = SearchSpace(
    (
        Choice("optimizer", ("adam", "sgd", "None")),
        Choice("flag", (True, False)),
        Float("optimizer.momentum", 0, 1, conditions=(Condition("optimizer", ("sgd",)),)),
    )
)


@pytest.fixture
def paths(tmp_path: Path) -> SweepPaths:
    return SweepPaths(tmp_path / "Räume & co" / "search")


def completed(number: int, objective: float, **point: object) -> TrialRecord:
    result = Result(objective, best_epoch=2, epochs=3, seconds=1.23456)
    return TrialRecord(number, State.COMPLETED, point or {"optimizer": "adam", "flag": True}, 7, result)


def failed(number: int, reason: str) -> TrialRecord:
    return TrialRecord(number, State.FAILED, {"optimizer": "None", "flag": False}, 8, Result(reason=reason))


def rows(paths: SweepPaths) -> list[dict[str, str]]:
    with paths.results.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write_table(table: ResultsTable, records: Sequence[TrialRecord]) -> None:
    table.add_finished(records)
    table.write()


def test_the_columns_are_those_that_are_promised_then_one_a_dimension(paths: SweepPaths) -> None:
    write_table(ResultsTable(paths.results, SPACE), [])
    promised = "trial,state,objective,best_epoch,seconds,seed,reason"
    assert ",".join(COLUMNS) == promised
    assert paths.results.read_text() == f"{promised},optimizer,flag,optimizer.momentum\n"


def test_a_row_has_exact_numbers_and_empty_cells_for_what_is_not_there(paths: SweepPaths) -> None:
    sgd = completed(1, 0.1 + 0.2, **{"optimizer": "sgd", "flag": False, "optimizer.momentum": 1 / 3})
    running = TrialRecord(2, State.RUNNING, {"optimizer": "adam", "flag": True}, 9)
    write_table(ResultsTable(paths.results, SPACE), [failed(0, "no luck"), sgd, running])
    assert paths.results.read_text().splitlines()[1:] == [
        "0,failed,,,0.0,8,no luck,None,False,",
        "1,completed,0.30000000000000004,2,1.235,7,,sgd,False,0.3333333333333333",
    ]


def test_rows_are_in_order_of_their_numbers_whoever_ends_first(paths: SweepPaths) -> None:
    table = ResultsTable(paths.results, SPACE)
    running = TrialRecord(0, State.RUNNING, {"optimizer": "adam", "flag": True}, 9)
    write_table(table, [running, completed(1, 0.5)])
    assert [row["trial"] for row in rows(paths)] == ["1"]
    write_table(table, [completed(0, 0.25), completed(1, 0.5), completed(2, 0.75)])
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
def test_a_reason_survives_with_its_commas_quotes_and_lines(paths: SweepPaths, reason: str, read: str) -> None:
    write_table(ResultsTable(paths.results, SPACE), [failed(0, reason), completed(1, 0.5)])
    assert [row["reason"] for row in rows(paths)] == [read, ""]
    assert list(Sweep(paths).trials["reason"]) == [read, ""]


@given(st.floats(allow_nan=False))
def test_every_number_is_read_back_exactly(tmp_path_factory: pytest.TempPathFactory, number: float) -> None:
    paths = SweepPaths(tmp_path_factory.mktemp("numbers"))
    write_table(ResultsTable(paths.results, SPACE), [completed(0, number)])
    assert Sweep(paths).trials["objective"].item() == number


@pytest.mark.parametrize(("direction", "number"), [("max", 1), ("min", 2)])
def test_the_best_is_the_lowest_number_among_equals(direction: str, number: int) -> None:
    records = [completed(index, value) for index, value in enumerate((0.5, 0.9, 0.1, 0.9, 0.1))]
    best = best_of(list(reversed(records)), direction)
    assert best is not None
    assert best.number == number


def test_only_a_completed_trial_can_be_the_best() -> None:
    pruned = TrialRecord(0, State.PRUNED, {}, 0, Result(0.99, 1, 1))
    running = TrialRecord(1, State.RUNNING, {}, 0, Result(0.99, 1, 1))
    assert best_of([pruned, running, failed(2, "x")], "max") is None
    assert best_of([pruned, running, completed(3, 0.1)], "max") == completed(3, 0.1)
    assert best_of([], "min") is None


def test_best_yaml_is_the_trials_configuration_and_says_where_it_comes_from(paths: SweepPaths) -> None:
    write_yaml(paths.trial(3).config, {"model": {"dropout": 0.25}, "name": "größer"})
    spread = TrialRecord(3, State.COMPLETED, {}, 0, Result(0.1 + 0.2, 4, 5, std=0.001234567))
    write_best(paths, spread, "val_accuracy")
    head = paths.best.read_text(encoding="utf-8").splitlines()[0]
    assert head == (
        "# Trial 3 of the sweep 'search': val_accuracy 0.30000000000000004 at epoch 4 "
        "(standard deviation over repeats 0.001235)."
    )
    assert Sweep(paths).best == {"model": {"dropout": 0.25}, "name": "größer"}


def test_the_trials_are_a_data_frame_with_types(paths: SweepPaths) -> None:
    write_yaml(paths.sweep, {"plan": {}})
    sgd = completed(1, 0.5, **{"optimizer": "sgd", "flag": False, "optimizer.momentum": 0.25})
    write_table(ResultsTable(paths.results, SPACE), [failed(0, "broken"), sgd])
    trials = load_sweep(paths.folder).trials
    assert trials["trial"].tolist() == [0, 1]
    assert str(trials["best_epoch"].dtype) == "Int64"
    assert trials["best_epoch"].tolist() == [pd.NA, 2]
    assert trials["objective"].dtype == trials["optimizer.momentum"].dtype == float
    assert math.isnan(trials["objective"][0])
    assert trials["flag"].dtype == bool
    assert trials["optimizer"].tolist() == ["None", "sgd"]
    assert trials["reason"].tolist() == ["broken", ""]


def test_the_curves_are_one_row_an_epoch_of_every_trial(paths: SweepPaths) -> None:
    for number, losses in ((0, ["0.1", "0.30000000000000004"]), (11, ["0.5"])):
        history = paths.trial(number).history
        history.parent.mkdir(parents=True)
        lines = [f"{epoch},{loss}" for epoch, loss in enumerate(losses, start=1)]
        history.write_text("\n".join(["epoch,val_loss", *lines, ""]))
    paths.trial(3).history.parent.mkdir()
    paths.trial(3).history.touch()  # a process died as it began it
    curves = Sweep(paths).curves
    assert list(curves.columns) == ["trial", "epoch", "val_loss"]
    assert curves.to_numpy().tolist() == [[0, 1, 0.1], [0, 2, 0.1 + 0.2], [11, 1, 0.5]]


def test_a_sweep_that_has_just_begun_has_empty_tables(paths: SweepPaths) -> None:
    write_yaml(paths.sweep, {"plan": {}})
    sweep = load_sweep(str(paths.folder))
    assert list(sweep.trials.columns) == list(COLUMNS)
    assert len(sweep.trials) == len(sweep.curves) == 0
    assert sweep.best is None
    assert sweep.config == {"plan": {}}


def test_a_missing_sweep_is_named_with_the_nearest(paths: SweepPaths) -> None:
    write_yaml(paths.sweep, {})
    with pytest.raises(StudyError, match=r"serch: no sweep is there \(sweep.yaml is missing\); did you mean 'search'"):
        load_sweep(paths.folder.parent / "serch")


@pytest.mark.parametrize("damage", [b"a: [1", b"\xff\xfe", b"- a list", b""])
def test_a_damaged_sweep_file_is_an_error_that_names_it(paths: SweepPaths, damage: bytes) -> None:
    paths.folder.mkdir(parents=True)
    paths.sweep.write_bytes(damage)
    with pytest.raises(StudyError, match=r"sweep\.yaml: cannot be read"):
        read_sweep_file(paths)


def test_yaml_is_written_in_the_order_given_and_with_every_letter(paths: SweepPaths) -> None:
    record = {"z": 1, "a": [1, 2], "name": "größer 漢", "none": None, "float": 1e-05}
    write_yaml(paths.sweep, record)
    text = paths.sweep.read_text(encoding="utf-8")
    assert text.startswith("z: 1\n")
    assert "größer 漢" in text
    assert yaml.safe_load(text) == record


def test_a_folder_of_a_newer_version_is_refused(paths: SweepPaths) -> None:
    write_yaml(paths.sweep, {"mnistsweep": "9.1.0", "format": FORMAT + 1, "plan": {"not": "understood"}})
    before = paths.sweep.read_bytes()
    message = rf"made by a newer mnistsweep \(9\.1\.0, format {FORMAT + 1}\); this one, .* Nothing was changed"
    with pytest.raises(StudyError, match=message):
        read_sweep_file(paths)
    assert paths.sweep.read_bytes() == before
    write_yaml(paths.sweep, {"mnistsweep": "0.1.0", "plan": {}})  # of the time before formats had numbers
    assert read_sweep_file(paths) == {"mnistsweep": "0.1.0", "plan": {}}
