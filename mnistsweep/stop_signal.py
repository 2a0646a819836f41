"""Signals that ask this process to stop: the first one is a request, the second one ends the process at once."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)

RECORD_SECONDS = 1.0
"""Time that the second signal leaves the callback of the first one to finish, before it ends the process."""

# Control sequence that shows the cursor of a terminal, which progress bars hide.
_SHOW_CURSOR = b"\x1b[?25h"


class StopSignal:
    """Context in which the first signal is a request to stop, and the second signal ends the process at once.

    The interpreter runs Python's signal handlers on the main thread between two bytecode instructions, so not while the
    main thread is inside a long TensorFlow operation. Here the C-level handler writes the signal's number to a socket
    (`signal.set_wakeup_fd`), from which a thread reads it at once.

    On another thread than the main one no signals are received: only `request` asks to stop. Processes that are forked
    meanwhile (data loaders) do not write to the socket.

    Args:
        parent: Process ID of the process whose exit is a request to stop; None: no process. A worker on this machine
            stops when the sweep that started it has exited.
        monotonic: Clock in seconds.
        interrupts: Whether the first signal raises `KeyboardInterrupt` on the main thread, with the exit code as its
            argument. This is for code that cannot ask whether it should stop.
        second_ends_process: Whether the second signal ends the process at once. A notebook would lose its variables.
        further_signals: Numbers of signals that are requests beside SIGINT and SIGTERM, such as that of a batch system.

    Attributes:
        received: Number of the first signal; SIGTERM for a request without a signal; None before any request.

    Example:
        >>> with StopSignal() as stop:
        ...     stop()
        False
    """

    def __init__(
        self,
        parent: int | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        interrupts: bool = False,
        second_ends_process: bool = True,
        further_signals: tuple[int, ...] = (),
    ) -> None:
        self._signals = (*SIGNALS, *further_signals)
        self.received: int | None = None
        self._interrupts = interrupts
        self._second_ends_process = second_ends_process
        self._is_receiving = False
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
        if threading.current_thread() is not threading.main_thread():
            return self
        self._is_receiving = True
        self._reader, self._writer = socket.socketpair()
        self._writer.setblocking(False)
        self._previous_fd, self._previous_handlers = self.handle_signals()
        self._previous_active = _activate(self)
        self._thread = threading.Thread(target=self._read_until_closed, name="stop signals", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._is_receiving:
            return
        self._restore_handlers()
        signal.set_wakeup_fd(self._previous_fd)
        self._writer.shutdown(socket.SHUT_WR)  # `close` would not end the stream while a forked child holds a copy
        self._thread.join()
        _activate(self._previous_active)
        self._writer.close()
        self._reader.close()

    def handle_signals(self) -> tuple[int, dict[int, Any]]:
        """Receive the signals from now on; a repeated call takes them back from code that has set handlers of its own.

        Must be called on the main thread.

        Returns:
            What received the signals before: the file descriptor of `signal.set_wakeup_fd`, and the handlers.
        """
        previous = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        return previous, {number: signal.signal(number, self._handle) for number in self._signals}

    def _restore_handlers(self) -> None:
        for number, handler in self._previous_handlers.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        """Do what the thread cannot do: interrupt the main thread, or act in a forked child.

        A forked child ignores the first signal, except where signals interrupt: there it has the handlers from before.
        """
        if self._is_forked_child and self._interrupts:  # the signal came before `detach_forked_child`
            signal.raise_signal(number)
        elif self._is_forked_child:
            if self.received is not None:
                os._exit(128 + number)
            self.received = number
        elif self._interrupts:
            self._interrupts = False  # the second signal ends the process
            raise KeyboardInterrupt(128 + number)

    def detach_forked_child(self) -> None:
        """Keep this process, a forked child, from writing its signals to the socket of its parent.

        Where signals interrupt, the child has the handlers from before, so that its parent can end it by a signal.
        """
        signal.set_wakeup_fd(-1)
        if self._interrupts:
            self._restore_handlers()
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
                if number in self._signals:  # the socket receives every signal that has a Python handler
                    self._record(number)
            return bool(numbers)

    def _record(self, number: int) -> None:
        """Record a request to stop; the second one ends the process. The caller holds the lock."""
        if self.received is not None:
            if not self._second_ends_process:
                return
            if self._callback_thread is not None:
                self._callback_thread.join(RECORD_SECONDS)
            _show_cursor()
            os._exit(128 + number)
        self._requested_at = self._monotonic()
        self.received = number
        self._start_callback()

    def _start_callback(self) -> None:
        if self._callback is not None:
            self._callback_thread = threading.Thread(target=_run, args=(self._callback,), daemon=True)
            self._callback_thread.start()


def interrupt_code(interrupt: KeyboardInterrupt) -> int:
    """Return the exit code for an interrupt: its argument, or that of SIGINT if code of a user raised it.

    Args:
        interrupt: Interrupt that ends the process.

    Example:
        >>> interrupt_code(KeyboardInterrupt(143)), interrupt_code(KeyboardInterrupt())
        (143, 130)
    """
    code = interrupt.args[0] if interrupt.args else None
    return code if isinstance(code, int) else 128 + signal.SIGINT


# The innermost `StopSignal` that is entered, if any.
_active: StopSignal | None = None


def _activate(stop: StopSignal | None) -> StopSignal | None:
    global _active  # signal handlers and forks are global to the process too
    previous, _active = _active, stop
    return previous


def _detach_forked_child() -> None:
    if _active is not None:
        _active.detach_forked_child()


def _show_cursor() -> None:
    """Show the cursor of the terminal: the process ends without the end of its progress bar, which had hidden it."""
    for descriptor in (1, 2):
        if os.isatty(descriptor):
            os.write(descriptor, _SHOW_CURSOR)


def _run(callback: Callable[[], None]) -> None:
    with contextlib.suppress(Exception):  # the process stops with or without it
        callback()


os.register_at_fork(after_in_child=_detach_forked_child)
