"""A sweep with several objectives from the command line: trained, shown, exported, trained again, and rebuilt."""

from __future__ import annotations

import os
import re
import signal
from dataclasses import replace
from pathlib import Path

import optuna
import pytest
from commands import command, finished_sweep
from fakes import RunSweep, wait_until
from running_sweeps import Folder

from mnistsweep.atomic import read_yaml
from mnistsweep.config.objectives import Objective
from mnistsweep.paths import SweepPaths
from mnistsweep.study.front import front_of, losses_of
from mnistsweep.study.ledger import Ledger
from mnistsweep.study.records import State, TrialRecord
from mnistsweep.study.sweep import load_sweep

OBJECTIVES = (Objective("val_accuracy", "max"), Objective("parameters", "min"), Objective("val_loss", "min"))

SEARCH = [
    *("model.layer_size=4,8,16,32", "optimizer.learning_rate=tag(log,interval(0.001,0.3))", "trainer.epochs=3"),
    *("objective=[val_accuracy,parameters,val_loss]", "constraints=[parameters<=1000]"),
]


def records(paths: SweepPaths) -> list[TrialRecord]:
    return [replace(one, owner="", result=replace(one.result, checkpoint=None)) for one in Ledger(paths).records()]


def check_front(paths: SweepPaths) -> list[int]:
    """Numbers of the trials on the front, which are the same in every view."""
    found = Ledger(paths).records()
    front = [one.number for one in front_of(found, OBJECTIVES)]
    losses = {one.number: losses for one in found if (losses := losses_of(one, OBJECTIVES)) is not None}
    expected = {
        number
        for number, own in losses.items()
        if not any(other != own and all(a <= b for a, b in zip(other, own, strict=True)) for other in losses.values())
    }
    assert set(front) == expected
    ledger = Ledger(paths)
    study = optuna.load_study(study_name=paths.name, storage=ledger._storage)
    assert {trial.number for trial in study.best_trials} == expected
    assert load_sweep(paths.folder).front["trial"].tolist() == front
    assert f"# Trial {front[0]} of the sweep" in paths.best.read_text()
    return front


