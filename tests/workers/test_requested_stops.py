"""A stop that was asked for never counts as a crash of the trial: real supervisors and workers, blocked trainings.

A training "blocks" here by native code that signals do not interrupt, as a compiled batch that takes minutes does.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from commands import open_sweep_of
from fakes import claim, open_study, wait_until
from running_sweeps import Folder

from mnistsweep.paths import SweepPaths
from mnistsweep.planning.plan import Plan
from mnistsweep.study.ledger import Ledger
from mnistsweep.study.records import State
from mnistsweep.study.storage.stores import open_coordinator
from mnistsweep.workers.search_settings import make_search_settings
from mnistsweep.workers.stopping import UNRESPONSIVE_VARIABLE

# Blocks the main thread. `CDLL` releases the global interpreter lock, as TensorFlow does; `PyDLL` holds it.
BLOCK = """
import ctypes, os, pathlib
def block(library):
    lock = library(None).pthread_mutex_lock
    mutex = ctypes.create_string_buffer(64)
    lock(mutex)
    pathlib.Path("blocked").write_text(str(os.getpid()))
    lock(mutex)
"""

MODEL = f"""{BLOCK}
import keras
def net(input_shape, classes, units):
    if pathlib.Path("block").exists() and pathlib.Path("logs/long/sweep.yaml").exists():  # not before the start
        block(ctypes.CDLL)
    layers = [keras.Input(input_shape), keras.layers.Flatten(), keras.layers.Dense(units), keras.layers.Dense(classes)]
    return keras.Sequential(layers)
"""


def crashes(paths: SweepPaths) -> list[int]:
    """The number of crashes that the ledger counts for each trial."""
    ledger = Ledger(paths)
    return [t.user_attrs["lease"]["deaths"] for t in ledger._storage.get_all_trials(ledger._study_id)]


@pytest.fixture(autouse=True)
def short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(UNRESPONSIVE_VARIABLE, "0.5")


@pytest.mark.slow
def test_ctrl_c_during_a_long_batch_is_no_crash_however_often(sweeps: Folder) -> None:
    (sweeps.folder / "blocking_for_tests.py").write_text(MODEL)
    search = ["model._target_=blocking_for_tests.net", "+model.units=4,8", "oracle=grid", "trainer.epochs=1"]
    block, blocked = sweeps.folder / "block", sweeps.folder / "blocked"
    block.touch()
    for _ in range(2):
        process = sweeps.start("long", *search)
        wait_until(blocked.exists)
        blocked.unlink()
        process.send_signal(signal.SIGINT)
        printed, _ = process.communicate()
        assert process.returncode == 130, printed
        assert "stopped: 0 of 2 trials · 1 interrupted" in printed
    block.unlink()
    sweeps.run("long", *search)
    assert [record.state for record in sweeps.records("long")] == [State.COMPLETED] * 2
    assert crashes(sweeps.paths("long")) == [0, 0]
    assert not list(sweeps.paths("long").workers.glob("*.beat"))


# A worker that claims a trial, and blocks or waits in it.
WORKER = f"""{BLOCK}
import sys, time
from fakes import open_study
from mnistsweep.paths import SweepPaths
from mnistsweep.planning.plan_file import plan_from_json
from mnistsweep.study.sweep_file import read_sweep_file
from mnistsweep.workers.search_settings import make_search_settings
from mnistsweep.stop_signal import StopSignal
from mnistsweep.workers.watchdog import Watchdog
paths = SweepPaths(pathlib.Path(sys.argv[1]))
plan = plan_from_json(read_sweep_file(paths)["plan"])
class Holder:
    claim = None
with StopSignal(int(sys.argv[4])) as stop:
    with open_study(paths, make_search_settings(plan, paths), session=sys.argv[3]) as study:
        stop.call_on_request(study.lease.announce_stop)
        Holder.claim = study.claim()
        study.lease.on_heartbeat = Watchdog(study, Holder, stop, None)
        block(ctypes.{{library}})
"""

SUPERVISOR = """
import os, sys
from pathlib import Path
from mnistsweep.workers.supervisor import run_workers
def command(folder, index, session):
    return [sys.executable, "-c", Path("worker.py").read_text(), str(folder), str(index), session, str(os.getpid())]
try:
    run_workers(Path(sys.argv[1]), [0], None, sys.argv[2], command)
except KeyboardInterrupt as interrupt:
    sys.exit(interrupt.args[0])
