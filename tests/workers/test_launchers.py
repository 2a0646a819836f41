"""Launchers: the workers run as processes of this machine or as jobs of a Hydra launcher, with the same result."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from commands import command
from hydra.core.plugins import Plugins

from mnistsweep.config.hydra_jobs import job_index
from mnistsweep.config.overrides import quoted
from mnistsweep.config.recipe import Recipe
from mnistsweep.errors import ConfigError, SweepStopped
from mnistsweep.planning.plan import Plan
from mnistsweep.planning.planner import plan_sweep
from mnistsweep.study.sweep import load_sweep
from mnistsweep.workers import launchers
from mnistsweep.workers.launchers import WorkerJob, choose_launcher, launch_hydra_jobs, launch_processes

DROPOUT = "model.dropout=0,0.1"

TINY = ("model=perceptron", "trainer.epochs=1", "model.dropout=interval(0,0.5)", "oracle=random", "trials=2")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working directory with a space and an accent."""
    folder = tmp_path / "à côté"
    folder.mkdir()
    monkeypatch.chdir(folder)
    before = dict(os.environ)  # a worker in this process sets variables for the backend
    yield folder
    os.environ.clear()
    os.environ.update(before)


def planned(*overrides: str) -> Plan:
    return plan_sweep(Recipe((DROPOUT, *overrides)))


def test_worker_processes_are_the_default() -> None:
    assert choose_launcher(planned()) is launch_processes
    assert choose_launcher(planned("hydra/launcher=local", "workers=3")) is launch_processes


def test_other_launchers_run_jobs_of_hydra() -> None:
    assert choose_launcher(planned("hydra/launcher=basic")) is launch_hydra_jobs
    assert choose_launcher(planned("hydra/launcher=joblib", "workers=2")) is launch_hydra_jobs


def test_the_basic_launcher_runs_one_worker() -> None:
    with pytest.raises(ConfigError, match=r"^workers: hydra/launcher=basic runs its jobs one after another; received"):
        choose_launcher(planned("hydra/launcher=basic", "workers=2"))


def test_processes_get_the_folder_and_the_threads(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[Any, ...]] = []

    def run_workers(folder: Path, workers: Sequence[int], threads: int | None, session: str) -> list[int]:
        calls.append((folder, list(workers), threads, session))
        return [0, 0]

    monkeypatch.setattr(launchers.supervisor, "run_workers", run_workers)
    plan = planned("workers=2", "trainer.threads=3")
    plan.paths.workers.mkdir(parents=True)
    assert launch_processes(plan, "monday") == {0: 0, 1: 0}
    assert calls == [(elsewhere / "logs" / "sweep", [0, 1], 3, "monday")]


@pytest.mark.parametrize(("launcher", "workers"), [("basic", 1), ("joblib", 3)])
def test_each_job_gets_its_index_from_hydra(
    launcher: str, workers: int, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class IndexJob(WorkerJob):
        """Returns what a worker would start with."""

        def __call__(self, config: Any) -> Any:
            return self.folder, self.session, job_index()

    monkeypatch.setattr(launchers, "WorkerJob", IndexJob)
    names = [f"logs={quoted('some logs')}", f"name={quoted('it' + chr(39) + 's')}"]
    plan = planned(f"hydra/launcher={launcher}", f"workers={workers}", *names)
    folder = elsewhere / "some logs" / "it's"
    assert launch_hydra_jobs(plan, "monday") == [(folder, "monday", index) for index in range(workers)]


def test_a_job_can_be_pickled() -> None:
    job = WorkerJob(Path("/logs/sweep"), "monday")
    assert pickle.loads(pickle.dumps(job)) == job


def test_a_launcher_that_cannot_start_its_jobs_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """As that of Ray or SLURM on a machine without them."""

    def launch(*_: Any, **__: Any) -> Any:
        raise ModuleNotFoundError("No module named 'ray'")

    monkeypatch.setattr(Plugins, "instantiate_launcher", lambda *_, **__: SimpleNamespace(launch=launch))
    plan = planned("hydra/launcher=joblib", "workers=2")
    rule = r"^hydra/launcher: JoblibLauncher could not run the workers: .*No module named 'ray'.*hydra/launcher=local"
    with pytest.raises(SweepStopped, match=rule):
        launch_hydra_jobs(plan, "session")


JOBLIB = pytest.param(["hydra/launcher=joblib", "workers=2"], marks=pytest.mark.slow)


@pytest.mark.parametrize("options", [["hydra/launcher=basic"], JOBLIB], ids="+".join)
def test_a_sweep_through_a_launcher_of_hydra(
    options: list[str], tiny_data: list[str], elsewhere: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    answer = command(capfd, "sweep", *tiny_data, *TINY, *options)
    assert answer.code == 0, answer.err
    assert "2 of 2 trials" in answer.out
    sweep = load_sweep(elsewhere / "logs" / "sweep")
    assert [trial.state for trial in sweep.trials.itertuples()] == ["completed"] * 2
    assert sorted(path.name for path in elsewhere.iterdir()) == ["logs"]


def test_an_invalid_time_limit_of_stopping_is_found_before_anything_is_written(
    tiny_data: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MNISTSWEEP_UNRESPONSIVE_SECONDS", "soon")
    answer = command(capfd, "sweep", *tiny_data, "model.dropout=0,0.1", "name=never")
    assert answer.code == 2
    assert not (tmp_path / "logs").exists()
    assert "MNISTSWEEP_UNRESPONSIVE_SECONDS: must be a positive number of seconds; received 'soon'" in answer.err
