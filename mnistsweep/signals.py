"""SIGINT and SIGTERM as a request to stop, noticed at the next batch; and a parent that is gone, likewise."""

from __future__ import annotations

import os
import signal
from types import FrameType, TracebackType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopSignal:
    """A context in which the first signal asks to stop, and the second ends the process at once.

    Args:
        watch_parent: Whether the end of the parent process counts as a request to stop: a worker on this machine does not
            outlive the sweep that started it.

    Attributes:
        received: The signal's number; None as long as there was none.
    """

    def __init__(self, watch_parent: bool = False) -> None:
        self.received: int | None = None
        self._parent = os.getppid() if watch_parent else None
        self._before: dict[int, Any] = {}

    def __call__(self) -> bool:
        """Whether to stop."""
        return self.received is not None or (self._parent is not None and os.getppid() != self._parent)

    @property
    def exit_code(self) -> int:
        """128 plus the signal's number, as shells have it; 130 for SIGINT."""
        return 128 + (self.received or signal.SIGTERM)

    def __enter__(self) -> StopSignal:
        for number in SIGNALS:
            self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.received is not None:
            os._exit(128 + number)
        self.received = number
