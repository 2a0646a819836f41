"""Trials that are calls of a function: what is recorded for each way in which a call ends, with real workers."""

from __future__ import annotations

import csv
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from fakes import wait_until
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from mnistsweep.commands.repair import repair
from mnistsweep.config.overrides import quoted
from mnistsweep.config.recipe import Recipe
from mnistsweep.dimensions import Choice, Dimension, Float
from mnistsweep.errors import ConfigError
from mnistsweep.paths import SweepPaths
from mnistsweep.planning.opening import open_sweep
from mnistsweep.planning.plan import Plan
from mnistsweep.planning.program_planner import plan_program
from mnistsweep.stop_signal import StopSignal
from mnistsweep.study.ledger import Ledger
from mnistsweep.study.records import State, TrialRecord
from mnistsweep.study.sweep import load_sweep
from mnistsweep.workers import worker
from mnistsweep.workers.objective_function import FACTORY
from mnistsweep.workers.supervisor import run_workers

FUNCTIONS = """
import os, random, signal, sys, time
import numpy as np
from optuna import TrialPruned
from mnistsweep import errors

def by_kind(trial):
    kind = trial.values["kind"]
    trial.report(0.25, 1)
    trial.report(0.75, 2)
    if kind == "raises":
        raise LookupError("no such\\nrow")
    if kind == "exits":
        sys.exit(3)
    if kind == "prunes":
        raise errors.TrialPruned("hopeless")
    if kind == "optuna":
        raise TrialPruned
    if kind == "reports nan":
        trial.report(float("nan"))
    class History:
        history = {"score": [0.5, 0.75, 0.25 if kind == "history" else float("nan")]}
    return History() if kind.startswith("history") else {
        "float": 0.75, "array": np.float32(0.5), "mapping": {"score": 0.5, "loss": 2},
        "nan": float("nan"), "none": None, "text": "0.5", "flag": True, "other": {"scores": 0.5},
    }[kind]

def rising(trial):
    for step in range(1, 6):
        trial.report(trial.values["x"] * step, step)
        if trial.should_stop:
            return trial.values["x"] * step
    return trial.values["x"] * 5

def noise(trial):
    return random.random() + np.random.rand() + trial.values["x"]

def interrupted(trial):
    left = trial.folder / "left.txt"
    if trial.number == 1 and not left.exists():
        left.write_text("of the first attempt")
        os.kill(os.getpid(), signal.SIGINT)
        while not trial.should_stop:
            time.sleep(0.01)
        return 99.0
    return float(left.exists())

def slow(trial):
    for step in range(1, 4):
        trial.report(trial.values["x"] + step, step)
        while not os.path.exists("go on") and trial.number >= 2:
            time.sleep(0.02)
            if trial.should_stop:
                return -1.0
    return trial.values["x"]
"""


class Functions:
    """Sweeps of functions in a module of the test, in its working directory."""

    def __init__(self, folder: Path) -> None:
        self.module = f"functions_{folder.name.replace('-', '_')}"
        (folder / f"{self.module}.py").write_text(FUNCTIONS, encoding="utf-8")

    def plan(self, function: str, *dimensions: Dimension, keys: tuple[str, ...] = ()) -> Plan:
        program = {"_target_": FACTORY, "function": f"{self.module}.{function}"}
        own = (f"name={quoted(function)}", "objective=score", "direction=max", *keys)
        plan = plan_program(Recipe(own), dimensions, program)
        open_sweep(plan)
        return plan


@pytest.fixture
def functions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Functions]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    before = dict(os.environ)
    yield Functions(tmp_path)
    os.environ.clear()
    os.environ.update(before)


def work(plan: Plan) -> list[TrialRecord]:
    """Run a worker in this process."""
    with StopSignal() as stop:
        worker.work(plan.paths.folder, 0, "test", stop)
    return Ledger(plan.paths).records()


