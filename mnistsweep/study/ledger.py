"""The ledger of a sweep for programs that run no trial: `status`, `stop`, the live table and the report."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mnistsweep.errors import LedgerMissing, StudyError
from mnistsweep.paths import SweepPaths
from mnistsweep.study import no_job
from mnistsweep.study.budget import Budget, num_failed
from mnistsweep.study.coordination import Coordinator
from mnistsweep.study.ending import SAME_COMMAND, Ending, Limit
from mnistsweep.study.fingerprints import differ, differing_keys, without_data_path
from mnistsweep.study.finished_files import FinishedFiles
from mnistsweep.study.opened_ledger import FINGERPRINT, fault_of, open_study
from mnistsweep.study.records import State, TrialRecord, searched
from mnistsweep.study.running_time import RunningTime
from mnistsweep.study.sessions import Session, Sessions
from mnistsweep.study.storage.stores import (
    open_coordinator,
    store_name,
)
from mnistsweep.study.stored_trials import StoredTrials

# Study attribute that counts the requests to stop the sweep.
_STOPS = "stops"


@dataclass(frozen=True)
class LedgerState:
    """All trials of a ledger at one moment.

    Attributes:
        records: All trials in the order of their numbers; must not be changed.
        unfinished: Trials that have not ended: running and paused ones.
    """

    records: Sequence[TrialRecord]
    unfinished: Sequence[TrialRecord]

    @property
    def running(self) -> list[TrialRecord]:
        """Trials that a worker runs, or that were interrupted."""
        return [record for record in self.unfinished if record.state is State.RUNNING]

    @property
    def searched(self) -> Sequence[TrialRecord]:
        """Trials of the search, see `records.searched`."""
        return searched(self.records)

    @property
    def num_finished(self) -> int:
        """Number of trials that have ended."""
        return len(self.records) - len(self.unfinished)

    @property
    def version(self) -> tuple[int, tuple[tuple[int, int], ...]]:
        """Something that changes with each job that ends: tables are current if it has not changed since."""
        paused = tuple((one.number, one.paused.epochs) for one in self.unfinished if one.paused is not None)
        return self.num_finished, paused


class Ledger:
    """The ledger of a sweep. Reading does not change it.

    Args:
        paths: Paths of the sweep's files.
        storage: Database URL; None for the journal file in the sweep's folder.

    Raises:
        StudyError: The ledger cannot be read, or it lacks finished trials that the sweep's folder holds.
        LedgerMissing: There is no ledger, and no trial has finished.
    """

    def __init__(self, paths: SweepPaths, storage: str | None = None) -> None:
        self.paths = paths
        self._url = storage
        finished = FinishedFiles.read(paths)
        try:
            self._storage, self._study_id = open_study(paths, storage)
        except LedgerMissing as error:
            if not finished.numbers:
                raise
            raise finished.lost_error(paths, store_name(paths, storage), [], fault_of(paths, storage)) from error
        self._trials = StoredTrials(self._storage, self._study_id)
        self._sessions = Sessions(self._storage, self._study_id)
        self._last_read = LedgerState([], [])
        records = self.read().records
        if finished.lost(records):
            raise finished.lost_error(paths, store_name(paths, storage), records, "holds none of them")

    def read(self) -> LedgerState:
        """Current state of all trials. Trials that have ended are read only once."""
        before = self._last_read  # replaced as a whole: two threads may read at once
        records = list(before.records)
        numbers = [record.number for record in before.unfinished]
        changed = self._trials.read_changed(len(records), numbers)
        for number, record in zip(numbers, changed, strict=False):
            records[number] = record
        records += changed[len(numbers) :]
        state = LedgerState(records, [record for record in changed if not record.state.finished])
        self._last_read = state
        return state

    @contextlib.contextmanager
    def _exclusive(self, coordinator: Coordinator) -> Iterator[None]:
        """Hold the ledger lock; what was read under it is forgotten if a database discards what was written."""
        before = self._last_read
        try:
            with coordinator.exclusive():
                yield
        except BaseException:
            self._last_read = before
            raise

    def records(self) -> list[TrialRecord]:
        """All trials in the order of their numbers."""
        return list(self.read().records)

    def running(self) -> list[TrialRecord]:
        """Trials that a worker runs, or that were interrupted, in the order of their numbers."""
        return list(self.read().running)

    def running_seconds(self) -> float:
        """Recorded running time of the sweep in seconds, over all sessions."""
        return self._sessions.running_seconds()

    def measure_running_time(self) -> RunningTime:
        """Context in which this process measures and records the running time of the sweep."""
        return RunningTime(self._sessions, open_coordinator(self.paths, self._url))

    def ending(self, budget: Budget) -> Ending | None:
        """Why the sweep ended or was stopped; None if it has more to do, or was interrupted.

        Args:
            budget: Limits of the sweep.
        """
        state = self.read()
        if not state.running:
            recorded = self._storage.get_study_user_attrs(self._study_id).get(no_job.KEY)
            seconds = self.running_seconds()
            ending = budget.ending(state.records, seconds) or no_job.ending(recorded, state.records, budget)
            if ending is not None and budget.next_confirmed(state.records, seconds) is None:
                return ending
        last = self._sessions.last()
        if last is None:
            return None
        if self._num_stop_requests() > last.num_stops_before:
            return Ending(
                Limit.STOP_REQUEST, f"`mnistsweep stop` was called, {budget.done(state.records)}", SAME_COMMAND
            )
        return budget.too_many_failures(state.records, last.num_failed_before, self._traceback_of)

    def has_ended(self, budget: Budget) -> bool:
        """Whether the sweep has ended, so that what is paused stays so with this budget.

        Args:
            budget: Limits of the sweep.
        """
        ending = self.ending(budget)
        return ending is not None and ending.limit not in (Limit.FAILED_TRIALS, Limit.STOP_REQUEST)

    def _record_no_job(self, reason: str, budget: Budget | None) -> None:
        """Record that the scheduler has no further job, see `no_job.entry`. The caller holds the ledger lock."""
        entry = no_job.entry(self.read().records, reason, budget)
        if self._storage.get_study_user_attrs(self._study_id).get(no_job.KEY) != entry:
            self._storage.set_study_user_attr(self._study_id, no_job.KEY, entry)

    def _traceback_of(self, number: int) -> Path:
        """File with the traceback of a failed trial."""
        return self.paths.trial(number).error

    def start_session(self, name: str, now: float) -> None:
        """Record that a start of the sweep begins; earlier stop requests and failures do not concern it.

        Args:
            name: Name of the session.
            now: Current time in seconds since the epoch, for display.
        """
        with self._exclusive(open_coordinator(self.paths, self._url)):
            self._start_session(name, now)

    def _start_session(self, name: str, now: float) -> Session:
        """Session of that name; it is recorded if this is its first use. The caller holds the ledger lock."""
        sessions = self._sessions.read()
        if name not in sessions:
            sessions[name] = Session(now, num_failed(self.records()), self._num_stop_requests())
            self._sessions.write(name, sessions[name])
        return sessions[name]

    def check_search(self, fingerprint: Mapping[str, str]) -> None:
        """Check that ``sweep.yaml`` is the plan of the search that the ledger records.

        The path of the data is not compared, because data may be moved; their checksum is.

        Args:
            fingerprint: Texts that identify the search and its data by ``sweep.yaml``, see `create_ledger`.

        Raises:
            StudyError: The file was changed.
        """
        stored = self._storage.get_study_user_attrs(self._study_id).get(FINGERPRINT, {})
        if changed := differing_keys(without_data_path(stored), without_data_path(fingerprint)):
            raise StudyError(
                f"{self.paths.sweep}: must be the plan that the ledger records; {differ(changed)}; restore the file."
            )

    def request_stop(self) -> None:
        """Ask all workers of the sweep to stop. Sessions that start later ignore the request."""
        with self._exclusive(open_coordinator(self.paths, self._url)):
            self._storage.set_study_user_attr(self._study_id, _STOPS, self._num_stop_requests() + 1)

    def _num_stop_requests(self) -> int:
        """Number of requests to stop the sweep since it was created."""
        return int(self._storage.get_study_user_attrs(self._study_id).get(_STOPS, 0))
