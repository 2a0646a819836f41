"""What a scheduler knows of a ledger: each trial as a curve, and what the budget still allows."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import overload

from mnistsweep.config.constraints import SECONDS
from mnistsweep.paths import SweepPaths
from mnistsweep.search.scheduler import Curve, Phase, SearchView
from mnistsweep.study.ledger import LedgerState
from mnistsweep.study.records import State, TrialRecord
from mnistsweep.study.search_settings import SearchSettings

_PHASES = {
    State.RUNNING: Phase.RUNNING,
    State.PAUSED: Phase.PAUSED,
    State.COMPLETED: Phase.ENDED,
    State.PRUNED: Phase.ENDED,
    State.FAILED: Phase.FAILED,
}


class SearchViewer:
    """Makes the view of a scheduler from the state of a ledger.

    Args:
        paths: Paths of the sweep's files.
        search: Settings of the search.
    """

    def __init__(self, paths: SweepPaths, search: SearchSettings) -> None:
        self._paths = paths
        self._search = search
        self._max_epochs: dict[int, int] = {}
        self._ended: dict[int, Curve] = {}
        self._unfinished: dict[int, tuple[TrialRecord, Curve]] = {}
        self._resume_files: dict[int, str] = {}
        self._final = {str(one) for one in search.constraints if one.name == SECONDS and one.is_upper}

    def view(self, state: LedgerState, live: frozenset[int] = frozenset()) -> SearchView:
        """What the scheduler knows; curves are made when the scheduler reads the first of them.

        The number of a curve is its position among the trials of the search, which differs from the number of the trial
        once trials were confirmed.

        Args:
            state: State of the ledger.
            live: Numbers of the trials of which the worker has the model in memory; ignored where decisions may not
                depend on it.
        """
        budget, trials = self._search.budget, state.searched
        left = budget.epochs_left(state.records, self.max_epochs) if self._search.scheduler.pauses else None
        return SearchView(
            _Curves(len(trials), lambda: [self._curve(index, record, left) for index, record in enumerate(trials)]),
            may_start=budget.trials_ending(trials) is None,
            epochs_left=left,
            live=self._positions(live, trials) if live and self._search.prefers_live else frozenset(),
            counts_seconds=budget.hours is not None,
        )

    def max_epochs(self, record: TrialRecord) -> int:
        """Number of epochs of the whole training of a trial.

        Args:
            record: Trial.
        """
        if record.number not in self._max_epochs:
            self._max_epochs[record.number] = self._search.epochs_of(record.point)
        return self._max_epochs[record.number]

    def has_checkpoint(self, record: TrialRecord) -> bool:
        """Whether a paused trial can be continued after its last epoch; its resume file may have been removed.

        Args:
            record: Paused trial.
        """
        if record.number not in self._resume_files:
            self._resume_files[record.number] = str(self._paths.trial(record.number).resume)
        return os.path.isfile(self._resume_files[record.number])  # noqa: PTH113  # a tenth of the time of a Path

    def _positions(self, live: frozenset[int], trials: Sequence[TrialRecord]) -> frozenset[int]:
        """Positions of the paused trials among those of the search that have a live model and a checkpoint."""
        paused = [one for one in enumerate(trials) if one[1].number in live and one[1].state is State.PAUSED]
        return frozenset(index for index, record in paused if self.has_checkpoint(record))

    def _curve(self, index: int, record: TrialRecord, epochs_left: int | None) -> Curve:
        if record.number in self._ended:
            return self._ended[record.number]
        phase, maximum, last = _PHASES[record.state], self.max_epochs(record), record.last_epoch
        has_checkpoint = record.state is not State.PAUSED or self.has_checkpoint(record)
        before, known = self._unfinished.get(record.number, (None, None))
        if known is not None and before is record and has_checkpoint and known.has_checkpoint:
            return known
        if not has_checkpoint and epochs_left is not None and epochs_left <= last:
            phase = Phase.ENDED  # the budget does not allow to train it from its first epoch
        until = (record.until or maximum) if phase is Phase.RUNNING else last
        result = record.paused or record.result
        values = record.values
        if phase in (Phase.PAUSED, Phase.ENDED) and self._is_lost(record):
            phase, values = Phase.ENDED, dict.fromkeys(values, math.nan)
        curve = Curve(
            index, record.point, phase, maximum, values, until, result.seconds, has_checkpoint, result.build_seconds,
            result.builds,
        )  # fmt: skip
        if record.state.finished:
            self._ended[record.number] = curve
            self._unfinished.pop(record.number, None)
        else:
            self._unfinished[record.number] = record, curve
        return curve

    def _is_lost(self, record: TrialRecord) -> bool:
        """Whether a trial violates a constraint and cannot become feasible: then it counts as the worst of all.

        A metric of a paused trial may still change; the duration only grows.
        """
        violated = record.result.violated
        return bool(violated) and (record.state.finished or not self._final.isdisjoint(violated))


class _Curves(Sequence[Curve]):
    """Curves that are made when the first of them is read: a search without pauses needs only their number."""

    def __init__(self, number: int, make: Callable[[], list[Curve]]) -> None:
        self._number = number
        self._make = make

    @cached_property
    def _all(self) -> list[Curve]:
        return self._make()

    def __len__(self) -> int:
        return self._number

    def __iter__(self) -> Iterator[Curve]:
        return iter(self._all)

    @overload
    def __getitem__(self, index: int) -> Curve: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Curve]: ...
    def __getitem__(self, index: int | slice) -> Curve | Sequence[Curve]:
        return self._all[index]
