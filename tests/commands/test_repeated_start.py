"""A start of a sweep that is complete, or that runs already: what a timer relies on."""

from __future__ import annotations

import datetime
import subprocess
import sys
from pathlib import Path

import pytest
from commands import command, finished_sweep, tree
from fake_workers import plan_of, workers
from fakes import make_search, open_study, wait_until
from running_sweeps import Folder

from mnistsweep import cli
from mnistsweep.atomic import read_yaml
from mnistsweep.commands.sweep import run_sweep
from mnistsweep.errors import StudyError, SweepUnfinished
from mnistsweep.locks import exclusive_lock
from mnistsweep.planning import planner
from mnistsweep.study.ledger import Ledger
from mnistsweep.study.records import State

Capture = pytest.CaptureFixture[str]

SPACE = ["model.dropout=interval(0,0.5)", "name=s"]


@pytest.fixture(autouse=True)
def working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_complete_sweep_is_recognized_without_its_data_and_models(
    capfd: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    finished_sweep([*SPACE, "trials=2"], [0.5, 0.75])
    monkeypatch.setattr(planner, "complete_draft", lambda draft: pytest.fail("the data and the models were read"))
    answer = command(capfd, "sweep", *SPACE, "trials=2", "workers=3")
    assert (answer.code, answer.err) == (0, "")
    assert "logs/s: this sweep is complete: the budget of 2 trials (trials=2) was used; more: trials=N" in answer.out
    assert "best: trial 1, val_accuracy 0.7500 at epoch 1" in answer.out


def test_the_answer_imports_no_backend_and_no_tables(tmp_path: Path) -> None:
    finished_sweep([*SPACE, "trials=1"], [0.5])
    heavy = {"keras", "tensorflow", "tensorboard", "pandas", "scipy", "keras_tuner"}
    code = (
        "import sys; from mnistsweep import cli\n"
        f"assert cli.main(['sweep', *{SPACE!r}, 'trials=1']) == 0\n"
        f"sys.exit(', '.join({heavy!r} & sys.modules.keys()) or 0)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (found.returncode, found.stderr) == (0, ""), found.stdout
    assert "this sweep is complete" in found.stdout


def test_a_larger_budget_and_another_search_are_planned_as_usual(monkeypatch: pytest.MonkeyPatch) -> None:
    finished_sweep([*SPACE, "trials=1"], [0.5])
    read: list[str] = []

    def complete(draft: planner.Draft) -> None:
        read.append(draft.plan.config.name)
        raise StudyError("read")

    monkeypatch.setattr(planner, "complete_draft", complete)
    for overrides in (["trials=2"], ["trials=1", "seed=1"], ["trials=1", "data.validation=0.5"]):
        assert cli.main(["sweep", *SPACE, *overrides]) == 2
    assert read == ["s"] * 3


def test_data_that_have_changed_are_read_again(capfd: Capture, tiny_file: Path, tmp_path: Path) -> None:
    data = tmp_path / "own.npz"
    data.write_bytes(tiny_file.read_bytes())
    overrides = [*SPACE, "trials=1", "data=npz", f"data.path={data}", "data.validation=60", "model=perceptron"]
    finished_sweep(overrides, [0.5])
    before = read_yaml(tmp_path / "logs/s/sweep.yaml")
    assert "this sweep is complete" in command(capfd, "sweep", *overrides).out
    data.touch()  # the same data with another time: they are read, and recognized next time
    assert "this sweep is complete" in command(capfd, "sweep", *overrides).out
    after = read_yaml(tmp_path / "logs/s/sweep.yaml")
    assert after["request"] != before["request"]
    assert after["data"] == before["data"]
    data.write_bytes(data.read_bytes()[:1000])
    assert command(capfd, "sweep", *overrides).code == 2


def test_a_running_sweep_is_left_alone_or_refuses(capfd: Capture) -> None:
    plan = finished_sweep([*SPACE, "trials=3"], [0.5])
    start = ["sweep", *SPACE, "trials=9"]
    with open_study(plan.paths, make_search(plan.space, trials=3), session="now") as study:
        study.claim()
        before = tree(plan.paths.folder)
        skipped = command(capfd, *start, "if_running=skip")
        refused = command(capfd, *start, "if_running=fail")
        after = tree(plan.paths.folder)
    assert (skipped.code, skipped.err) == (0, "")
    assert skipped.out == "logs/s runs already with 1 worker: left alone (if_running=skip).\n"
    assert (refused.code, refused.out) == (2, "")
    assert refused.err.startswith("mnistsweep: if_running: fail refuses a start while the sweep runs; logs/s runs")
    assert {name: time for name, time in after.items() if not name.startswith("workers")} == {
        name: time for name, time in before.items() if not name.startswith("workers")
    }


def test_a_start_that_has_no_worker_yet_runs_too(capfd: Capture) -> None:
    plan = plan_of("trials=2", "if_running=skip")
    assert run_sweep(plan, workers()) == 0
    with exclusive_lock(plan.paths.start_lock):
        capfd.readouterr()
        assert run_sweep(plan_of("trials=2", "if_running=skip"), workers(code=7)) == 0
        assert capfd.readouterr().out == "logs/s runs already: left alone (if_running=skip).\n"


def test_another_search_is_never_left_alone(capfd: Capture) -> None:
    plan = finished_sweep([*SPACE, "trials=3"], [0.5])
    with exclusive_lock(plan.paths.start_lock), pytest.raises(StudyError, match=r"holds another search: .*seed"):
        run_sweep(plan_of("seed=3", "if_running=skip"), workers(code=7))


def test_a_crashed_sweep_is_continued_by_a_start_that_would_skip(capfd: Capture) -> None:
    assert run_sweep(plan_of("trials=2"), workers(code=143)) == 143
    assert run_sweep(plan_of("trials=2", "if_running=skip"), workers()) == 0
    assert "2 of 2 trials" in capfd.readouterr().out


def test_workers_that_end_with_budget_left_have_an_exit_code_of_their_own(capfd: Capture) -> None:
    plan = plan_of("trials=2")

    def launch(started: object, session: str) -> list[int]:
        with open_study(plan.paths, make_search(plan.space, trials=2), session=session) as study:
            found = study.claim()
            assert found is not None
            study.release(found)
        return [0]

    with pytest.raises(SweepUnfinished, match="1 trial is unfinished; the same command continues") as caught:
        run_sweep(plan, launch)
    assert caught.value.exit_code == 3


def test_the_name_may_contain_the_date(capfd: Capture) -> None:
    overrides = ["model.dropout=0,0.1", "name=nightly-${now:%Y-%m-%d}", "trials=1"]
    days = {f"nightly-{datetime.datetime.now():%Y-%m-%d}"}
    plan = finished_sweep(overrides, [0.5])
    days.add(f"nightly-{datetime.datetime.now():%Y-%m-%d}")  # midnight may have passed
    assert plan.config.name in days
    assert plan.recipe.overrides[-1] == f"name='{plan.config.name}'"  # workers that start tomorrow belong to today
    assert command(capfd, "status", str(plan.config.name)).code == 0
    if len(days) == 1:
        assert "this sweep is complete" in command(capfd, "sweep", *overrides).out


@pytest.mark.slow
def test_a_second_process_joins_or_leaves_a_running_sweep_alone(tmp_path: Path, tiny_data: list[str]) -> None:
    folder = Folder(tmp_path, tiny_data)
    overrides = ["model.dropout=interval(0,0.5)", "oracle=random", "trials=8", "trainer.epochs=60"]
    first = folder.start("s", *overrides)
    wait_until(lambda: folder.running("s", 1))
    printed = folder.run("s", *overrides, "if_running=skip")
    assert printed.splitlines()[-1] == "logs/s runs already with 1 worker: left alone (if_running=skip)."
    joined = folder.run("s", *overrides, "if_running=join")
    assert "joined: the sweep runs already" in joined
    first.communicate()
    assert first.returncode == 0
    assert [record.state for record in Ledger(folder.paths("s")).records()] == [State.COMPLETED] * 8
    assert "this sweep is complete" in folder.run("s", *overrides, "if_running=fail")
