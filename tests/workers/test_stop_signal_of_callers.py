"""Requests to stop in a process that goes on afterwards: a notebook, or a thread of a program."""

from __future__ import annotations

import os
import signal
import threading

from fakes import wait_until

from mnistsweep.stop_signal import StopSignal


def test_a_second_signal_does_not_end_a_notebook() -> None:
    before = signal.getsignal(signal.SIGINT)
    with StopSignal(second_ends_process=False) as stop:
        for _ in range(3):
            os.kill(os.getpid(), signal.SIGINT)
            wait_until(stop)
    assert stop.exit_code == 130
    assert signal.getsignal(signal.SIGINT) is before


def test_a_thread_receives_no_signals_and_changes_no_handlers() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    found: list[bool] = []

    def run() -> None:
        with StopSignal() as stop:
            found.append(stop())
            found.append((signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before)
            stop.request()
            found.append(stop())

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert found == [False, True, True]
