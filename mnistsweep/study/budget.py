"""The budget of a sweep: when it ends, and how many trials may fail."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mnistsweep.errors import SweepStopped
from mnistsweep.study.records import State, TrialRecord


@dataclass(frozen=True)
class Budget:
    """Limits of a sweep; the first one reached ends it. None stands for no limit.

    Attributes:
        trials: Maximum number of finished trials in any state.
        hours: Maximum running time in hours, summed over sessions. Running trials are finished beyond it.
        total_epochs: Maximum number of epochs, summed over trials. Running trials are finished beyond it.
        failed_in_a_row: Number of consecutive failed trials that stops the sweep.
        failed: Number of failed trials among the last `failure_window` trials that stops the sweep.
        failure_window: Number of trials among which `failed` is counted.
    """

    trials: int | None = None
    hours: float | None = None
    total_epochs: int | None = None
    failed_in_a_row: int | None = None
    failed: int | None = None
    failure_window: int = 1

    def is_spent(self, records: Sequence[TrialRecord], hours: float) -> bool:
        """Whether no new trial may be started.

        Args:
            records: All trials of the sweep.
            hours: Running time so far, see `Ledger.hours`; used only if the budget limits the hours.
        """
        if self.hours is not None and hours >= self.hours:
            return True
        if self.trials is not None and len(records) >= self.trials:
            return True
        return self.total_epochs is not None and sum(r.result.epochs for r in records) >= self.total_epochs

    def check_failures(
        self, records: Sequence[TrialRecord], num_failed_before: int, traceback_of: Callable[[int], Path]
    ) -> None:
        """Check that not too many trials have failed. Trials that a limit of the configuration ended do not count.

        Args:
            records: All trials of the sweep.
            num_failed_before: Number of trials that had failed before this session.
            traceback_of: Function from a trial's number to the path of the file with its traceback.

        Raises:
            SweepStopped: Too many trials have failed; the message quotes the first reason.
        """
        for maximum, window, rule in self._failure_rules():
            counted = (r for r in reversed(records) if r.state.finished and not r.result.limited)
            failed = [r for r in itertools.islice(counted, window) if r.state is State.FAILED]
            if len(failed) >= maximum and num_failed(records) - num_failed_before >= maximum:
                first = failed[-1]
                trace = traceback_of(first.number)
                see = f" See {trace}." if trace.is_file() else ""
                raise SweepStopped(f"{rule}. The first of them, trial {first.number}: {first.result.reason}.{see}")

    def _failure_rules(self) -> list[tuple[int, int, str]]:
        """Maximum number of failures, number of trials among which they are counted, and the text of each rule."""
        rules = []
        if self.failed_in_a_row is not None:
            maximum = self.failed_in_a_row
            text = f"{maximum} trials in a row have failed (max_consecutive_failed_trials={maximum})"
            rules.append((maximum, maximum, text))
        if self.failed is not None:
            maximum, window = self.failed, self.failure_window
            limits = f"(max_failed_trials={maximum}, failure_window={window})"
            rules.append((maximum, window, f"{maximum} of the last {window} trials have failed {limits}"))
        return rules


def num_failed(records: Sequence[TrialRecord]) -> int:
    """Number of trials that failed for another reason than a limit of the configuration.

    Args:
        records: All trials of the sweep.
    """
    return sum(record.state is State.FAILED and not record.result.limited for record in records)
