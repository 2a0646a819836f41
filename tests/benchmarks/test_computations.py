"""What the benchmarks compute from times and results, on made-up values."""

from __future__ import annotations

import dataclasses
import random
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from benchmark_commands import assert_lines


def test_startup_ends_with_code_1_where_a_command_imports_a_backend(
    benchmarks: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    startup = import_module("startup")
    (tmp_path / "tensorflow.py").touch()  # stands for the real one: only the name counts
    heavy, light = (startup.Case(name, (sys.executable, "-c", f"import {name}")) for name in ("tensorflow", "json"))
    monkeypatch.setattr(startup, "CASES", (heavy, light))
    assert startup.check_imports(tmp_path, show=False) == 1
    assert_lines(capsys.readouterr().out, "^  tensorflow +tensorflow$", "^  json +none$")
    monkeypatch.setattr(startup, "CASES", (light,))
    assert startup.check_imports(tmp_path, show=False) == 0


def test_workers_finds_where_the_time_of_a_sweep_went(benchmarks: None, common: ModuleType) -> None:
    workers = import_module("workers")
    spans = [[(4.0, 9.0), (9.0, 11.0), (11.0, 13.0)], [(6.0, 10.0), (10.0, 12.0)]]
    line = workers.timeline(spans, common.Finished(15.0, 24.0, 0, "", ""), images=600)
    assert line == workers.Timeline(wall=15.0, busy=24.0, start=5.0, first=2.5, trial=2.0, rest=2.0, images=200.0)


def test_workers_names_the_causes_from_medians(benchmarks: None, capsys: pytest.CaptureFixture[str]) -> None:
    workers = import_module("workers")

    def lines(wall: float, trial: float) -> list[object]:
        return [workers.Timeline(wall, busy=10.0, start=4.0, first=1.0, trial=trial, rest=0.5, images=100.0)] * 2

    workers.print_causes(one=lines(20.0, 1.0), two=lines(16.0, 2.0), alone=lines(30.0, 1.6))
    assert capsys.readouterr().out.splitlines() == [
        "ratio of the wall times, one worker / two workers: 1.25 (mean 1.25, 1.25 to 1.25, n=2)",
        "what limits it (2 would be perfect):",
        "  cores     all of them train 1.60 times as fast as half of them: leaves 1.25",
        "  sharing   beside another a training takes 1.25 times as long: leaves 1.00",
        "  start-up  25 % of the wall time with one worker, 31 % with two",
    ]


def test_report_finds_a_loop_that_disagrees(
    benchmarks: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    loops = import_module("helpers.loops")
    labels = np.arange(300) % loops.CLASSES
    probabilities = loops.make_probabilities(2, labels)
    assert loops.compare(probabilities, labels, 1)
    assert "NOT EQUAL" not in capsys.readouterr().out
    monkeypatch.setattr(loops, "find_wrong", lambda rows, labels: [0, 1, 2])
    assert not loops.compare(probabilities, labels, 1)
    assert_lines(capsys.readouterr().out, "^  finding the wrong images, one model; the results are NOT EQUAL$")


def test_planted_counts_pairs_in_order_and_judges_by_its_limits(
    benchmarks: None, capsys: pytest.CaptureFixture[str]
) -> None:
    planted = import_module("planted")
    assert planted.auc(np.array([3, 0, 2, 1]), np.array([3, 2]), np.array([0, 1])) == 0.75
    results = [planted.Result("low", 0.5, minimum=0.5), planted.Result("high", 0.5, maximum=0.4, remark="so")]
    assert planted.show("one", iter(results[:1]))
    assert not planted.show("both", iter(results))
    shown = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert shown[-2:] == ["low 0.5000 at least 0.5: met", "high 0.5000 at most 0.4: MISSED so"]


def test_spread_names_the_median_first(common: ModuleType) -> None:
    assert common.spread([1.0, 6.0, 2.0], ".1f") == "2.0 (mean 3.0, 1.0 to 6.0, n=3)"
    assert common.spread([1234.0], ",.0f") == "1,234 (n=1)"


def test_a_command_that_ends_otherwise_than_due_ends_the_benchmark(common: ModuleType, tmp_path: Path) -> None:
    finished = common.run([sys.executable, "-c", "import sys; print('here'); sys.exit(3)"], tmp_path)
    assert common.require(finished, 3) is finished
    with pytest.raises(SystemExit, match="exit code 3, expected 0:\nhere"):
        common.require(finished)


def test_a_number_out_of_its_limits_is_refused(common: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        common.make_parser("words").parse_args(["--repeats", "0"])
    assert "must be at least 1, received 0" in capsys.readouterr().err
    assert common.whole(500, 50_000)("500") == 500


def test_a_command_that_dies_by_itself_ends_the_benchmark(benchmarks: None, tmp_path: Path) -> None:
    harm = import_module("helpers.harm")
    command = [sys.executable, "-c", "print('here'); raise SystemExit(3)"]
    with pytest.raises(SystemExit, match="exit code 3, without a kill:\nhere"):
        harm.run(command, tmp_path, [], harm.killer(random.Random(0)))


def test_a_command_that_does_not_end_has_hung(benchmarks: None, tmp_path: Path) -> None:
    harm = import_module("helpers.harm")
    command = [sys.executable, "-c", "import time; time.sleep(1000)"]
    with pytest.raises(SystemExit, match="hung: the command did not end within 0 s"):
        harm.run(command, tmp_path, [], harm.killer(random.Random(0)), limit=0.2)


def test_store_fills_a_ledger_as_workers_would(benchmarks: None, tmp_path: Path) -> None:
    claims, fill, folder = import_module("helpers.claims"), import_module("helpers.filling").fill, tmp_path / "filled"
    fill(folder, None, 7)
    assert claims.open_ledger("mnistsweep", folder, None) == claims.open_ledger("optuna", folder, None) == 7
    task = claims.Task("mnistsweep", folder, None, budget=9, times=1, think=0.0)
    assert len(claims.run(task).claims) == 1
    beside = tmp_path / "beside"
    fill(beside, None, 0)
    claims.run(dataclasses.replace(task, folder=beside, times=8))
    filled, trained = (claims.Ledger(claims.SweepPaths(place)).records() for place in (folder, beside))
    assert [dataclasses.replace(record, owner="") for record in trained[:7]] == filled[:7]
    assert [record.point for record in trained] == [record.point for record in filled]
    assert len(claims.run(dataclasses.replace(task, side="optuna", times=2)).finishes) == 2
