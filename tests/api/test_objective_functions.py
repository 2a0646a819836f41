"""`mnistsweep.sweep` of a function of a trial: results, continuation, interrupts and refusals, without Keras."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from fakes import wait_until

import mnistsweep as ms
from mnistsweep import cli
from mnistsweep.commands.stop import stop
from mnistsweep.errors import ConfigError, SpaceError, StudyError, SweepStopped
from mnistsweep.paths import SweepPaths
from mnistsweep.study.ledger import Ledger
from mnistsweep.study.records import State

OFFSET = 0.25


def distance(trial: ms.Trial) -> dict[str, float]:
    for step in (1, 2):
        trial.report(abs(trial.values["x"] - OFFSET) / step, step)
    return {"error": abs(trial.values["x"] - OFFSET) / 2, "other": 7.0}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    before = dict(os.environ)
    yield tmp_path
    after = {**os.environ, "PYTEST_CURRENT_TEST": before["PYTEST_CURRENT_TEST"]}
    assert after == before, "the call leaves the environment as it was"


def search(**changed: Any) -> ms.SweepResult:
    arguments: dict[str, Any] = {
        "space": {"x": ms.Float(0, 1), "seed": ms.Choice("a", "1e-3")}, "objective": "error", "direction": "min",
        "trials": 4, "oracle": "random", "progress": False,
    }  # fmt: skip
    return ms.sweep(distance, **{**arguments, **changed})


def test_the_result_of_a_sweep_and_its_continuation(capsys: pytest.CaptureFixture[str]) -> None:
    handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    found = search(workers=2)
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == handlers
    assert (found.name, found.folder) == ("distance", Path("logs/distance").resolve())
    table = found.trials
    assert list(table["state"]) == ["completed"] * 4
    assert all(objective == abs(x - OFFSET) / 2 for objective, x in zip(table["objective"], table["x"], strict=True))
    assert set(table["seed (value)"]) <= {"a", "1e-3"}
    assert len(set(table["seed"])) == 4
    best = found.best
    assert best is not None
    row = table.loc[table["objective"].idxmin()]
    assert (best.number, best.objective, best.values["x"]) == (row["trial"], row["objective"], row["x"])
    assert (best.epoch, best.folder) == (2, found.folder / "trials" / f"{best.number:04d}")
    assert list(found.curves["error"])[1::2] == list(table["objective"])
    assert "best trial" in repr(found)
    assert capsys.readouterr().out == ""
    more = search(trials=5, progress=True)
    assert list(more.trials["x"])[:4] == list(table["x"])
    printed = capsys.readouterr().out
    assert "continued: 4 of 4 trials" in printed.replace("of 5", "of 4")
    assert "[5/5] trial 4 completed: error" in printed
    with pytest.raises(StudyError, match=r"logs/distance holds another search: x \(swept\) differs"):
        search(space={"x": ms.Float(0, 2), "seed": ms.Choice("a", "1e-3")})
    with pytest.raises(StudyError, match="best_model needs Keras trainings, and the trials of this sweep ran a func"):
        found.best_model()
    for command in (["report", "logs/distance"], ["clean", "logs/distance"]):
        assert cli.main(command) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert "the trials of this sweep ran a function" in line
    assert cli.main(["status", "logs/distance"]) == 0
    assert cli.main(["export", "logs/distance"]) == 0
    record = yaml.safe_load((found.folder / "sweep.yaml").read_text(encoding="utf-8"))
    assert record["command"].startswith(f"mnistsweep.sweep of distance in {__file__}, line ")
    assert not [path for path in found.folder.rglob("*") if path.is_file() and b"cloudpickle" in path.read_bytes()]


def test_a_call_from_a_thread_works_and_a_second_one_at_the_same_time_is_refused() -> None:
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(search(trials=1, name="in a thread")))
    thread.start()
    wait_until(lambda: Path("logs/in a thread/study.journal").exists())
    with pytest.raises(StudyError, match="another sweep runs in this process"):
        search(name="other")
    thread.join()
    assert len(results[0].trials) == 1


def until_told(trial: ms.Trial) -> float:
    trial.report(1.0)
    while not trial.should_stop and not Path(trial.folder, "../../../../go on").exists():
        time.sleep(0.01)
    return trial.values["x"]


def test_mnistsweep_stop_ends_the_call_and_not_the_program(folder: Path) -> None:
    def run() -> ms.SweepResult:
        return ms.sweep(until_told, space=X, objective="error", direction="min", trials=1, name="main", progress=False)

    def stop_it() -> None:
        wait_until(lambda: waiting(paths, 1))
        stop(paths.folder)

    paths = SweepPaths(folder / "logs" / "main")
    thread = threading.Thread(target=stop_it)
    thread.start()
    with pytest.raises(SweepStopped, match=r"`mnistsweep stop`.* stopped the sweep; the same call continues it"):
        run()
    thread.join()
    (folder / "go on").touch()
    assert list(run().trials["state"]) == ["completed"]


def test_every_trial_may_fail() -> None:
    def fails(trial: ms.Trial) -> float:
        raise LookupError("no such row")

    with pytest.raises(SweepStopped, match="LookupError: no such row"):
        ms.sweep(fails, space={"x": ms.Int(1, 9)}, objective="error", direction="min", progress=False,
                 max_consecutive_failed_trials=2)  # fmt: skip


def two(one: Any, other: Any) -> float:
    return 0.0


def units(units: int) -> None:
    return None


# A class that is recognised as TensorFlow's by its names, without TensorFlow.
STREAMS = (type("DatasetV2", (), {"__module__": "tensorflow.python.data"})(),) * 2
ARRAYS = (([[1.0]], [0]), ([[1.0]], [0]))
X = {"x": ms.Float(0, 1)}


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (
            lambda: search(epoch=3),
            ConfigError,
            "epoch: mnistsweep.sweep takes no such argument for a function of a tri",
        ),
        (lambda: search(batch_size=3), ConfigError, "batch_size: mnistsweep.sweep takes no such argument for a functi"),
        (lambda: search(trials=0, workers=0), ConfigError, "trials: must be at least 1; received 0."),
        (
            lambda: search(detach=True),
            ConfigError,
            "detach: the workers are processes of this program, and end with it",
        ),
        (lambda: search(direction="auto"), ConfigError, "direction: 'error' is not the name of a metric"),
        (lambda: search(space={}), SpaceError, "space: distance needs a range to search"),
        (lambda: search(space=[1]), SpaceError, "space: must be a dictionary {name: range}; received list."),
        (lambda: search(space={"x": ms.Int(1, 2.5)}), SpaceError, "x: the bounds of Int must be whole numbers"),
        (lambda: search(space={"x": ms.Float(2, 1)}), SpaceError, "x: "),
        (lambda: search(space={"x": ms.Choice(print)}), SpaceError, "x: values must be numbers, texts, booleans, None"),
        (lambda: ms.sweep(two, space=X), ConfigError, "data: without data, two is called with a trial"),
        (lambda: ms.sweep(units, space={"units": [1, 2]}), ConfigError, "data: without data, units is called with a"),
        (lambda: ms.sweep(distance, data=ARRAYS, space=X), ConfigError, "data: distance takes a trial"),
        (
            lambda: ms.sweep(units, data=ARRAYS, space={"unit": [1, 2]}),
            SpaceError,
            "space['unit']: units takes no such ar",
        ),
        (lambda: ms.sweep(units, data=3, space={"units": [1, 2]}), ConfigError, "data: must be (train, test)"),
        (lambda: ms.sweep(units, data=STREAMS, space={"units": [1, 2]}), ConfigError, "data: a tf.data.Dataset cannot"),
        (lambda: ms.sweep(7, space=X), ConfigError, "the first argument: must be a function"),
        (lambda: search(name="a/b"), ConfigError, "name: must be a folder name"),
    ],
)
def test_a_call_is_refused_before_anything_is_written(
    call: Callable[[], Any], kind: type[Exception], message: str, folder: Path
) -> None:
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value).startswith(message)
    assert list(folder.iterdir()) == []


def test_an_object_that_cannot_be_passed_on_is_named(folder: Path) -> None:
    lock = threading.Lock()

    def lock_in_it(trial: ms.Trial) -> float:
        with lock:
            return 0.0

    with pytest.raises(ConfigError, match="lock_in_it: cannot be passed on to worker processes"):
        ms.sweep(lock_in_it, space=X, objective="error", direction="min", progress=False)
    assert list(folder.iterdir()) == []


# Read from the standard input, as the cells of a notebook: `__main__` has no file. There is no guard for `__main__`.
SCRIPT = """
import os, pathlib, signal, sys, time
import mnistsweep as ms