def table(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


ENDINGS: dict[str, tuple[State, float | None, str]] = {
    "float": (State.COMPLETED, 0.75, ""),
    "array": (State.COMPLETED, 0.5, ""),
    "mapping": (State.COMPLETED, 0.5, ""),
    "history": (State.COMPLETED, 0.75, ""),
    "history with nan": (State.FAILED, None, "score became nan: the function returned it"),
    "nan": (State.FAILED, None, "score is nan"),
    "none": (State.FAILED, None, "the function must return score as a number, or a mapping with it; it returned None"),
    "text": (State.FAILED, None, "the function must return score as a number, or a mapping with it; it returned str"),
    "flag": (State.FAILED, None, "the function must return score as a number, or a mapping with it; it returned bool"),
    "other": (State.FAILED, None, "the function returned a mapping without the objective 'score'; did you mean 'sco"),
    "raises": (State.FAILED, None, "LookupError: no such row"),
    "exits": (State.FAILED, None, "SystemExit: 3"),
    "reports nan": (State.FAILED, None, "the reported value became nan at step 3"),
    "prunes": (State.PRUNED, 0.75, "pruned after step 2"),
    "optuna": (State.PRUNED, 0.75, "pruned after step 2"),
}


def test_each_way_in_which_a_call_ends_is_recorded(functions: Functions) -> None:
    keys = ("oracle=grid", "trials=99", "max_consecutive_failed_trials=99", "max_failed_trials=null")
    plan = functions.plan("by_kind", Choice("kind", tuple(ENDINGS)), keys=keys)
    records = {record.point["kind"]: record for record in work(plan)}
    assert records.keys() == ENDINGS.keys()
    for kind, (state, objective, reason) in ENDINGS.items():
        record, folder = records[kind], plan.paths.trial(records[kind].number)
        assert (record.state, record.result.objective) == (state, objective), kind
        assert record.result.reason.startswith(reason)
        assert bool(record.result.reason) == bool(reason)
        assert record.result.epochs == 2
        assert folder.error.exists() == (state is State.FAILED)
    assert records["float"].result.best_epoch == 2
    assert records["array"].result.best_epoch is None, "a value that was not reported belongs to no step"
    rows = {row["kind"]: row for row in table(plan.paths.results)}
    assert (rows["float"]["objective"], rows["float"]["best_epoch"], rows["array"]["best_epoch"]) == ("0.75", "2", "")
    best = yaml.safe_load(plan.paths.best.read_text(encoding="utf-8"))
    first = min(records["float"].number, records["history"].number)
    assert best == {
        "function": f"{functions.module}.by_kind",
        "seed": plan.seed_of(first),
        "values": {"kind": "float" if records["float"].number == first else "history"},
    }
    before = list(records.values())
    plan.paths.journal.unlink()
    repair(plan.paths.folder)
    for record in Ledger(plan.paths).records():
        assert record == replace(next(one for one in before if one.number == record.number), owner="")
    curves = load_sweep(plan.paths.folder).curves
    assert list(curves.columns) == ["trial", "epoch", "score", "seconds"]
    assert list(curves[curves["trial"] == 0]["score"]) == [0.25, 0.75]
    events = EventAccumulator(str(plan.paths.trial(records["float"].number).folder))
    events.Reload()
    assert [point.step for point in events.Tensors("score")] == [1, 2]
    assert [point.step for point in events.Tensors("objective")] == [2]


def test_a_trial_that_the_pruner_gives_up_is_recorded_as_pruned(functions: Functions) -> None:
    keys = ("pruner=median", "pruner.startup_trials=1", "oracle=grid", "enqueue=[{x: 3.0}]", "trials=2")
    good, bad = work(functions.plan("rising", Choice("x", (1.0, 3.0)), keys=keys))
    assert (good.state, good.result.objective, good.result.best_epoch) == (State.COMPLETED, 15.0, 5)
    assert bad.state is State.PRUNED
    assert bad.result.epochs < 5
    assert (bad.result.objective, bad.result.reason) == (bad.result.epochs, f"pruned after step {bad.result.epochs}")


def test_the_seed_makes_a_trial_independent_of_those_before_it(functions: Functions) -> None:
    first = work(functions.plan("noise", Float("x", 0, 1), keys=("oracle=random", "trials=3", "name=first")))
    again = work(functions.plan("noise", Float("x", 0, 1), keys=("oracle=random", "trials=1", "name=again")))
    work(functions.plan("noise", Float("x", 0, 1), keys=("oracle=random", "trials=2", "name=again")))
    again = Ledger(SweepPaths(Path("logs/again"))).records()
    assert [record.result.objective for record in again] == [record.result.objective for record in first[:2]]


def test_an_interrupted_trial_is_run_again_and_finds_its_files(functions: Functions) -> None:
    plan = functions.plan("interrupted", Choice("x", (1, 2, 3)), keys=("oracle=grid",))
    with pytest.raises(KeyboardInterrupt):
        work(plan)
    before = Ledger(plan.paths).records()
    assert [record.state for record in before] == [State.COMPLETED, State.RUNNING]
    assert before[1].owner == "", "the trial is released"
    records = work(plan)
    assert [(record.state, record.result.objective) for record in records] == [
        (State.COMPLETED, 0.0), (State.COMPLETED, 1.0), (State.COMPLETED, 0.0)
    ]  # fmt: skip


def test_two_workers_one_of_which_is_killed_and_a_repeat(functions: Functions) -> None:
    search: Any = (Float("x", 0, 1),)
    keys = ("oracle=random", "trials=4", "workers=2", "lease_seconds=2")
    alone = work(functions.plan("slow", *search, keys=(*keys[:2], "name=alone", "trials=2")))
    plan = functions.plan("slow", *search, keys=keys)
    ledger = Ledger(plan.paths)

    def kill_one_that_waits(session: str) -> None:
        import threading

        def kill() -> None:
            wait_until(lambda: len([r for r in ledger.records() if r.number >= 2 and r.owner and r.result.epochs]) == 2)
            os.kill(int(ledger.records()[2].owner.split("-")[-2]), signal.SIGKILL)
            Path("go on").touch()

        thread = threading.Thread(target=kill)
        thread.start()
        assert run_workers(plan.paths.folder, range(2), 1, session) == [0, 0]
        thread.join()

    kill_one_that_waits("first")
    records = ledger.records()
    assert [(record.number, record.state) for record in records] == [(n, State.COMPLETED) for n in range(4)]
    assert [record.result.objective for record in records] == [record.point["x"] for record in records]
    assert [record.point for record in records[:2]] == [record.point for record in alone]
    assert run_workers(plan.paths.folder, range(1), 1, "again") == [0]
    assert ledger.records() == records


def test_faults_of_the_plan_are_found_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as caught:
        plan_program(
            Recipe(("trials=0", "objective=score", "pruner.name=fast")), [Float("x", 0, 1)], {"_target_": "a.b"}
        )
    lines = str(caught.value).splitlines()
    assert any(line.startswith("trials: must be at least 1") for line in lines)
    assert any(line.startswith("direction: 'score' is not the name of a metric") for line in lines)
    assert any(line.startswith("pruner.name: no pruner is called 'fast'") for line in lines)
    assert list(tmp_path.iterdir()) == []
