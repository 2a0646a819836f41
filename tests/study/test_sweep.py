"""A sweep's folder as pandas tables."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from fakes import completed_trial, failed_trial
from odd_values import is_same

from mnistsweep.atomic import write_yaml
from mnistsweep.errors import StudyError
from mnistsweep.paths import SweepPaths
from mnistsweep.space import Choice, Condition, Float, SearchSpace
from mnistsweep.study.records import TrialRecord
from mnistsweep.study.results_table import COLUMNS, ResultsTable
from mnistsweep.study.sweep import Sweep, load_sweep

SPACE = SearchSpace(
    (
        Choice("optimizer", ("adam", "sgd", "None")),
        Choice("flag", (True, False)),
        Float("optimizer.momentum", 0, 1, conditions=(Condition("optimizer", ("sgd",)),)),
    )
)


def write_results(paths: SweepPaths, *records: TrialRecord) -> None:
    table = ResultsTable(paths.results, SPACE)
    table.add_finished(records)
    table.write()


def write_history(paths: SweepPaths, number: int, *losses: str) -> None:
    history = paths.trial(number).history
    history.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"{epoch},{loss}" for epoch, loss in enumerate(losses, start=1)]
    history.write_text("\n".join(["epoch,val_loss", *lines, ""]))


def test_the_trials_are_a_data_frame_with_types(paths: SweepPaths) -> None:
    write_yaml(paths.sweep, {"plan": {}})
    sgd = completed_trial(1, 0.5, **{"optimizer": "sgd", "flag": False, "optimizer.momentum": 0.25})
    write_results(paths, failed_trial(0, "broken"), sgd)
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
    write_history(paths, 0, "0.1", "0.30000000000000004")
    write_history(paths, 11, "0.5")
    paths.trial(3).history.parent.mkdir()
    paths.trial(3).history.touch()  # the process died when it had created the file
    paths.trial(4).history.parent.mkdir()  # no epoch is finished
    (paths.folder / "trials" / "0005 of mine").mkdir()  # not a trial
    curves = Sweep(paths).curves
    assert list(curves.columns) == ["trial", "epoch", "val_loss"]
    assert curves.to_numpy().tolist() == [[0, 1, 0.1], [0, 2, 0.1 + 0.2], [11, 1, 0.5]]


def test_a_new_sweep_has_empty_tables(paths: SweepPaths) -> None:
    write_yaml(paths.sweep, {"plan": {}})
    sweep = load_sweep(str(paths.folder))
    assert list(sweep.trials.columns) == list(COLUMNS)
    assert len(sweep.trials) == len(sweep.curves) == 0
    assert sweep.best is None
    assert sweep.config == {"plan": {}}


@pytest.mark.parametrize(
    ("read", "change", "before", "after"),
    [
        (lambda sweep: sweep.config, lambda paths: write_yaml(paths.sweep, {"b": 2}), {"a": 1}, {"b": 2}),
        (lambda sweep: sweep.best, lambda paths: write_yaml(paths.best, {"b": 2}), None, {"b": 2}),
        (lambda sweep: len(sweep.trials), lambda paths: write_results(paths, completed_trial(0, 0.5)), 0, 1),
        (lambda sweep: len(sweep.curves), lambda paths: write_history(paths, 0, "0.5"), 0, 1),
    ],
    ids=["config", "best", "trials", "curves"],
)
def test_a_changed_file_is_seen_after_a_refresh_only(
    paths: SweepPaths, read: Callable[[Sweep], Any], change: Callable[[SweepPaths], None], before: Any, after: Any
) -> None:
    write_yaml(paths.sweep, {"a": 1})
    sweep = load_sweep(paths.folder)
    assert read(sweep) == before
    change(paths)
    assert read(sweep) == before
    sweep.refresh()
    assert read(sweep) == after


def test_the_error_for_a_missing_sweep_names_the_nearest(paths: SweepPaths) -> None:
    write_yaml(paths.sweep, {})
    with pytest.raises(StudyError, match=r"serch: no sweep found \(sweep.yaml is missing\); did you mean 'search'"):
        load_sweep(paths.folder.parent / "serch")


@pytest.mark.parametrize(
    "values",
    [
        ("1", "2"), (1, "1"), (1, 2), (1.0, 2.0), (True, False), ("true", True), (None, "null"), ("", "a"),
        ("a\r", "a\n", " a", '"'), ([1, "1"], [1, 1]), ({0: 1.0}, {"0": 1.0}), ("nan", "NA"),
        (2**53 - 1, 1), (1e-7, 1e22), ("#", "a,b"),
    ],
    ids=str,
)  # fmt: skip
def test_values_of_the_search_space_keep_their_types(paths: SweepPaths, values: tuple[Any, ...]) -> None:
    space = SearchSpace((Choice("x", values),))
    write_yaml(paths.sweep, {"plan": {"space": space.to_json()}})
    table = ResultsTable(paths.results, space)
    listed = space.dimensions[0].grid()
    table.add_finished([completed_trial(number, 0.5, x=value) for number, value in enumerate(listed)])
    table.write()
    read = [cell.item() if hasattr(cell, "item") else cell for cell in load_sweep(paths.folder).trials["x"]]
    assert all(map(is_same, read, listed)), read


def test_whole_numbers_keep_their_type_beside_missing_values(paths: SweepPaths) -> None:
    space = SearchSpace((Choice("a", ("s", "t")), Choice("x", (1, 2), conditions=(Condition("a", ("s",)),))))
    write_yaml(paths.sweep, {"plan": {"space": space.to_json()}})
    table = ResultsTable(paths.results, space)
    table.add_finished([completed_trial(0, 0.5, a="s", x=2), completed_trial(1, 0.5, a="t")])
    table.write()
    column = load_sweep(paths.folder).trials["x"]
    assert (str(column.dtype), column[0], column[1] is pd.NA) == ("Int64", 2, True)
