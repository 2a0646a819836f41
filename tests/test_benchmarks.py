"""Each benchmark runs with tiny settings and prints its lines; no time is asserted, but what is computed from times."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from mnistsweep.html_report.sections import SECTIONS

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
SCRIPTS = ("faults", "overhead", "planted", "report", "startup", "store", "throughput", "workers")


@contextlib.contextmanager
def importable_benchmarks() -> Iterator[None]:
    """Make the modules of the folder importable by their bare names, as when a script there runs."""
    before = set(sys.modules)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        yield
    own = {path.stem for path in BENCHMARKS.glob("*.py")} | {"helpers"}
    for name in set(sys.modules) - before:
        if name.partition(".")[0] in own:
            del sys.modules[name]


@pytest.fixture
def benchmarks() -> Iterator[None]:
    with importable_benchmarks():
        yield


@pytest.fixture
def common(benchmarks: None) -> ModuleType:
    return import_module("helpers.common")


def run(script: str, *arguments: str, code: int = 0) -> str:
    """What a benchmark prints, after it ended as it should."""
    done = subprocess.run(
        [sys.executable, BENCHMARKS / f"{script}.py", *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def assert_lines(output: str, *patterns: str) -> None:
    lines = output.splitlines()
    for pattern in patterns:
        assert any(re.search(pattern, line) for line in lines), f"no line matches {pattern!r} in:\n{output}"


@pytest.mark.slow
def test_overhead_prints_each_side_at_each_size() -> None:
    output = run("overhead", "--trials", "2", "3", "--repeats", "1", "--oracles", "quasi_random", "auto")
    sides = (
        "mnistsweep, quasi_random",
        "mnistsweep, auto",
        "KerasTuner RandomSearch",
        "KerasTuner BayesianOptimization",
        "Optuna RandomSampler",
        "Optuna TPESampler",
    )
    assert_lines(output, "Python 3.* optuna [0-9]", "cores, .* GiB", "^2 trials$", "^3 trials$")
    for side in sides:
        assert len(re.findall(rf"^  {side} +[0-9.]+ \(n=1\) +last tenth", output, re.MULTILINE)) == 2, output
    assert_lines(output, r"mnistsweep, auto +[0-9.]+ / [0-9.]+ ms = [0-9.]+; cost (met|MISSED), growth (met|MISSED)$")
    assert_lines(
        output, r"KerasTuner RandomSearch +[0-9.]+ / [0-9.]+ ms = [0-9.]+$", "clear_session +[0-9]+ ", "saving"
    )


@pytest.mark.slow
def test_startup_prints_each_command_and_finds_no_backend_imported() -> None:
    output = run("startup", "--repeats", "1", "--no-peers", "--imports")
    assert_lines(
        output,
        r"mnistsweep --help .*under 1 s (met|MISSED)$",
        r"mnistsweep status .*under 1 s (met|MISSED)$",
        r"a misspelt key .*under 1 s (met|MISSED)$",
        r"a bad value in a named sweep .*under 1 s (met|MISSED)$",
        r"a complete sweep repeated +[0-9.]+ \(n=1\)",
        r"^    +[0-9]+ ms  hydra$",
    )
    assert len(re.findall(r" none$", output, re.MULTILINE)) == 5, output


@pytest.mark.slow
def test_throughput_prints_both_sides_of_each_model() -> None:
    output = run("throughput", "--repeats", "1", "--epochs", "2", "--images", "500")
    assert len(re.findall(r"model\.fit, no callback +[0-9,]+ \(n=1\) images/s", output)) == 2, output
    assert len(re.findall(r"trial, all callbacks +[0-9,]+ \(n=1\) images/s", output)) == 2, output
    assert re.findall(r"ratio .*required ([0-9.]+): (?:met|MISSED)", output) == ["1.1", "1.8"]


@pytest.mark.slow
def test_workers_prints_the_ratio_and_what_limits_it() -> None:
    output = run(
        "workers", "--repeats", "1", "--trials", "4", "--images", "100", "--epochs", "1", "--model", "perceptron"
    )
    for line in ("wall time", "images/s", "until 1st claim", "1st trial more", "a later trial", "cores busy"):
        assert len(re.findall(rf"^  {line} +[0-9.,-]+ \(n=1\)", output, re.MULTILINE)) == 4, output
    assert_lines(output, r"^ratio of the wall times, one worker / two workers: [0-9.]+ \(n=1\)$")
    assert_lines(output, "^  cores .*leaves [0-9.]+$", "^  sharing .*leaves [0-9.]+$", "^  start-up +[0-9]+ %")


@pytest.mark.slow
def test_faults_counts_what_kills_and_stops_did() -> None:
    output = run(
        "faults",
        "--kills",
        "4",
        "--stops",
        "1",
        "--trials",
        "12",
        "--workers",
        "2",
        "--epochs",
        "3",
        "--skip-kerastuner",
    )
    assert_lines(output, r"^ +kills +seconds +finished +failed +lost +doubled +over +repeated +most +ended$")
    assert_lines(output, r"^mnistsweep, left alone +0 +[0-9.]+ +12 +0 +0 +0 +0 +0 +0  yes$")
    for row in ("killed +4", "workers stopped +1"):
        assert_lines(output, rf"^mnistsweep, {row} +[0-9.]+ +12 +[0-9]+ +0 +0 +0 +[0-9]+ +[01]  yes$")
    assert re.findall(r"required ([01]): (\w+)$", output, re.MULTILINE) == [*[("0", "met")] * 3, ("1", "met")]
    assert_lines(
        output, r"^a kill costs -?[0-9.]+ s of the sweep's time; ", "^mnistsweep, killed: [0-9]+ of [0-9]+ epochs"
    )


@pytest.mark.slow
def test_kerastuner_begins_a_killed_trial_again_from_its_first_epoch(benchmarks: None, tmp_path: Path) -> None:
    chief, faulty = import_module("helpers.chief"), import_module("helpers.faulty")
    settings = faulty.Settings(trials=4, workers=1, epochs=40, epoch_seconds=0.02, lease_seconds=15.0, seed=0)
    case = chief.Case("one kill", (chief.WORKER,))
    done = chief.run(tmp_path / "peer", settings, case, 100.0, random.Random(0))
    found = chief.count(tmp_path / "peer", settings, done.harms)
    assert (done.hung, done.gave_up, len(done.harms)) == ((), (), 1)
    assert (found.finished, found.lost, found.doubled, found.over_budget) == (4, 0, 0, 0)
    assert found.repeated == found.most_repeated > 1


@pytest.mark.slow
def test_a_real_sweep_under_a_kill_leaves_the_same_table(
    benchmarks: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = import_module("helpers.real")
    smaller = {"trials=8": "trials=2", "trainer.epochs=4": "trainer.epochs=2"}
    monkeypatch.setattr(real, "COMMAND", tuple(smaller.get(part, part) for part in real.COMMAND))
    assert real.compare(tmp_path, 1, random.Random(0))
    assert_lines(capsys.readouterr().out, "with 1 of 1 kills$", "^  rows that differ: 0 of 2, doubled: 0, .* met$")


@pytest.mark.slow
def test_store_prints_each_side_at_each_size_and_judges_claims_on_the_journal() -> None:
    output = run("store", "--workers", "2", "--times", "2", "--trials", "5", "1000", "--stores", "journal")
    assert_lines(output, r"^mnistsweep, journal +trials/s +claim +p99 +later +finish +p99 +open$")
    assert_lines(output, "^plain Optuna, journal", r"required under 50 ms: [0-9.]+ (met|MISSED)$")
    for size in ("5", "1,000"):
        for mode in ("paced", "saturated"):
            rows = re.findall(rf"^ +{size} trials, {mode}(?: +[0-9.]+){{7}}$", output, re.MULTILINE)
            assert len(rows) == 2, output


@pytest.mark.slow
def test_store_times_postgresql_or_says_why_not() -> None:
    output = run("store", "--workers", "2", "--times", "2", "--trials", "3", "--stores", "postgresql")
    if "PostgreSQL: skipped, " not in output:
        assert_lines(output, r"^ +3 trials, paced(?: +[0-9.]+){7}$", r"^ +3 trials, saturated(?: +[0-9.]+){7}$")
    assert_lines(output, "not measured$")


@pytest.mark.slow
def test_report_prints_pages_sections_loops_and_memory() -> None:
    output = run("report", "--repeats", "1", "--images", "200", "--seeds", "2", "--trials", "2", "--rows", "1000")
    assert_lines(output, r"^  from stored predictions +[0-9.]+ \(n=1\); required under 20: (met|MISSED)$")
    assert_lines(output, r"^  robustness measured too +[0-9.]+ \(n=1\); required under 60: (met|MISSED)$")
    for name in [analysis.name for analysis in SECTIONS]:
        assert_lines(output, rf"^  {name} +[0-9.]+ \(n=1\)$")
    assert len(re.findall(r"; the results are equal$", output, re.MULTILINE)) == 4, output
    assert len(re.findall(r"notebook / analysis .*expected 50: (?:met|MISSED)$", output, re.MULTILINE)) == 3, output
    assert len(re.findall(r"memory at its peak, GB .*required under 2: met$", output, re.MULTILINE)) == 3, output


@pytest.mark.slow
def test_planted_ends_with_code_1_where_a_model_is_too_weak() -> None:
    """One epoch of 1,000 images does not make a model of 98.5 %; a temperature it gives back all the same."""
    output = run("planted", "--images", "1000", "--epochs", "1", code=1)
    assert_lines(
        output,
        r"^  accuracy of the models .*at least 0\.985: MISSED ",
        "^  recall at the number planted .* 20 planted$",
    )
    assert_lines(
        output, r"^  suspects: wrong labels before blended images, AUC +[0-9.]+ +at least 0\.95: (met|MISSED)$"
    )
    assert_lines(
        output,
        r"^  temperature / 2\.5, calibrated and fitted on the same +1\.0000  at least 0\.99, at most 1\.01: met ",
    )


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_readme_shows_how_to_run_each_benchmark(script: str) -> None:
    assert f"python benchmarks/{script}.py" in (BENCHMARKS / "README.md").read_text(encoding="utf-8")


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
    with pytest.raises(SystemExit, match="code 3 where 0 was due:\nhere"):
        common.require(finished)


def test_a_number_out_of_its_limits_is_refused(common: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        common.make_parser("words").parse_args(["--repeats", "0"])
    assert "must be at least 1, received 0" in capsys.readouterr().err
    assert common.whole(500, 50_000)("500") == 500


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep of the fake trainings without a disturbance: three trials of two epochs."""
    folder = tmp_path_factory.mktemp("finished") / "swept"
    with importable_benchmarks():
        faulty, harm = import_module("helpers.faulty"), import_module("helpers.harm")
        settings = faulty.Settings(trials=3, workers=1, epochs=2, epoch_seconds=0.01, lease_seconds=15.0, seed=0)
        settings.write(folder)
        done = harm.run([*faulty.COMMAND, folder], folder, [], harm.killer(random.Random(0)), 100.0)
    assert (done.harms, done.gave_up) == ([], 0)
    return folder


