"""A thread that calls a function at regular intervals."""

from __future__ import annotations

import threading
from collections.abc import Callable


class RepeatingThread(threading.Thread):
    """Daemon thread that calls a function again and again until it is stopped.

    Args:
        name: Name of the thread.
        seconds: Time before each call, in seconds.
        function: Function to call. An error of it ends the thread.
        at_end: Function that is called once, on this thread, after the thread was asked to stop.
    """

    def __init__(
        self,
        name: str,
        seconds: float,
        function: Callable[[], object],
        at_end: Callable[[], object] = lambda: None,
    ) -> None:
        super().__init__(name=name, daemon=True)
        self._seconds = seconds
        self._function = function
        self._at_end = at_end
        self._stopping = threading.Event()

    def run(self) -> None:
        """Call the functions; `start` calls this method on the new thread."""
        while not self._stopping.wait(self._seconds):
            self._function()
        self._at_end()

    def stop(self, timeout: float | None = None) -> None:
        """Ask the thread to stop, and wait until it has ended.

        Args:
            timeout: Maximum time to wait in seconds; None: no limit.
        """
        self._stopping.set()
        self.join(timeout)
