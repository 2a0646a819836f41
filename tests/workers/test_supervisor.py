"""The supervisor of worker processes; the workers here are small scripts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil
import pytest
from fakes import RunSweep

from mnistsweep import devices
from mnistsweep.errors import SweepStopped
from mnistsweep.paths import SweepPaths
from mnistsweep.workers import supervisor
from mnistsweep.workers.messages import FILES_LOST, REPLACE, TRIAL_STARTS, has_started_trial
from mnistsweep.workers.supervisor import run_workers, worker_command

# A worker's script gets its index as `index`, and `note(text)` appends a line to a file that the test reads.
PRELUDE = """
import os, signal, sys, time
index, notes = int(sys.argv[1]), sys.argv[2]
def note(text):
    with open(notes, "a") as file:
        file.write(f"{index} {text}\\n")
def begin_trial():
    print("begins trial 7", flush=True)
def count():
    return open(notes).read().count(f"{index} start")
note("start")
"""

Workers = Callable[..., list[int]]


@pytest.fixture
def paths(tmp_path: Path) -> SweepPaths:
    """A sweep's folder, with a name that needs care."""
    sweep = SweepPaths(tmp_path / "été = 1")
    sweep.workers.mkdir(parents=True)
    return sweep


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    return tmp_path / "notes"


@pytest.fixture
def run(paths: SweepPaths, notes: Path) -> Workers:
    """Run workers that execute a script."""

    def run_script(script: str, workers: Sequence[int] = (0,), threads: int | None = None) -> list[int]:
        def command(folder: Path, index: int, session: str) -> list[str]:
            return [sys.executable, "-S", "-c", PRELUDE + script, str(index), str(notes)]

        return run_workers(paths.folder, workers, threads, "session", command)

    return run_script


def lines(notes: Path) -> list[str]:
    return sorted(notes.read_text(encoding="utf-8").splitlines())


def test_the_exit_code_of_each_worker_is_returned(run: Workers, paths: SweepPaths) -> None:
    script = "print('said', index); print('an error', file=sys.stderr); sys.exit({0: 0, 4: 3, 7: 1}[index])"
    assert run(script, workers=[0, 4, 7]) == [0, 3, 1]
    for index in (0, 4, 7):
        assert sorted(paths.worker_log(index).read_text(encoding="utf-8").splitlines()) == ["an error", f"said {index}"]


