"""Requests to stop, and all times of stopping: the only module that defines either.

A request to stop is a signal (SIGINT, SIGTERM), `mnistsweep stop`, or the exit of the process that started a worker.
A worker that is asked to stop does so in these steps:

1. `StopSignal` records the request, and the worker marks its heartbeats (`Lease.announce_stop`): however its process
   ends from then on, the end does not count as a crash of its trial.
2. The training stops at its next batch, and the worker releases its trial.
3. A training that has not stopped after `unresponsive_seconds()`, because one compiled batch takes longer, is ended by
   the worker's own `Watchdog`, which releases the trial first.
4. A worker that still runs after `grace_seconds()` is killed by its supervisor, which then removes the worker's
   heartbeat. This covers a worker that could do none of the above, for example because native code holds Python's
   global interpreter lock.
"""

from __future__ import annotations

import contextlib
import math
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

from mnistsweep.errors import ConfigError
from mnistsweep.study.leases import MAX_HEARTBEAT_SECONDS

SIGNALS = (signal.SIGINT, signal.SIGTERM)

DEFAULT_UNRESPONSIVE_SECONDS = 7.0
"""Time that a training has to stop: less than the 10 s after which Docker kills a container that it asked to stop."""

UNRESPONSIVE_VARIABLE = "MNISTSWEEP_UNRESPONSIVE_SECONDS"
"""Environment variable that replaces the default above: to wait for longer batches, or to keep a test short."""

RELEASE_SECONDS = 3.0
"""Time that the watchdog has to release the trial: other workers may hold the ledger lock for a while."""

RECORD_SECONDS = 1.0
"""Time that the second signal leaves the callback of the first one to finish, before it ends the process."""


def unresponsive_seconds() -> float:
    """Time after a request to stop, in seconds, after which the watchdog ends a worker that still trains.

    Raises:
        ConfigError: The environment variable holds no positive number.
    """
    text = os.environ.get(UNRESPONSIVE_VARIABLE, str(DEFAULT_UNRESPONSIVE_SECONDS))
    with contextlib.suppress(ValueError):
        if 0 < (seconds := float(text)) < math.inf:
            return seconds
    raise ConfigError(f"{UNRESPONSIVE_VARIABLE}: must be a positive number of seconds; received {text!r}.")


def grace_seconds() -> float:
    """Time after a request to stop, in seconds, after which a supervisor kills a worker.

    It is longer than the watchdog needs, which makes its checks at least every `MAX_HEARTBEAT_SECONDS`.

    Raises:
        ConfigError: The environment variable of `unresponsive_seconds` holds no positive number.
    """
    return unresponsive_seconds() + MAX_HEARTBEAT_SECONDS + RELEASE_SECONDS


