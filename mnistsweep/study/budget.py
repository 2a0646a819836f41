"""The budget of a sweep: when it ends, and how many trials may fail."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mnistsweep.study.confirmation import SEARCH_SHARE, Confirmation
from mnistsweep.study.ending import ANOTHER_SEARCH, SAME_COMMAND, Ending, Limit
from mnistsweep.study.records import State, TrialRecord, searched
from mnistsweep.text import format_count, format_duration, percent


@dataclass(frozen=True)
class Budget:
    """Limits of a sweep; the first one reached ends its search. None stands for no limit.

    Trials that confirm others count for the hours only.

    Attributes:
        trials: Maximum number of trials in any state; at most `points`. Paused trials may be continued beyond it.
        points: Number of points of the search space; None for an infinite space.
        hours: Maximum running time in hours, over all sessions (see `running_time`). Running trials are finished beyond
            it.
        total_epochs: Maximum number of epochs, summed over trials. Where trials are paused it is exact, see
            `epochs_left`; otherwise running trials are finished beyond it.
        failed_in_a_row: Number of consecutive failed trials that stops the sweep.
        failed: Number of failed trials among the last `failure_window` trials that stops the sweep.
        failure_window: Number of trials among which `failed` is counted.
        confirmation: What is confirmed after the search; None: nothing.
    """

    trials: int | None = None
    points: int | None = None
    hours: float | None = None
    total_epochs: int | None = None
    failed_in_a_row: int | None = None
    failed: int | None = None
    failure_window: int = 1
    confirmation: Confirmation | None = None

    @property
    def search_hours(self) -> float | None:
        """Running time after which the search ends, in hours; None without a limit."""
        return self.hours if self.hours is None or self.confirmation is None else SEARCH_SHARE * self.hours

    def next_confirmed(self, records: Sequence[TrialRecord], running_seconds: float) -> TrialRecord | None:
        """The trial that is repeated next, to confirm it, once the search has ended; None if there is none.

        Args:
            records: All trials of the sweep; no trial of the search is running.
            running_seconds: Running time so far in seconds.
        """
        if self.confirmation is None or (self.hours is not None and running_seconds >= 3600 * self.hours):
            return None
        return self.confirmation.next(records)

    def ending(self, records: Sequence[TrialRecord], running_seconds: float) -> Ending | None:
        """Why no job of the search may begin; None if one may: a new trial, or a paused one that continues.

        Args:
            records: All trials of the sweep.
            running_seconds: Running time so far in seconds; used only if the budget limits the hours.
        """
        records, hours = searched(records), self.search_hours
        trials = self.trials_ending(records)
        if trials is not None and not any(record.state is State.PAUSED for record in records):
            return trials
        if self.hours is not None and hours is not None and running_seconds >= 3600 * hours:
            share = "" if self.confirmation is None else f"the share of the search ({percent(SEARCH_SHARE, 0)}) in "
            budget = f"{share}the budget of {_duration(3600 * self.hours)} (hours={self.hours:g})"
            reason = f"{budget} was spent after {_duration(running_seconds)}, {self.done(records)}"
            return Ending(Limit.HOURS, reason, f"more: hours=N; {ANOTHER_SEARCH}")
        if self.total_epochs is not None:
            epochs = sum(record.trained_epochs for record in records)
            if epochs >= self.total_epochs:
                budget = f"the budget of {format_count(self.total_epochs, 'epoch')} (total_epochs={self.total_epochs})"
                reason = f"{budget} was spent after {format_count(epochs, 'epoch')}, {self.done(records)}"
                return Ending(Limit.TOTAL_EPOCHS, reason, f"more: total_epochs=N; {ANOTHER_SEARCH}")
        return None

    def epochs_left(self, records: Sequence[TrialRecord], max_epochs_of: Callable[[TrialRecord], int]) -> int | None:
        """Number of epochs that no trial has trained, and that no running job will train; None: no limit.

        Args:
            records: All trials of the sweep.
            max_epochs_of: Function from a trial to the number of epochs of its whole training.
        """
        if self.total_epochs is None:
            return None
        spent = 0
        for record in searched(records):
            if record.state is State.RUNNING:
                granted = max_epochs_of(record) if record.until is None else record.until
                spent += max(granted, record.last_epoch) + record.repeated
            else:
                spent += record.trained_epochs
        return max(0, self.total_epochs - spent)

    def trials_ending(self, records: Sequence[TrialRecord]) -> Ending | None:
        """Why no new trial may be started by the budget of trials; None if one may.

        Args:
            records: All trials of the sweep.
        """
        if self.trials is None or len(searched(records)) < self.trials:
            return None
        return self._all_trials(self.trials)

    def done(self, records: Sequence[TrialRecord]) -> str:
        """How far the sweep got, as the end of a sentence: ``with 37 of 50 trials``; paused trials count.

        Args:
            records: All trials of the sweep.
        """
        finished = sum(record.state is not State.RUNNING for record in searched(records))
        if not finished:
            return "before the first trial"
        return "with " + (f"{finished} of " if self.trials else "") + format_count(self.trials or finished, "trial")

    def _all_trials(self, trials: int) -> Ending:
        if trials == self.points:
            points = (
                f"all {trials} points of the search space were" if trials > 1 else "the only point of the space was"
            )
            return Ending(Limit.POINTS, f"{points} tried", ANOTHER_SEARCH)
        reason = f"the budget of {format_count(trials, 'trial')} (trials={trials}) was used"
        return Ending(Limit.TRIALS, reason, f"more: trials=N; {ANOTHER_SEARCH}")

    def too_many_failures(
        self, records: Sequence[TrialRecord], num_failed_before: int, traceback_of: Callable[[int], Path]
    ) -> Ending | None:
        """Why too many trials have failed; None if not. Trials that a limit of the configuration ended do not count.

        Args:
            records: All trials of the sweep.
            num_failed_before: Number of trials that had failed before this session.
            traceback_of: Function from a trial's number to the path of the file with its traceback.
        """
        for maximum, window, rule in self._failure_rules():
            counted = (r for r in reversed(records) if r.state.finished and not r.result.limited)
            failed = [r for r in itertools.islice(counted, window) if r.state is State.FAILED]
            if len(failed) >= maximum and num_failed(records) - num_failed_before >= maximum:
                first = failed[-1]
                trace = traceback_of(first.number)
                see = f". See {trace}" if trace.is_file() else ""
                reason = f"{rule}. The first of them, trial {first.number}: {first.result.reason.rstrip('.')}{see}"
                return Ending(Limit.FAILED_TRIALS, reason, SAME_COMMAND)
        return None

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


def _duration(seconds: float) -> str:
    return format_duration(seconds) if seconds >= 1 else f"{seconds:.2g} s"
