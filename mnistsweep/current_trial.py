"""The trial that runs in this process, for programs that report and stop by themselves.

A program reports a value after each epoch, and ends when a stop is requested. The same program also runs alone: then
there is no sweep, reports do nothing, and no stop is requested.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any, Protocol


class RunningTrial(Protocol):
    """A trial while it runs, as a program sees it."""

    @property
    def number(self) -> int | None:
        """Number of the trial, counted from 0; None outside of a sweep."""

    @property
    def params(self) -> Mapping[str, Any]:
        """Values of the swept keys; empty outside of a sweep."""

    @property
    def objective(self) -> str:
        """Name of the objective; empty outside of a sweep."""

    @property
    def direction(self) -> str:
        """Direction of the objective, ``max`` or ``min``; empty outside of a sweep."""

    @property
    def should_stop(self) -> bool:
        """Whether the program should end this trial now: the pruner stops it, or the sweep is asked to stop."""

    def report(self, value: float, step: int | None = None) -> None:
        """Report the objective after a step, such as an epoch.

        Args:
            value: Objective after the step.
            step: Number of the step, counted from 1; None: the next one.
        """


class NoTrial:
    """The trial of a program that runs alone: reports do nothing, and no stop is requested."""

    number: int | None = None
    params: Mapping[str, Any] = {}
    objective: str = ""
    direction: str = ""
    should_stop: bool = False

    def report(self, value: float, step: int | None = None) -> None:
        """Do nothing."""


_NO_TRIAL = NoTrial()
_running: RunningTrial | None = None


def current_trial() -> RunningTrial:
    """The trial that runs in this process; outside of a sweep, one that does nothing.

    Example:
        >>> trial = current_trial()
        >>> for epoch in range(1, 4):
        ...     trial.report(1 / epoch, epoch)
        ...     if trial.should_stop:
        ...         break
        >>> epoch, trial.number
        (3, None)
    """
    return _running or _NO_TRIAL


@contextlib.contextmanager
def running(trial: RunningTrial) -> Iterator[None]:
    """Context in which `current_trial` returns a trial.

    Args:
        trial: Trial that this process runs.
    """
    global _running  # a process runs one trial at a time
    before, _running = _running, trial
    try:
        yield
    finally:
        _running = before