class StopSignal:
    """Context in which the first signal is a request to stop, and the second signal ends the process at once.

    The interpreter runs Python's signal handlers on the main thread between two bytecode instructions, so not while the
    main thread is inside a long TensorFlow operation. Here the C-level handler writes the signal's number to a socket
    (`signal.set_wakeup_fd`), from which a thread reads it at once.

    Must be entered on the main thread. Processes that are forked meanwhile (data loaders) do not write to the socket.

    Args:
        parent: Process ID of the process whose exit is a request to stop; None: no process. A worker on this machine
            stops when the sweep that started it has exited.
        monotonic: Clock in seconds.

    Attributes:
        received: Number of the first signal; SIGTERM for a request without a signal; None before any request.

    Example:
        >>> with StopSignal() as stop:
        ...     stop()
        False
    """

    def __init__(self, parent: int | None = None, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.received: int | None = None
        self._parent = parent
        self._monotonic = monotonic
        self._requested_at = 0.0
        self._callback: Callable[[], None] | None = None
        self._callback_thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._is_forked_child = False
        self._previous_handlers: dict[int, Any] = {}

    def __call__(self) -> bool:
        """Whether there has been a request to stop."""
        if self.received is None and _active is self:
            self._read_signals()
        if self.received is None and self._parent is not None and os.getppid() != self._parent:
            self.request()
        return self.received is not None

    def request(self) -> None:
        """Request to stop, as SIGTERM does; a repeated request changes nothing."""
        with self._lock:
            if self.received is None:
                self._record(signal.SIGTERM)

    def call_on_request(self, callback: Callable[[], None]) -> None:
        """Set a function that is called once, on a thread of its own, as soon as there is a request to stop.

        Args:
            callback: Function that is called at once if there has been a request already. Its errors are ignored.
        """
        with self._lock:
            self._callback = callback
            if self.received is not None:
                self._start_callback()

    @property
    def seconds_since_request(self) -> float:
        """Time since the first request to stop in seconds; 0 before any request."""
        return 0.0 if self.received is None else self._monotonic() - self._requested_at

    @property
    def exit_code(self) -> int:
        """Exit code of the stopped process: 128 plus the signal's number, as in shells; 143 without a signal."""
        return 128 + (self.received or signal.SIGTERM)

    def __enter__(self) -> StopSignal:
        self._reader, self._writer = socket.socketpair()
        self._writer.setblocking(False)
        self._previous_fd = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        for number in SIGNALS:
            self._previous_handlers[number] = signal.signal(number, self._handle)
        self._previous_active = _activate(self)
        self._thread = threading.Thread(target=self._read_until_closed, name="stop signals", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._previous_handlers.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._previous_fd)
        self._writer.shutdown(socket.SHUT_WR)  # `close` would not end the stream while a forked child holds a copy
        self._thread.join()
        _activate(self._previous_active)
        self._writer.close()
        self._reader.close()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        """Handle a signal where the thread does not: in a forked child, which ignores the first signal."""
        if self._is_forked_child:
            if self.received is not None:
                os._exit(128 + number)
            self.received = number

    def detach_forked_child(self) -> None:
        """Keep this process, a forked child, from writing its signals to the socket of its parent."""
        signal.set_wakeup_fd(-1)
        self._is_forked_child = True
        self._lock = threading.Lock()  # another thread of the parent may have held it

    def _read_until_closed(self) -> None:
        is_open = True
        while is_open:
            self._reader.recv(1, socket.MSG_PEEK)  # waits for a signal, or the end of the stream
            is_open = self._read_signals()

    def _read_signals(self) -> bool:
        """Record the signals that have arrived; whether the socket is still open."""
        with self._lock:  # so that a signal that one thread has read is recorded when another thread asks for it
            if self._is_forked_child:
                return False
            try:
                numbers = self._reader.recv(64, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return True
            for number in numbers:
                if number in SIGNALS:  # the socket receives every signal that has a Python handler
                    self._record(number)
            return bool(numbers)

    def _record(self, number: int) -> None:
        """Record a request to stop; the second one ends the process. The caller holds the lock."""
        if self.received is not None:
            if self._callback_thread is not None:
                self._callback_thread.join(RECORD_SECONDS)
            os._exit(128 + number)
        self._requested_at = self._monotonic()
        self.received = number
        self._start_callback()

    def _start_callback(self) -> None:
        if self._callback is not None:
            self._callback_thread = threading.Thread(target=_run, args=(self._callback,), daemon=True)
            self._callback_thread.start()


# The innermost `StopSignal` that is entered, if any.
_active: StopSignal | None = None


def _activate(stop: StopSignal | None) -> StopSignal | None:
    global _active  # signal handlers and forks are global to the process too
    previous, _active = _active, stop
    return previous


def _detach_forked_child() -> None:
    if _active is not None:
        _active.detach_forked_child()


def _run(callback: Callable[[], None]) -> None:
    with contextlib.suppress(Exception):  # the process stops with or without it
        callback()


os.register_at_fork(after_in_child=_detach_forked_child)