@pytest.fixture
def swept(benchmarks: None, finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished sweep that a test may change."""
    return Path(shutil.copytree(finished, tmp_path / "swept"))


def count(folder: Path) -> tuple[int, int, int, int, int, int]:
    found = import_module("helpers.audit").audit(folder, [])
    assert found.finished == 3
    return found.lost, found.doubled, found.over_budget, found.repeated, found.most_repeated, found.repeated_whole


def rewrite(path: Path, before: str, after: str) -> None:
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after, 1))


def test_faults_finds_nothing_where_nothing_was_harmed(swept: Path) -> None:
    assert count(swept) == (0, 0, 0, 0, 0, 0)


def test_faults_finds_a_trial_that_the_table_has_lost(swept: Path) -> None:
    table = swept / "results.csv"
    table.write_text("".join(line for line in table.read_text().splitlines(True) if not line.startswith("1,")))
    assert count(swept)[0] == 1


def test_faults_finds_a_result_that_is_wrong(swept: Path) -> None:
    objective = import_module("helpers.audit").rows(swept / "results.csv")[1]["objective"]
    rewrite(swept / "study.journal", f'"objective":{objective}', '"objective":0.5')
    assert count(swept)[0] == 1


def test_faults_finds_a_trial_beyond_the_budget(swept: Path) -> None:
    rewrite(swept / "settings.json", '"trials": 3', '"trials": 2')
    assert count(swept)[2] == 1


def test_faults_finds_an_outcome_that_was_written_twice(swept: Path) -> None:
    lines = (swept / "study.journal").read_text().splitlines()
    ended = next(line for line in lines if json.loads(line)["op_code"] == 6)
    with (swept / "study.journal").open("a") as journal:
        journal.write(ended + "\n")
    assert count(swept)[1] == 1


def test_faults_finds_epochs_that_were_trained_again(swept: Path) -> None:
    events, log = import_module("helpers.events"), swept / "events.log"
    again = [e for e in events.read(log) if e.trial == 2 and e.what in (events.CLAIM, events.BEGIN)]
    append(log, [dataclasses.replace(event, at=event.at + 100, attempt="another") for event in again])
    assert count(swept) == (0, 0, 0, 2, 2, 2)


def test_faults_finds_two_processes_at_one_trial(swept: Path) -> None:
    events, log = import_module("helpers.events"), swept / "events.log"
    first = next(e for e in events.read(log) if e.trial == 2 and e.what == events.END)
    append(log, [dataclasses.replace(first, at=first.at - 0.001, attempt="another", what=events.CLAIM)])
    assert count(swept)[1] == 1


def append(log: Path, found: list[Any]) -> None:
    with log.open("a") as file:
        file.writelines(json.dumps(dataclasses.asdict(event)) + "\n" for event in found)


def test_a_command_that_dies_by_itself_ends_the_benchmark(benchmarks: None, tmp_path: Path) -> None:
    harm = import_module("helpers.harm")
    command = [sys.executable, "-c", "print('here'); raise SystemExit(3)"]
    with pytest.raises(SystemExit, match="code 3, without harm done to it:\nhere"):
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
