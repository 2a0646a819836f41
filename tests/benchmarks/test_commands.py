"""Each benchmark runs with tiny settings and prints its lines; no time is asserted."""

from __future__ import annotations

import random
import re
from importlib import import_module
from pathlib import Path

import pytest
from benchmark_commands import BENCHMARKS, assert_lines, run

from mnistsweep.html_report.sections import SECTIONS

SCRIPTS = sorted(path.stem for path in BENCHMARKS.glob("*.py"))


@pytest.mark.slow
def test_overhead_prints_each_side_at_each_size() -> None:
    options = ("--trials", "2", "3", "--repeats", "1", "--oracles", "quasi_random", "tpe", "--observations", "50")
    output = run("overhead", *options)
    sides = (
        "mnistsweep, quasi_random",
        "mnistsweep, tpe",
        "KerasTuner RandomSearch",
        "KerasTuner BayesianOptimization",
        "Optuna RandomSampler",
        "Optuna TPESampler",
    )
    assert_lines(output, "Python 3.* optuna [0-9]", "cores, .* GiB", "^2 trials$", "^3 trials$")
    for side in sides:
        assert len(re.findall(rf"^  {side} +[0-9.]+ \(n=1\) +last tenth", output, re.MULTILINE)) == 2, output
    assert_lines(output, r"mnistsweep, tpe +[0-9.]+ / [0-9.]+ ms = [0-9.]+; cost (met|MISSED), growth (met|MISSED)$")
    assert_lines(output, r"freeze_thaw: ms a decision", r"^ +50 +[0-9.]+ .*mean (met|MISSED)$")
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
def test_command_line_fuzz_prints_outcomes_times_and_no_fault() -> None:
    output = run("command_line_fuzz", "--cases", "30", "--seed", "1")
    assert_lines(output, r"^[0-9]+ (refused|accepted), ", r"^of processor time: median .*at most 2 s (met|MISSED)$")
    assert_lines(output, r"^  +[0-9.]+ s  \[", "^0 faults$")


@pytest.mark.slow
def test_determinism_prints_both_sides() -> None:
    output = run("determinism", "--repeats", "1", "--epochs", "2", "--images", "500", "--models", "perceptron")
    assert_lines(output, "^  deterministic=false +[0-9,]+ .*the same$", "^  deterministic=true +[0-9,]+ .*the same$")
    assert_lines(output, r"^  without / with +[0-9.]+ \(n=1\)$")


@pytest.mark.slow
def test_continuation_prints_each_kind_of_job_and_equal_learning_curves() -> None:
    output = run("continuation", "--repeats", "1", "--images", "300")
    for side, number in (("start", 2), ("from the checkpoint", 1), ("live", 2), ("live, after a start", 1)):
        pattern = rf"^    {side} +-?[0-9.]+ \(.*n={number}\) s beyond the epoch: -?[0-9.]+ epochs$"
        assert len(re.findall(pattern, output, re.MULTILINE)) == 4, output
    assert len(re.findall(r"^    live / checkpoint .*after a start$", output, re.MULTILINE)) == 4
    assert len(re.findall(r"^  memory of a live model -?[0-9]+ MB$", output, re.MULTILINE)) == 2
    assert len(re.findall("^  learning curves +equal$", output, re.MULTILINE)) == 2


@pytest.mark.slow
def test_throughput_prints_both_sides_of_each_model() -> None:
    output = run("throughput", "--repeats", "1", "--epochs", "2", "--images", "500")
    assert len(re.findall(r"model\.fit, no callback +[0-9,]+ \(n=1\) images/s", output)) == 2, output
    assert len(re.findall(r"trial, all callbacks +[0-9,]+ \(n=1\) images/s", output)) == 2, output
    assert re.findall(r"ratio .*required ([0-9.]+): (?:met|MISSED)", output) == ["1.1", "1.8"]


@pytest.mark.slow
def test_throughput_runs_another_version_in_turn() -> None:
    """Here a copy of this one: both print the same lines."""
    more = ("--repeats", "1", "--epochs", "2", "--images", "500")
    output = run("throughput", "--peer", str(BENCHMARKS.parent), *more)
    assert len(re.findall(r"^perceptron.*: trial, all callbacks$", output, re.MULTILINE)) == 1, output
    assert len(re.findall(r"^  (?:before|now) +[0-9,.]+ \(n=1\)$", output, re.MULTILINE)) == 8, output
    assert len(re.findall(r"^  now / before [0-9.]+ ", output, re.MULTILINE)) == 4, output


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
    ended = r"(yes|gave up 1 times, given again)"  # three kills of a worker that is still starting, on a busy machine
    for row in ("killed +4", "workers stopped +1"):
        assert_lines(output, rf"^mnistsweep, {row} +[0-9.]+ +12 +[0-9]+ +0 +0 +0 +[0-9]+ +[01]  {ended}$")
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
    assert_lines(output, r"^mnistsweep, journal +trials/s +claim +p99 +later +finish +p99 +open +p90 +max$")
    assert_lines(output, "^plain Optuna, journal", r"required under 50 ms: [0-9.]+ (met|MISSED)$")
    for size in ("5", "1,000"):
        for mode in ("paced", "saturated"):
            rows = re.findall(rf"^ +{size} trials, {mode}(?: +[0-9.]+){{9}}$", output, re.MULTILINE)
            assert len(rows) == 2, output


