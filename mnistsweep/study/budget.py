"""How far a sweep goes: what may be spent, and how many trials may fail."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mnistsweep.errors import SweepStopped
from mnistsweep.study.records import State, TrialRecord


@dataclass(frozen=True)
class Budget:
    """How far a sweep goes; whichever comes first. None: no such limit.

    Attributes:
        trials: Finished trials of any kind.
        hours: Of running time, summed over continued runs. A trial that runs is finished.
        total_epochs: Of training, summed over trials. A trial that runs is finished.
        failed_in_a_row: So many failed trials in a row stop the sweep.
        failed: So many failed trials among the last `failure_window` stop it.
        failure_window: How many trials are looked at for `failed`.
    """

    trials: int | None = None
    hours: float | None = None
    total_epochs: int | None = None
    failed_in_a_row: int | None = None
    failed: int | None = None
    failure_window: int = 1

    def is_spent(self, records: Sequence[TrialRecord], hours: float) -> bool:
        """Whether no new trial may be begun.

        Args:
            records: All trials.
            hours: The running time so far, as `Ledger.hours` has it; looked at only where there is a budget of hours.
        """
        if self.hours is not None and hours >= self.hours:
            return True
        if self.trials is not None and len(records) >= self.trials:
            return True
        return self.total_epochs is not None and sum(r.result.epochs for r in records) >= self.total_epochs

    def check_failures(
        self, records: Sequence[TrialRecord], failures_before: int, trace: Callable[[int], Path]
    ) -> None:
        """See that not too many trials have failed. Those that a limit of the configuration ended do not count.

        Args:
            records: All trials.
            failures_before: How many had failed before this start of the sweep.
            trace: From a trial's number to the file with its traceback.

        Raises:
            SweepStopped: Too many have; the first reason is quoted.
        """
        rules = []
        if self.failed_in_a_row is not None:
            most = self.failed_in_a_row
            rules += [(most, most, f"{most} trials in a row have failed (max_consecutive_failed_trials={most})")]
        if self.failed is not None:
            most, window = self.failed, self.failure_window
            limits = f"(max_failed_trials={most}, failure_window={window})"
            rules += [(most, window, f"{most} of the last {window} trials have failed {limits}")]
        for most, window, rule in rules:
            counted = (r for r in reversed(records) if r.state.finished and not r.result.limited)
            failed = [r for r in itertools.islice(counted, window) if r.state is State.FAILED]
            if len(failed) >= most and num_failed(records) - failures_before >= most:
                first = failed[-1]
                see = f" See {trace(first.number)}." if trace(first.number).is_file() else ""
                raise SweepStopped(f"{rule}. The first of them, trial {first.number}: {first.result.reason}.{see}")


def num_failed(records: Sequence[TrialRecord]) -> int:
    """How many have failed by themselves, not by a limit of the configuration."""
    return sum(record.state is State.FAILED and not record.result.limited for record in records)
