"""How a worker and the process that watches it talk: a signal asks it to stop, a line in its log says that it works."""

from __future__ import annotations

import os
import signal
from types import FrameType, TracebackType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopSignal:
    """A context in which the first signal asks to stop, and the second ends the process at once.

    Args:
        parent: The process number of the parent whose end counts as a request to stop: a worker on this machine does
            not outlive the sweep that started it. None: nobody's end does.

    Attributes:
        received: The signal's number; None as long as there was none.

    Example:
        >>> with StopSignal() as stop:
        ...     stop()
        False
    """

    def __init__(self, parent: int | None = None) -> None:
        self.received: int | None = None
        self._parent = parent
        self._before: dict[int, Any] = {}

    def __call__(self) -> bool:
        """Whether to stop."""
        return self.received is not None or (self._parent is not None and os.getppid() != self._parent)

    def ask(self) -> None:
        """Ask to stop, as SIGTERM does; asking twice is no second signal."""
        if self.received is None:
            self.received = signal.SIGTERM

    @property
    def exit_code(self) -> int:
        """128 plus the signal's number, as shells have it; 143, as for SIGTERM, where the parent is gone."""
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
