"""The trial that runs in this process, for programs that report and stop by themselves.

A program reports a value after each epoch, and ends when a stop is requested. The same program also runs alone: then
there is no sweep, reports do nothing, and no stop is requested.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol


class RunningTrial(Protocol):
    """A trial while it runs, as a program sees it."""

    @property
    def number(self) -> int | None:
        """Number of the trial, counted from 0; None outside of a sweep."""

    @property
    def values(self) -> Mapping[str, Any]:
        """Values of the swept keys; empty outside of a sweep."""

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
    values: Mapping[str, Any] = {}
    should_stop: bool = False

    def report(self, value: float, step: int | None = None) -> None:
        """Do nothing."""


@dataclass(frozen=True)
class Running:
    """What runs in this process.

    Attributes:
        trial: The trial.
        objective: Name of the objective; empty outside of a sweep.
        direction: Direction of the objective, ``max`` or ``min``; empty outside of a sweep.
    """

    trial: RunningTrial
    objective: str = ""
    direction: str = ""


# What runs in this process: its last entry. The first one stands for a program that runs alone.
_STACK = [Running(NoTrial())]


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
    return _STACK[-1].trial


def currently_running() -> Running:
    """The trial that runs in this process, with its objective."""
    return _STACK[-1]


@contextlib.contextmanager
def running(trial: RunningTrial, objective: str, direction: str) -> Iterator[None]:
    """Context in which `current_trial` returns a trial.

    Args:
        trial: Trial that this process runs.
        objective: Name of the objective.
        direction: Direction of the objective, ``max`` or ``min``.
    """
    _STACK.append(Running(trial, objective, direction))
    try:
        yield
    finally:
        _STACK.pop()
