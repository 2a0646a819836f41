"""A trial as the function of a user sees it: its values, its folder, reports, and whether to stop."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from numbers import Real
from pathlib import Path
from typing import Any, NoReturn

from mnistsweep.errors import ConfigError, TrialFailed, TrialLimited
from mnistsweep.intervals import MAX_WHOLE
from mnistsweep.study.claim import Claim

Report = Callable[[int, float], bool]


class Trial:
    """One trial of a sweep, the argument of a function of a trial.

    Attributes:
        number: Number of the trial, counted from 0.
        values: Values of the trial by key; a dimension that is not active has none.
        seed: Seed of the trial, from the seed of the sweep and the trial's number. `random`, `numpy`, and PyTorch and
            Keras where they are imported, are seeded with it before the trial.
        folder: Absolute path of the trial's folder, for files of the function. A trial that is run again after its
            process was killed finds the files of the attempt before.

    Example:
        >>> def objective(trial):
        ...     error = 1.0
        ...     for step in range(1, 10):
        ...         error *= trial.values["rate"]
        ...         trial.report(error, step)
        ...         if trial.should_stop:
        ...             break
        ...     return error
    """

    def __init__(
        self,
        claim: Claim,
        folder: Path,
        report: Report,
        should_stop: Callable[[], bool],
        timeout_minutes: float | None = None,
    ) -> None:
        """Make the trial of a claim.

        Args:
            claim: Claim on the trial.
            folder: Absolute path of the trial's folder.
            report: Function that records a step and its value, and returns whether the pruner stops the trial.
            should_stop: Function that returns whether the worker is asked to stop.
            timeout_minutes: Maximum duration of the trial in minutes; None: no limit.
        """
        self.number = claim.number
        self.values: Mapping[str, Any] = dict(claim.point)
        self.seed = claim.seed
        self.folder = folder
        self.reports: dict[int, float] = {}
        self.is_pruned = False
        self.is_interrupted = False
        self.seconds_at_start = time.perf_counter()
        self._report = report
        self._should_stop = should_stop
        self._timeout_minutes = timeout_minutes
        self._is_pruned_by_report = False

    def __repr__(self) -> str:
        return f"Trial(number={self.number}, values={self.values})"

    @property
    def seconds(self) -> float:
        """Time since the start of the trial, in seconds."""
        return time.perf_counter() - self.seconds_at_start

    def report(self, value: float, step: int | None = None) -> None:
        """Report the objective after a step: for the learning curve, the display, and the pruner.

        Args:
            value: Objective after the step.
            step: Number of the step, usually the epoch, counted from 1; None: the one after the last step.

        Raises:
            TrialFailed: The value is NaN or infinite: the trial fails.
            TrialLimited: The trial takes longer than `trial.timeout_minutes`.
            ConfigError: The value is no number, or the step is no whole number.
        """
        self._check_time()
        number = as_number(value)
        step = max(self.reports, default=0) + 1 if step is None else step
        if number is None:
            raise ConfigError(f"trial.report: the value must be a number; received {type(value).__name__}.")
        if isinstance(step, bool) or step != (whole := int(step)) or not 0 <= whole <= MAX_WHOLE:
            raise ConfigError(f"trial.report: the step must be a whole number from 0; received {step!r}.")
        if not math.isfinite(number):
            raise TrialFailed(f"the reported value became {number} at step {whole}")
        self.reports[whole] = number
        self._is_pruned_by_report = self._report(whole, number) or self._is_pruned_by_report

    @property
    def should_stop(self) -> bool:
        """Whether the function should return now, because the pruner gave the trial up or a stop was requested.

        A trial that is given up is recorded as pruned, with the value that the function returns, or else the best that
        it has reported. After a requested stop (Ctrl-C, `mnistsweep stop`) whatever the function returns is discarded:
        the trial is run again when the sweep is continued. The check is cheap enough for each batch.

        Raises:
            TrialLimited: The trial takes longer than `trial.timeout_minutes`.
        """
        self._check_time()
        if self._should_stop():
            self.is_interrupted = True
        elif self._is_pruned_by_report:
            self.is_pruned = True
        return self.is_interrupted or self.is_pruned

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("suggest_"):
            raise AttributeError(f"a trial has no {name}: the space is declared once, space={{...}}; read trial.values")
        raise AttributeError(f"a trial has no attribute {name!r}")

    def _check_time(self) -> None:
        minutes = self.seconds / 60
        if self._timeout_minutes is not None and minutes > self._timeout_minutes:
            limit = f"trial.timeout_minutes={self._timeout_minutes:g}"
            raise TrialLimited(f"timed out after {minutes:.3g} minutes ({limit})")


def as_number(value: Any) -> float | None:
    """A number, or an array or tensor that holds a single number, as a float; None for anything else.

    Example:
        >>> as_number(2), as_number("2"), as_number(True)
        (2.0, None, None)
    """
    if isinstance(value, bool) or getattr(getattr(value, "dtype", None), "kind", "") == "b":
        return None
    is_single = isinstance(value, Real) or (hasattr(value, "__float__") and getattr(value, "ndim", None) == 0)
    return float(value) if is_single else None
