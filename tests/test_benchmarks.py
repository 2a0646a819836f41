"""Each benchmark runs with tiny settings and prints its lines; no time is asserted, but what is computed from times."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
SCRIPTS = ("overhead", "startup", "throughput", "workers")


@pytest.fixture
def benchmarks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The folder's modules, importable by their bare names as when a script there runs."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    yield
    own = {path.stem for path in BENCHMARKS.glob("*.py")}
    for name in (set(sys.modules) - before) & own:
        del sys.modules[name]


@pytest.fixture
def common(benchmarks: None) -> ModuleType:
    return import_module("common")


def run(script: str, *arguments: str) -> str:
    """What a benchmark prints, after it ended well."""
    done = subprocess.run(
        [sys.executable, BENCHMARKS / f"{script}.py", *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
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
        assert len(re.findall(rf"^  {line} +[0-9.,-]+ \(n=1\)", output, re.MULTILINE)) == 3, output
    assert_lines(output, r"^ratio of the wall times, one worker / two workers: [0-9.]+ \(n=1\)$")
    assert_lines(output, "^  cores .*leaves [0-9.]+$", "^  sharing .*leaves [0-9.]+$", "^  start-up +[0-9]+ %")


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

    workers.explain(one=lines(20.0, 1.0), two=lines(16.0, 2.0), alone=lines(30.0, 1.6))
    assert capsys.readouterr().out.splitlines() == [
        "ratio of the wall times, one worker / two workers: 1.25 (mean 1.25, 1.25 to 1.25, n=2)",
        "what limits it (2 would be perfect):",
        "  cores     all of them train 1.60 times as fast as half of them: leaves 1.25",
        "  sharing   beside another a training takes 1.25 times as long: leaves 1.00",
        "  start-up  25 % of the wall time with one worker, 31 % with two",
    ]


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