@pytest.mark.slow
def test_store_times_postgresql_or_says_why_not() -> None:
    output = run("store", "--workers", "2", "--times", "2", "--trials", "3", "--stores", "postgresql")
    if "PostgreSQL: skipped, " not in output:
        assert_lines(output, r"^ +3 trials, paced(?: +[0-9.]+){9}$", r"^ +3 trials, saturated(?: +[0-9.]+){9}$")
        assert_lines(output, r"^  with 3 trials, 1 others running +statements +transactions +rows$")
        assert_lines(output, r"^    a claim +4 +1 +\d+$", r"^    a report +1 +1 +\d+$")
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


def test_a_version_is_a_folder_or_a_git_revision(benchmarks: None, tmp_path: Path) -> None:
    versions = import_module("helpers.versions")
    with versions.open_version(str(tmp_path)) as folder:
        assert folder == tmp_path.resolve()
    with pytest.raises(
        SystemExit, match=r"--peer: neither a folder nor a git revision of .*; received no-such-version"
    ):
        versions.open_version("no-such-version").__enter__()
    output = (
        "2 trials\n  mnistsweep, auto    1,500.5 (n=1)  last tenth\n3 trials\n  mnistsweep, auto   2 (n=1)  last tenth"
    )
    found = versions.read_values(output, r"^  (\S.*?) +([0-9.,]+) \(n=1\) +last tenth", r"^(\d+ trials)$")
    assert found == {"2 trials: mnistsweep, auto": 1500.5, "3 trials: mnistsweep, auto": 2.0}


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_readme_shows_how_to_run_each_benchmark(script: str) -> None:
    assert f"python benchmarks/{script}.py" in (BENCHMARKS / "README.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_warm_start_prints_both_searches_and_their_difference() -> None:
    output = run("warm_start", "--seeds", "2", "--tables", "friedman_regression", "--oracles", "asha")
    number = r" +-?[0-9.]+ \u00b1 *[0-9.]+"
    assert_lines(output, *(rf"^  {side}({number}){{5}}$" for side in ("without", "with", "difference")))
    assert_lines(output, "^required: not worse at any budget, within two standard errors: (met|MISSED)$")


@pytest.mark.slow
def test_choices_prints_each_case() -> None:
    output = run("choices", "--repeats", "1", "--values", "30", "--cases", "YAML list", "names")
    for case in ("two values", "YAML list", "names"):
        assert_lines(output, rf"^  {case} +first sweep +[0-9.]+ \(n=1\) +added +-?[0-9.]+, .*; under 3 s (met|MISSED)$")
        assert_lines(output, rf"^  {case} +second sweep +[0-9.]+ \(n=1\)", rf"^  {case} +status +[0-9.]+ \(n=1\)$")


@pytest.mark.slow
def test_quickstart_prints_accuracies_and_times_of_two_versions() -> None:
    tiny = ("trials=2", "trainer.epochs=1,2", "data.train_limit=200", "data.validation=200", "model=perceptron")
    output = run("quickstart", "--repeats", "1", "--peer", str(BENCHMARKS.parent), "--overrides", *tiny)
    for side in ("before", "now"):
        assert_lines(
            output,
            rf"^  seed 0, {side} +val_accuracy 0\.[0-9]+  2 trials, [0-9]+ epochs  [0-9]+ s, processor [0-9]+ s$",
        )
        assert_lines(output, rf"^{side} +val_accuracy mean 0\.[0-9]+, n=1$")
    assert_lines(output, r"^now - before, same seed: \+0\.0000, standard error 0\.0000$", r"standard errors: met$")


@pytest.mark.slow
def test_coarse_prints_the_time_and_the_score_of_a_new_training() -> None:
    tiny = ("data.train_limit=200", "data.validation=200", "model.filters=2", "trainer.epochs=2")
    output = run("coarse", "--repeats", "1", "--epochs", "3", "--overrides", *tiny)
    assert_lines(
        output,
        r"^searched in [0-9]+ minutes \(processor [0-9]+\)$",
        r"^  Trial [0-9] of the sweep 'coarse': val_accuracy 0\.[0-9]+",
    )
    assert_lines(output, r"test accuracy 0\.[0-9]{4}$", r"^mean 0\.[0-9]{4}; at least 0\.992: (met|MISSED)$")