def test_the_front_is_shown_exported_trained_again_and_rebuilt(
    run_sweep: RunSweep, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    sweep = run_sweep([*SEARCH, "oracle=random", "trials=6", "name=s"])
    paths, front = sweep.paths, check_front(sweep.paths)
    found = records(paths)
    assert {one.state for one in found} == {State.COMPLETED, State.FAILED}  # models of 32 units violate the constraint
    curves = sweep.curves.set_index(["trial", "epoch"])
    for one in found:
        if one.state is State.COMPLETED:
            row = curves.loc[(one.number, one.result.best_epoch)]
            assert (row["val_accuracy"], row["val_loss"]) == (one.result.objective, one.result.quantities["val_loss"])
            assert one.result.quantities["parameters"] == one.point["model.layer_size"] * 41 + 4
    shown = command(capfd, "status", str(paths.folder)).out
    assert f"Pareto front of val_accuracy, parameters, val_loss: {len(front)} trial" in shown
    listed = [int(number) for number in re.findall(r"^ +(\d+) +0\.\d{4} ", shown, re.MULTILINE)]
    assert listed == front
    last = front[-1]
    written = tmp_path / "last.yaml"
    assert command(capfd, "export", str(paths.folder), "--trial", str(last), "--output", str(written)).code == 0
    assert read_yaml(written) == read_yaml(paths.trial(last).config)
    assert command(capfd, "export", str(paths.folder)).out == paths.best.read_text()
    before = paths.results.read_text()
    paths.journal.unlink()
    assert command(capfd, "repair", str(paths.folder)).code == 0
    assert records(paths) == found
    assert check_front(paths) == front
    assert run_sweep([*SEARCH, "oracle=random", "trials=6", "name=s"]).paths.results.read_text() == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--trial", "1"], "--trial: must be the number of a trial with a result; received 1, which is failed; see "),
        (["--trial", "7"], "--trial: must be the number of a trial; received 7; the last is 2."),
        (["--trial", "-1"], "--trial: must be the number of a trial; received -1; the last is 2."),
    ],
)
def test_a_trial_that_cannot_be_exported_is_refused(
    arguments: list[str],
    message: str,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    plan = finished_sweep(["name=s", "model.dropout=interval(0,0.5)", "oracle=random"], [0.5, None, 0.25])
    answer = command(capfd, "export", str(plan.paths.folder), *arguments)
    assert (answer.code, answer.out) == (2, "")
    assert message in answer.err
    other = command(capfd, "export", str(plan.paths.folder), "--trial", "2")
    assert other.out.startswith(
        "# Trial 2 of the sweep 's': val_accuracy 0.25 at epoch 1.\n"
        "# mnistsweep train --config-dir DIR --config-name FILE\n"
    )


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (
            "oracle=freeze_thaw",
            "oracle: freeze_thaw pauses and continues trainings by the curve of one objective; receiv",
        ),
        ("oracle=cmaes", "oracle: cmaes has one objective; received 3; write one of auto, grid, random"),
        (
            "pruner=median",
            "pruner: a pruner compares trainings by one objective, and there are 3; received median; wri",
        ),
        (
            "confirm.top=2",
            "confirm.top: trials are confirmed by one objective, and there are 3; received 2; write confi",
        ),
        (
            "warm_start=logs/other",
            "warm_start: a search for a Pareto front of several objectives cannot learn from former trials; received "
            "logs/other; leave it out, or name one objective.",
        ),
        (
            "oracle._target_=keras_tuner.oracles.RandomSearchOracle",
            "objective: KerasTuner's own oracles have one objecti",
        ),
        (
            "objective=[val_accuracy,paramters]",
            "objective: 'paramters' is no metric of the logs, nor parameters or secon",
        ),
        (
            "direction=[max,min]",
            "direction: must be a list with one for each of the 3 objectives; received [max,min]; wr",
        ),
    ],
)
def test_what_needs_one_objective_is_refused_before_anything_is_written(
    override: str, message: str, tiny_data: list[str], capfd: pytest.CaptureFixture[str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    answer = command(capfd, "sweep", *tiny_data, "model=perceptron", *SEARCH, "constraints=[]", "trials=6", override)
    assert (answer.code, answer.out) == (2, "")
    (line,) = answer.err.splitlines()
    assert line.startswith(f"mnistsweep: {message}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_table_is_the_same_with_two_workers_of_which_one_is_killed(tmp_path: Path, tiny_data: list[str]) -> None:
    sweeps = Folder(tmp_path, tiny_data)
    search = [*(one for one in SEARCH if "epochs" not in one), "trainer.epochs=15", "oracle=random", "trials=4"]
    sweeps.run("alone", *search)
    killed = sweeps.start("killed", *search, "workers=2")
    wait_until(lambda: sweeps.running("killed", 3))
    os.kill(sweeps.running("killed", 3)[0], signal.SIGKILL)
    wait_until(lambda: any(one.state.finished for one in sweeps.records("killed")))
    killed.send_signal(signal.SIGTERM)
    killed.communicate()
    printed = sweeps.run("killed", *search, "workers=2")
    assert "continued:" in printed
    assert "Pareto front of val_accuracy, parameters, val_loss: " in printed
    assert sweeps.table("killed") == sweeps.table("alone")
    assert check_front(sweeps.paths("killed")) == check_front(sweeps.paths("alone"))


@pytest.mark.slow
@pytest.mark.parametrize("oracle", ["tpe", "nsga2"])
def test_a_sampler_goes_on_after_a_repair(oracle: str, run_sweep: RunSweep, capfd: pytest.CaptureFixture[str]) -> None:
    more = {"tpe": "oracle.startup_results=3", "nsga2": "oracle.population_size=3"}[oracle]
    search = [*SEARCH, f"oracle={oracle}", more, "name=s"]
    paths = run_sweep([*search, "trials=8"]).paths
    check_front(paths)
    paths.journal.unlink()
    assert command(capfd, "repair", str(paths.folder)).code == 0
    assert len(run_sweep([*search, "trials=12"]).trials) == 12
    check_front(paths)


@pytest.mark.slow
def test_best_yaml_reproduces_all_objectives_to_the_last_digit(
    run_sweep: RunSweep, capfd: pytest.CaptureFixture[str]
) -> None:
    paths = run_sweep([*SEARCH, "oracle=random", "trials=3", "name=s"]).paths
    best = Ledger(paths).records()[check_front(paths)[0]].result
    printed = command(capfd, "train", "--config-dir", str(paths.folder), "--config-name", "best").out
    assert f"val_accuracy {best.objective!r} at epoch {best.best_epoch}" in printed
    assert f"parameters {best.quantities['parameters']}" in printed
    assert f"val_loss {best.quantities['val_loss']!r}" in printed
