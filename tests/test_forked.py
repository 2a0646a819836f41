"""Users' code in a copy of the process: results, exceptions, crashes, Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from mnistsweep.forked import ProcessDied, iterate


@pytest.fixture(autouse=True)
def without_keras(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "keras", raising=False)


def test_results_arrive_from_another_process() -> None:
    here = os.getpid()
    assert [number for number in iterate(lambda: [os.getpid(), os.getppid()]) if number == here] == [here]


def test_an_exception_is_raised_after_the_results_before_it() -> None:
    def fail() -> Iterator[int]:
        yield 1
        raise SystemExit("no more")

    results = iterate(fail)
    assert next(results) == 1
    with pytest.raises(SystemExit, match="no more"):
        next(results)


class WithTwoArguments(Exception):
    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} {second}")


def test_what_cannot_be_pickled_is_an_error_with_a_description(capfd: pytest.CaptureFixture[str]) -> None:
    class Local(Exception):
        pass

    for error, message in (
        (Local("of a function"), "Local: of a function"),
        (WithTwoArguments("no", "row"), "WithTwoArguments: no row"),
    ):

        def fail(error: Exception = error) -> Iterator[int]:
            raise error

        with pytest.raises(RuntimeError, match=f"^{message}$"):
            list(iterate(fail))
    with pytest.raises(Exception, match="pickle"):
        list(iterate(lambda: [lambda: 0]))
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("end", "message"),
    [
        (lambda: os.kill(os.getpid(), signal.SIGKILL), "was killed by SIGKILL"),
        (lambda: os._exit(0), "ended with exit code 0"),
        (lambda: os._exit(7), "ended with exit code 7"),
    ],
    ids=["signal", "exit 0", "exit 7"],
)
def test_a_process_that_dies_is_named_after_its_results(end: object, message: str) -> None:
    def die() -> Iterator[int]:
        yield 1
        end()  # type: ignore[operator]

    results = iterate(die)
    assert next(results) == 1
    with pytest.raises(ProcessDied, match=f"^{message}$"):
        next(results)


def test_a_process_with_keras_calls_the_function_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keras", sys)
    assert list(iterate(lambda: [os.getpid()])) == [os.getpid()]


BLOCKED = """
import ctypes, os, signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # also where a shell started the tests in the background
from mnistsweep.forked import iterate
def block():
    yield os.getpid()
    mutex = ctypes.create_string_buffer(64)
    lock = ctypes.PyDLL(None).pthread_mutex_lock  # keeps the interpreter's lock: no Python handler runs
    lock(mutex)
    lock(mutex)
results = iterate(block)
print(next(results), flush=True)
next(results)
"""


def test_ctrl_c_ends_a_process_that_does_not_notice_it() -> None:
    command = [sys.executable, "-c", BLOCKED]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert errors.rstrip().endswith(b"KeyboardInterrupt")
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def test_ctrl_c_between_two_results_ends_it_too() -> None:
    command = [sys.executable, "-c", BLOCKED.replace("\nnext(results)", "\nraise KeyboardInterrupt")]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert done.stderr.rstrip().endswith(b"KeyboardInterrupt")
    with pytest.raises(ProcessLookupError):
        os.kill(int(done.stdout), 0)


def test_processes_that_users_code_started_end_with_the_copy() -> None:
    def start() -> Iterator[int]:
        yield subprocess.Popen(["sleep", "1000"]).pid
        yield subprocess.Popen(["sleep", "1000"], start_new_session=True).pid

    started = list(iterate(start))
    for pid in started:
        assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    assert len(started) == 2