def test_each_worker_gets_its_share_of_the_machine(run: Workers, notes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,4")
    monkeypatch.setattr(devices, "num_cores", lambda: 8)
    script = "note(os.environ['OMP_NUM_THREADS'] + ' ' + os.environ['CUDA_VISIBLE_DEVICES'])"
    run(script, workers=[5, 6])
    assert lines(notes) == ["5 4 3", "5 start", "6 4 4", "6 start"]
    notes.unlink()
    run(script, threads=3)
    assert "0 3 3" in lines(notes)


def test_a_signal_reaches_every_worker_and_is_raised_as_its_exit_code(run: Workers, notes: Path) -> None:
    script = """
def stopped(number, frame):
    note(f"got {number}")
    sys.exit(128 + number)
signal.signal(signal.SIGINT, stopped)
note("ready")
while open(notes).read().count("ready") < 2:
    time.sleep(0.01)
if index == 1:
    os.kill(os.getppid(), signal.SIGINT)
time.sleep(60)
"""
    with pytest.raises(KeyboardInterrupt) as interrupt:
        run(script, workers=[0, 1])
    assert interrupt.value.args == (130,)
    assert [line for line in lines(notes) if "got" in line] == ["0 got 2", "1 got 2"]


def test_a_worker_that_finds_lost_files_stops_the_others(run: Workers) -> None:
    script = f"time.sleep(60) if index else sys.exit({FILES_LOST})"
    assert run(script, workers=[0, 1]) == [FILES_LOST, 128 + signal.SIGTERM]


def test_a_worker_that_does_not_stop_is_killed(run: Workers, notes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "grace_seconds", lambda: 0.2)
    script = """
signal.signal(signal.SIGTERM, lambda number, frame: note("received"))
note(f"pid {os.getpid()}")
os.kill(os.getppid(), signal.SIGTERM)
while True:
    time.sleep(60)
"""
    with pytest.raises(KeyboardInterrupt) as interrupt:
        run(script)
    assert interrupt.value.args == (143,)
    pid = next(int(line.split()[-1]) for line in lines(notes) if "pid" in line)
    assert not psutil.pid_exists(pid)
    assert "0 received" in lines(notes)


def test_a_worker_that_crashed_is_restarted(run: Workers, notes: Path) -> None:
    """Without a limit, if it crashes in a trial: the study limits the number of such trials."""
    script = f"""
if count() <= {supervisor.MAX_IDLE_CRASHES + 2}:
    begin_trial()
    os.kill(os.getpid(), signal.SIGKILL)
"""
    assert run(script) == [0]
    assert len(lines(notes)) == supervisor.MAX_IDLE_CRASHES + 3


def test_a_worker_that_used_too_much_memory_is_replaced(run: Workers, notes: Path) -> None:
    assert run(f"sys.exit({REPLACE} if count() < 6 else 0)") == [0]
    assert lines(notes) == ["0 start"] * 6


def test_a_worker_that_exits_with_an_error_is_not_restarted(run: Workers, notes: Path) -> None:
    assert run("sys.exit(1)") == [1]
    assert lines(notes) == ["0 start"]


def test_a_worker_that_cannot_start_stops_the_sweep(run: Workers, notes: Path, paths: SweepPaths) -> None:
    script = """
if index == 1:
    note(f"pid {os.getpid()}")
    time.sleep(60)
begin_trial() if count() == 1 else print("never starts", flush=True)
os.kill(os.getpid(), signal.SIGSEGV)
"""
    message = (
        rf"worker 0 was killed by signal 11 \(SIGSEGV\) before it started a trial, 3 times in a row; .*{paths.name}"
    )
    with pytest.raises(SweepStopped, match=message):
        run(script, workers=[0, 1])
    assert lines(notes).count("0 start") == 4, "the first crash was in a trial"
    pid = next(int(line.split()[-1]) for line in lines(notes) if "pid" in line)
    assert not psutil.pid_exists(pid), "the other worker is stopped too"


def test_a_missing_program_leaves_no_worker_running(paths: SweepPaths, notes: Path) -> None:
    def command(folder: Path, index: int, session: str) -> list[str]:
        sleeps = [sys.executable, "-S", "-c", "import time; time.sleep(60)"]
        return sleeps if index == 0 else [str(folder / "no such program")]

    before = set(psutil.Process().children())
    with pytest.raises(FileNotFoundError):
        run_workers(paths.folder, [0, 1], None, "session", command)
    started = set(psutil.Process().children()) - before
    assert not [child for child in started if child.status() != psutil.STATUS_ZOMBIE]


def test_the_command_of_a_worker_ends_with_its_parents_process_id(tmp_path: Path) -> None:
    command = worker_command(tmp_path, 3, "abc")
    assert command == [sys.executable, "-m", "mnistsweep.workers.worker", str(tmp_path), "3", "abc", str(os.getpid())]


def test_only_lines_of_the_current_process_count(tmp_path: Path) -> None:
    log = tmp_path / "0.log"
    log.write_text(f"{TRIAL_STARTS}3\nkilled\n", encoding="utf-8")
    assert has_started_trial(log, 0)
    assert not has_started_trial(log, log.stat().st_size - len("killed\n"))
    assert not has_started_trial(log, log.stat().st_size)


@pytest.mark.slow
def test_a_worker_stops_when_its_supervisor_has_exited(run_sweep: RunSweep, tmp_path: Path) -> None:
    sweep = run_sweep(["model.layer_size=int(interval(4,4000))", "oracle=random", "trials=1", "name=orphan"])
    record = sweep.paths.sweep.read_text(encoding="utf-8")
    sweep.paths.sweep.write_text(record.replace("trials: 1\n", "trials: 3000\n"), encoding="utf-8")
    code = "import sys; from pathlib import Path; from mnistsweep.workers.supervisor import run_workers\n"
    code += "run_workers(Path(sys.argv[1]), [0], None, 'second')"
    parent = subprocess.Popen([sys.executable, "-c", code, str(sweep.paths.folder)])
    try:
        wait_until(lambda: sweep.paths.results.read_text(encoding="utf-8").count("\n") > 3, parent)
        (worker,) = psutil.Process(parent.pid).children()
    finally:
        parent.kill()
        parent.wait()
    worker.wait(timeout=60)
    rows = sweep.paths.results.read_text(encoding="utf-8").splitlines()[1:]
    assert [int(row.split(",")[0]) for row in rows] == list(range(len(rows))), (
        "each finished trial is in the table once"
    )
    assert all(",completed," in row for row in rows)


def wait_until(met: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    """Wait until the condition is met; a process that exits before is an error."""
    while not met():
        assert process.poll() is None, "the sweep ended by itself"
        time.sleep(0.05)


CHILDREN = """
import subprocess
one = subprocess.Popen(["sleep", "1000"])
two = subprocess.Popen(["sleep", "1000"], start_new_session=True)
three = os.fork()
if three == 0:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(1000)
note(f"children {one.pid} {two.pid} {three}")
"""


def children_in(notes: Path) -> list[int]:
    return [int(pid) for line in lines(notes) if " children " in line for pid in line.split()[2:]]


@pytest.mark.parametrize("end", ["sys.exit(0)", "os.kill(os.getpid(), 9) if count() == 1 else sys.exit(0)"])
def test_processes_that_users_code_started_end_with_their_worker(end: str, run: Workers, notes: Path) -> None:
    assert run(f"begin_trial()\n{CHILDREN}\n{end}") == [0]
    children = children_in(notes)
    assert len(children) in (3, 6)
    assert [pid for pid in children if is_running(pid)] == []


def is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