SHIFT = 10

def score(trial):
    trial.report(trial.values["x"])
    while trial.number >= 2 and not os.path.exists("go on"):
        time.sleep(0.01)
        if trial.should_stop:
            return -1.0
    return trial.values["x"] + SHIFT

def run():
    return ms.sweep(score, space={"x": ms.Float(0, 1)}, objective="score", direction="max", trials=4, workers=2,
                    oracle="random", name="main", lease_seconds=2)

before = signal.getsignal(signal.SIGINT)
try:
    sweep = run()
except KeyboardInterrupt:
    assert signal.getsignal(signal.SIGINT) is before
    print("interrupted", flush=True)
    pathlib.Path("go on").touch()
    sweep = run()
print(sweep.best.objective == sweep.trials["objective"].max() > 10, list(sweep.trials["state"]))
"""


def start_script(folder: Path) -> subprocess.Popen[str]:
    (folder / "temporary").mkdir(exist_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**os.environ, "TMPDIR": str(folder / "temporary"), "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write(SCRIPT)
    process.stdin.close()
    process.stdin = None
    return process


def waiting(paths: SweepPaths, count: int = 2) -> bool:
    """Whether this many trials wait for the file ``go on``, after their first report."""
    if not paths.journal.is_file() or paths.journal.stat().st_size < 500:
        return False
    records = Ledger(paths).records()
    return sum(r.state is State.RUNNING and bool(r.owner) and r.result.epochs > 0 for r in records) == count


@pytest.mark.slow
def test_a_killed_script_and_an_interrupted_one_are_continued_by_the_same_call(folder: Path) -> None:
    paths = SweepPaths(folder / "logs" / "main")
    killed = start_script(folder)
    wait_until(lambda: waiting(paths))
    killed.kill()
    killed.communicate()
    assert list((folder / "temporary").iterdir()) == [], "no file with the functions is left"
    before = [record for record in Ledger(paths).records() if record.state.finished]
    wait_until(lambda: not waiting(paths))  # the workers of the killed script have exited
    again = start_script(folder)
    wait_until(lambda: waiting(paths))
    again.send_signal(signal.SIGINT)
    printed, _ = again.communicate()
    assert again.returncode == 0, printed
    assert "interrupted" in printed.splitlines()
    assert printed.splitlines()[-1] == "True ['completed', 'completed', 'completed', 'completed']"
    assert Ledger(paths).records()[: len(before)] == before
    assert list((folder / "temporary").iterdir()) == []
