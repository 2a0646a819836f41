"""`mnistsweep.repeating_thread`: a function called at regular intervals, and one at the end."""

from __future__ import annotations

import threading

from mnistsweep.repeating_thread import RepeatingThread


def test_the_function_is_called_again_and_again_and_the_last_one_once() -> None:
    calls: list[str] = []
    three = threading.Event()

    def call() -> None:
        calls.append(threading.current_thread().name)
        if len(calls) == 3:
            three.set()

    thread = RepeatingThread("calls", 0.001, call, lambda: calls.append("end"))
    thread.start()
    assert three.wait(10)
    thread.stop()
    assert not thread.is_alive()
    assert calls == ["calls"] * (len(calls) - 1) + ["end"]


def test_a_thread_that_is_stopped_at_once_calls_only_the_last_function() -> None:
    calls: list[str] = []
    thread = RepeatingThread("calls", 60.0, lambda: calls.append("call"), lambda: calls.append("end"))
    thread.start()
    thread.stop()
    assert calls == ["end"]


def test_a_thread_is_waited_for_only_as_long_as_the_timeout() -> None:
    release = threading.Event()
    thread = RepeatingThread("calls", 60.0, lambda: None, release.wait)
    thread.start()
    thread.stop(0.01)
    assert thread.is_alive()
    release.set()
    thread.stop()
    assert not thread.is_alive()
