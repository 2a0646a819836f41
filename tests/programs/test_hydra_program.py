"""A user's own Hydra program as a sweep: real processes, and the values that the program computes."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from commands import command
from hydra_programs import run, seen, sweep, write_program

from mnistsweep.locks import exclusive_lock
from mnistsweep.paths import SweepPaths
from mnistsweep.study.ledger import Ledger
from mnistsweep.study.records import State
from mnistsweep.study.sweep import load_sweep

SPACE = ("lr=0.1,0.2,0.3", "model=mlp,cnn", "hydra.sweeper.workers=2", "hydra.sweeper.oracle=grid")


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CALLS", str(tmp_path / "calls.txt"))
    return write_program(tmp_path)


def test_a_sweep(program: Path, capfd: pytest.CaptureFixture[str]) -> None:
    callbacks = "+hydra.callbacks.calls._target_=calls.Calls"
    ended = sweep(program, *SPACE, callbacks, "model.units=int(interval(4,4))")
    assert "6 of 6 trials" in ended.stdout
    assert ended.stdout.count("the program has ended") == 1  # the workers do not run what follows

    paths = SweepPaths(program / "multirun/train")
    records = Ledger(paths).records()
    assert [record.state for record in records] == [State.COMPLETED] * 6
    for record in records:
        lr, model = record.point["lr"], record.point["model"]
        assert record.result.objective == lr * 10 + 4 + (8 if model == "cnn" else 0)
        config = seen(paths, record.number)
        assert (config["lr"], config["twice"]) == (lr, 4)
        assert (paths.folder / str(record.number) / "train.log").read_text().count(f"lr is {lr}") == 1
        overrides = yaml.safe_load((paths.folder / str(record.number) / ".hydra/overrides.yaml").read_text())
        assert sorted(overrides) == sorted([f"lr={lr}", f"model={model}", "model.units=4"])
    assert list(load_sweep(paths.folder).trials["objective"]) == [record.result.objective for record in records]

    calls = (program / "calls.txt").read_text().splitlines()
    jobs = [f"job start {number}" for number in range(6)]
    assert sorted(calls) == sorted(["multirun start", *jobs, *["job end COMPLETED"] * 6, "multirun end"])
    assert (calls[0], calls[-1]) == ("multirun start", "multirun end")

    results = yaml.safe_load((paths.folder / "optimization_results.yaml").read_text())
    assert results == {
        "name": "mnistsweep", "best_params": {"lr": 0.1, "model": "mlp", "model.units": 4}, "best_value": 5.0
    }  # fmt: skip
    assert "# python train.py --config-dir DIR --config-name best" in paths.best.read_text()
    assert "score 5.0" in run(program, "--config-dir", str(paths.folder), "--config-name", "best").stdout

    assert "6 of 6 trials" in command(capfd, "status", str(paths.folder)).out
    assert command(capfd, "export", str(paths.folder)).out == paths.best.read_text()
    refused = command(capfd, "report", str(paths.folder))
    assert refused.code != 0
    assert len(refused.err.splitlines()) == 1
    assert "Traceback" not in refused.err


@pytest.mark.slow
def test_the_same_command_and_another_search(program: Path) -> None:
    sweep(program, "lr=1,2")
    assert "this sweep is complete: all 2 points of the search space were tried" in sweep(program, "lr=1,2").stdout
    paths = SweepPaths(program / "multirun/train")
    paths.optimization_results.unlink()
    with exclusive_lock(paths.start_lock):
        left = sweep(program, "lr=1,2", "hydra.sweeper.if_running=skip")
    assert "multirun/train runs already: left alone (if_running=skip)." in left.stdout
    assert not paths.optimization_results.exists()
    other = sweep(program, "lr=1,2", "wd=0.5", code=2)
    assert "mnistsweep: multirun/train holds another search: program, wd (of the program) differ" in other.stderr
    assert "Use another hydra.sweeper.name=NAME" in other.stderr
    assert len(other.stderr.splitlines()) == 1
    wrong = sweep(program, "lr=a,1", code=2)
    assert wrong.stderr.startswith(
        "mnistsweep: lr: value 'a' of type 'str' could not be converted to Float; received lr=a"
    )
    assert len(wrong.stderr.splitlines()) == 1


@pytest.mark.slow
def test_the_program_alone_is_unaffected(program: Path) -> None:
    assert "score 6.0" in run(program).stdout
    shown = run(program, "--cfg", "job", "hydra/sweeper=mnistsweep", "lr=3").stdout
    assert yaml.safe_load(shown.removesuffix("the program has ended\n"))["lr"] == 3


@pytest.mark.slow
def test_trials_that_fail(program: Path) -> None:
    ended = sweep(program, "wd=choice(0.0,1.0,2.0,3.0)", "hydra.sweeper.oracle=grid", "+hydra.sweeper.n_trials=4")
    assert "4 of 4 trials" in ended.stdout
    records = Ledger(SweepPaths(program / "multirun/train")).records()
    reasons = {record.point["wd"]: record.result.reason for record in records if record.state is State.FAILED}
    assert reasons == {1.0: "RuntimeError: wd must not be 1", 2.0: "objective is nan"}
    assert "wd must not be 1" in SweepPaths(program / "multirun/train").trial(1).error.read_text()
    assert sum(record.state is State.COMPLETED for record in records) == 2


@pytest.mark.slow
def test_workers_as_jobs_of_another_launcher(program: Path) -> None:
    callbacks = "+hydra.callbacks.calls._target_=calls.Calls"
    assert "6 of 6 trials" in sweep(program, "hydra/launcher=joblib", *SPACE, callbacks).stdout
    paths = SweepPaths(program / "multirun/train")
    for record in Ledger(paths).records():
        lr, model = record.point["lr"], record.point["model"]
        assert record.result.objective == lr * 10 + (17 if model == "cnn" else 5)
        assert seen(paths, record.number)["lr"] == lr
    calls = (program / "calls.txt").read_text().splitlines()
    assert sorted(set(calls)) == sorted(
        ["multirun start", *(f"job start {n}" for n in range(6)), "job end COMPLETED", "multirun end"]
    )
    assert len(calls) == 2 + 2 * 6
