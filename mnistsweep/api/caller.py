"""The program that calls `mnistsweep.sweep`: it keeps its settings, gets its signals, and runs one sweep at a time."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sys
import threading
from collections.abc import Iterator

import numpy as np

from mnistsweep.errors import StudyError
from mnistsweep.workers.messages import SIGNALLED

_running = threading.Lock()


@contextlib.contextmanager
def single_call() -> Iterator[None]:
    """Context of the only call in this process.

    Raises:
        StudyError: Another thread runs a sweep.
    """
    if not _running.acquire(blocking=False):
        raise StudyError(
            "mnistsweep.sweep: another sweep runs in this process, and Hydra composes one configuration at a time; "
            "wait for it, or start another process."
        )
    try:
        yield
    finally:
        _running.release()


@contextlib.contextmanager
def same_settings() -> Iterator[None]:
    """Context after which the settings of the process are those from before it.

    The check of a model builds it, and clears Keras's session: that would reset the dtype policy of a notebook, and
    draw from its random number generators.
    """
    states = random.getstate(), np.random.get_state()
    before, had_keras = dict(os.environ), "keras" in sys.modules
    with contextlib.ExitStack() as stack:
        if had_keras:
            from mnistsweep.training.process_state import restored_process_state

            stack.enter_context(restored_process_state())
        try:
            yield
        finally:
            random.setstate(states[0])
            np.random.set_state(states[1])
            if had_keras or "keras" not in sys.modules:  # the import of a backend sets variables that it reads later
                for name in os.environ.keys() - before.keys():
                    del os.environ[name]
                os.environ.update(before)


def interrupt(code: int) -> None:
    """Interrupt the program as the signal would have done that stopped its sweep.

    Args:
        code: Exit code of a sweep that was interrupted: 128 + the number of the signal.

    Raises:
        KeyboardInterrupt: The signal was SIGINT, or the program goes on after the other signal.
    """
    number = code - SIGNALLED
    if number != signal.SIGINT and threading.current_thread() is threading.main_thread():
        signal.raise_signal(number)
    raise KeyboardInterrupt(code)