"""

Start = Callable[[str], tuple[subprocess.Popen[bytes], int]]


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    return open_sweep_of(["model.dropout=interval(0,0.5)", "trials=1", "name=s"])


@pytest.fixture
def start(plan: Plan) -> Start:
    """Start a supervisor with one worker, which blocks in its trial; returns the worker's process ID too."""

    def start_blocked(library: str) -> tuple[subprocess.Popen[bytes], int]:
        Path("worker.py").write_text(WORKER.format(library=library))
        process = subprocess.Popen([sys.executable, "-c", SUPERVISOR, str(plan.paths.folder), "session"])
        blocked = Path("blocked")
        wait_until(lambda: blocked.exists() and blocked.read_text())
        pid = int(blocked.read_text())
        blocked.unlink()
        return process, pid

    return start_blocked


def has_exited(pid: int) -> bool:
    """Whether a process is gone, or is a zombie without any other thread: until then its locks are still held."""
    if not psutil.pid_exists(pid):
        return True
    process = psutil.Process(pid)
    return process.status() == psutil.STATUS_ZOMBIE and process.num_threads() <= 1


def assert_no_crash(plan: Plan) -> None:
    """The next claim takes the trial over without counting a crash."""
    with open_study(plan.paths, make_search_settings(plan, plan.paths), session="next") as study:
        assert claim(study).number == 0
        assert crashes(plan.paths) == [0]
        owners = {path.stem for path in plan.paths.workers.glob("*-*")}
        assert owners == {study.lease.owner}


@pytest.mark.slow
def test_a_worker_that_the_supervisor_has_to_kill_has_not_crashed(start: Start, plan: Plan) -> None:
    """Native code holds the interpreter lock: nothing inside of the worker can run."""
    for _ in range(2):
        supervisor, worker = start("PyDLL")
        supervisor.send_signal(signal.SIGTERM)
        assert supervisor.wait() == 143
        assert has_exited(worker)
    assert_no_crash(plan)


ONCE_AND_TWICE = pytest.mark.parametrize("times", [1, pytest.param(2, marks=pytest.mark.slow)])


@ONCE_AND_TWICE
def test_a_worker_that_two_signals_reach_has_not_crashed(start: Start, plan: Plan, times: int) -> None:
    """As where a service manager sends SIGTERM to the supervisor and its worker, and the supervisor passes it on."""
    for _ in range(times):
        supervisor, worker = start("CDLL")
        os.kill(worker, signal.SIGTERM)
        os.kill(supervisor.pid, signal.SIGTERM)
        assert supervisor.wait() == 143
        assert has_exited(worker)
    assert_no_crash(plan)


@ONCE_AND_TWICE
def test_a_worker_that_a_scheduler_asks_to_stop_and_kills_has_not_crashed(start: Start, plan: Plan, times: int) -> None:
    coordinator = open_coordinator(plan.paths, None)
    for _ in range(times):
        supervisor, worker = start("CDLL")
        (owner,) = [name for name in plan.paths.owners if f"-{worker}-" in name]
        os.kill(supervisor.pid, signal.SIGKILL)
        os.kill(worker, signal.SIGTERM)
        wait_until(lambda owner=owner: (coordinator.read_heartbeat(owner) or 0) < 0)
        os.kill(worker, signal.SIGKILL)
        supervisor.wait()
        wait_until(lambda worker=worker: has_exited(worker))
    assert_no_crash(plan)


@pytest.mark.slow
def test_a_worker_whose_parent_has_exited_has_not_crashed(start: Start, plan: Plan) -> None:
    for _ in range(2):
        supervisor, worker = start("CDLL")
        os.kill(supervisor.pid, signal.SIGKILL)
        supervisor.wait()
        wait_until(lambda worker=worker: has_exited(worker))
    assert_no_crash(plan)


def test_a_worker_that_is_killed_without_a_request_has_crashed(start: Start, plan: Plan) -> None:
    supervisor, worker = start("CDLL")
    os.kill(supervisor.pid, signal.SIGSTOP)  # so that it starts no other worker
    os.kill(worker, signal.SIGKILL)
    wait_until(lambda: has_exited(worker))
    with open_study(plan.paths, make_search_settings(plan, plan.paths), session="next") as study:
        assert claim(study).number == 0
        assert crashes(plan.paths) == [1]
    supervisor.kill()
    supervisor.wait()
