"""Requests to stop: signals, the exit of the parent, and the times of stopping."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from mnistsweep.errors import ConfigError
from mnistsweep.stop_signal import StopSignal
from mnistsweep.study.leases import HEARTBEATS_PER_LEASE, LEASE_SECONDS, MAX_HEARTBEAT_SECONDS
from mnistsweep.workers import stopping
from mnistsweep.workers.stopping import grace_seconds, unresponsive_seconds

# Blocks the main thread in native code, which signals do not interrupt, as a long TensorFlow operation does.
# `CDLL` releases the global interpreter lock for the call.
BLOCK = """
import ctypes
def block(library=ctypes.CDLL):
    lock = library(None).pthread_mutex_lock
    mutex = ctypes.create_string_buffer(64)
    lock(mutex)
    lock(mutex)
"""


def run_code(code: str) -> subprocess.CompletedProcess[str]:
    code = f"import os, signal\nfrom mnistsweep.stop_signal import StopSignal\n{code}"
    return subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=60)


def test_a_signal_is_a_request_to_stop_and_the_handlers_are_restored() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with StopSignal() as stop:
        assert not stop()
        assert stop.seconds_since_request == 0
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop()
        assert stop.seconds_since_request >= 0
    assert (stop.received, stop.exit_code) == (signal.SIGTERM, 143)
    assert signal.getsignal(signal.SIGTERM) is before
    previous = signal.set_wakeup_fd(-1)
    assert previous == -1


def test_a_signal_is_recorded_without_the_main_thread() -> None:
    """The main thread is inside native code, so that it runs no signal handler."""
    done = run_code(f"""{BLOCK}
import threading
with StopSignal() as stop:
    stop.call_on_request(lambda: os._exit(40 + stop.received))
    threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGTERM)).start()
    block()
""")
    assert done.returncode == 55, done.stderr


@pytest.mark.parametrize("blocked", [False, True])
def test_the_second_signal_ends_the_process_at_once(blocked: bool) -> None:
    done = run_code(f"""{BLOCK}
import threading, time
def send():
    os.kill(os.getpid(), signal.SIGINT)
    while not stop():
        time.sleep(0.01)
    assert stop.exit_code == 130
    os.kill(os.getpid(), signal.SIGTERM)
with StopSignal() as stop:
    threading.Thread(target=send).start()
    block() if {blocked} else time.sleep(60)
    raise SystemExit("still here")
""")
    assert done.returncode == 143, done.stderr


def test_the_second_signal_waits_until_the_first_one_is_recorded() -> None:
    done = run_code("""
import time
def record():
    time.sleep(0.2)
    print("recorded", flush=True)
with StopSignal() as stop:
    stop.call_on_request(record)
    os.kill(os.getpid(), signal.SIGINT)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(60)
""")
    assert (done.returncode, done.stdout) == (143, "recorded\n"), done.stderr


def test_signals_of_a_forked_child_are_its_own() -> None:
    """A data loader in the process group of the worker receives the same signal; it ignores the first one."""
    done = run_code("""
with StopSignal() as stop:
    child = os.fork()
    if child == 0:
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
        os._exit(1)
    status = os.waitpid(child, 0)[1]
    assert os.waitstatus_to_exitcode(status) == 143
    assert not stop()
""")
    assert done.returncode == 0, done.stderr


def test_the_parent_ends_a_forked_child_of_a_command_by_one_signal() -> None:
    """As `multiprocessing.Pool.terminate` does in a report; only the main process is interrupted."""
    done = run_code("""
import time
with StopSignal(interrupts=True) as stop:
    ready, started = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(started, b"!")
        time.sleep(60)
        os._exit(1)
    os.read(ready, 1)
    os.kill(child, signal.SIGTERM)
    status = os.waitpid(child, 0)[1]
    assert os.waitstatus_to_exitcode(status) == -signal.SIGTERM
    assert not stop()
""")
    assert done.returncode == 0, done.stderr


def test_the_first_signal_interrupts_the_main_thread_once() -> None:
    done = run_code("""
import time
try:
    with StopSignal(interrupts=True) as stop:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(60)
        except KeyboardInterrupt as interrupt:
            print(interrupt.args, stop(), stop.exit_code, flush=True)
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(60)
finally:
    print("not reached", flush=True)
""")
    assert (done.returncode, done.stdout) == (130, "(143,) True 143\n"), done.stderr


def test_the_exit_of_the_parent_is_a_request_to_stop() -> None:
    with StopSignal(parent=os.getppid()) as stop:
        assert not stop()
    with StopSignal(parent=os.getpid()) as stop:  # as if the parent had exited before the worker started
        assert stop()
    assert stop.exit_code == 143


@pytest.mark.parametrize("requested_before", [False, True])
def test_a_request_calls_the_callback_once(requested_before: bool) -> None:
    called = threading.Semaphore(0)
    stop = StopSignal()
    if requested_before:
        stop.request()
    stop.call_on_request(called.release)
    stop.request()
    stop.request()
    assert called.acquire(timeout=10)
    assert not called.acquire(blocking=False)


def test_the_supervisor_waits_longer_than_the_watchdog_needs() -> None:
    """The watchdog looks with every heartbeat; then it waits for the ledger lock and releases the trial."""
    interval = min(LEASE_SECONDS / HEARTBEATS_PER_LEASE, MAX_HEARTBEAT_SECONDS)
    assert unresponsive_seconds() == stopping.DEFAULT_UNRESPONSIVE_SECONDS
    assert grace_seconds() == unresponsive_seconds() + MAX_HEARTBEAT_SECONDS + stopping.RELEASE_SECONDS
    assert grace_seconds() > unresponsive_seconds() + interval + 1


def test_the_times_follow_the_environment_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    before = grace_seconds() - unresponsive_seconds()
    monkeypatch.setenv(stopping.UNRESPONSIVE_VARIABLE, "60")
    assert (unresponsive_seconds(), grace_seconds() - unresponsive_seconds()) == (60, before)


@pytest.mark.parametrize("value", ["", "soon", "0", "-1", "nan", "inf"])
def test_a_time_that_cannot_be_used_is_named(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(stopping.UNRESPONSIVE_VARIABLE, value)
    rule = f"MNISTSWEEP_UNRESPONSIVE_SECONDS: must be a positive number of seconds; received '{value}'."
    with pytest.raises(ConfigError, match=rule):
        unresponsive_seconds()
