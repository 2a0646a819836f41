"""The ledger of a sweep, as those see it who run no trial: `status`, `stop`, the live table and the reporter."""

from __future__ import annotations

import contextlib
import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import optuna
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from mnistsweep.errors import StudyError, suggest
from mnistsweep.paths import SweepPaths
from mnistsweep.study.budget import num_failed
from mnistsweep.study.records import Result, State, TrialRecord
from mnistsweep.study.storage.stores import (
    changed_trials,
    open_coordinator,
    open_storage,
    repair,
    store_name,
    translate_storage_errors,
)

_STATES = {
    TrialState.RUNNING: State.RUNNING,
    TrialState.WAITING: State.RUNNING,
    TrialState.COMPLETE: State.COMPLETED,
    TrialState.PRUNED: State.PRUNED,
    TrialState.FAIL: State.FAILED,
}
OPTUNA_STATES = {state: key for key, state in _STATES.items() if key is not TrialState.WAITING}

# The beginning of the study's attributes that are notes on a start of the sweep.
SESSION = "session:"

# The study's attribute that counts how often the sweep was asked to stop.
STOPS = "stops"

# The study's attribute that says what makes the search and its data what they are.
IDENTITY = "search"


@dataclass(frozen=True)
class LedgerState:
    """The trials at one moment.

    Attributes:
        records: All of them, in the order of their numbers; not to be changed.
        running: Those that have not ended.
    """

    records: Sequence[TrialRecord]
    running: Sequence[TrialRecord]

    @property
    def num_finished(self) -> int:
        """How many have ended."""
        return len(self.records) - len(self.running)


class Ledger:
    """The study as it stands. Reading changes nothing.

    Args:
        paths: The sweep's files.
        storage: A database URL; None for the journal file.

    Raises:
        StudyError: There is no ledger, or it cannot be read.
    """

    def __init__(self, paths: SweepPaths, storage: str | None = None) -> None:
        self.paths = paths
        self._url = storage
        if storage is None and not paths.journal.is_file():
            raise StudyError(f"{paths.journal}: the ledger is missing.")
        self._storage = open_storage(paths, storage)
        with translate_storage_errors(paths, storage):
            self._study_id = _find_study(self._storage, paths, storage)
        self._known = LedgerState([], [])

    def read(self) -> LedgerState:
        """All trials as they stand; those that have ended are read once."""
        before = self._known  # in one attribute: two threads may ask at once
        records = list(before.records)
        numbers = [record.number for record in before.running]
        changed = [_to_record(t) for t in changed_trials(self._storage, self._study_id, len(records), numbers)]
        for number, record in zip(numbers, changed, strict=False):
            records[number] = record
        records += changed[len(numbers) :]
        state = LedgerState(records, [record for record in changed if not record.state.finished])
        self._known = state
        return state

    def records(self) -> list[TrialRecord]:
        """All trials in the order of their numbers."""
        return list(self.read().records)

    def running(self) -> list[TrialRecord]:
        """The trials that have not ended."""
        return list(self.read().running)

    def stops(self) -> int:
        """How often `mnistsweep stop` was asked for."""
        return int(self._storage.get_study_user_attrs(self._study_id).get(STOPS, 0))

    def sessions(self) -> dict[str, dict[str, float]]:
        """What is noted of each start of the sweep, by its name: when it `begun`, when it was `last` alive."""
        attrs = self._storage.get_study_user_attrs(self._study_id)
        return {key.removeprefix(SESSION): value for key, value in attrs.items() if key.startswith(SESSION)}

    def hours(self) -> float:
        """The running time so far, over all starts; kept only where there is a budget of hours.

        Time in which two starts ran at once counts once.
        """
        seconds, until = 0.0, -math.inf
        for begun, last in sorted((session["begun"], session["last"]) for session in self.sessions().values()):
            seconds += max(0.0, last - max(begun, until))
            until = max(until, last)
        return seconds / 3600

    def start_session(self, session: str, now: float) -> None:
        """Note that a start of the sweep begins; what comes before it (requests to stop, failures) does not concern it.

        Args:
            session: Its name.
            now: Seconds since the epoch.
        """
        with open_coordinator(self.paths, self._url).exclusive():
            self._start_session(session, now)

    def _start_session(self, session: str, now: float) -> dict[str, float]:
        """What is noted of a session: one that is continued gets a fresh allowance of failures."""
        if session not in self.sessions():
            before = {"failures_before": num_failed(self.records()), "stops": self.stops()}
            self._write_session(session, {"begun": now, "last": now, **before})
        return self.sessions()[session]

    def _write_session(self, session: str, notes: dict[str, float]) -> None:
        self._storage.set_study_user_attr(self._study_id, f"{SESSION}{session}", notes)

    def request_stop(self) -> None:
        """Ask all workers of the sweep to stop; starts of the sweep that come later do not heed it."""
        with open_coordinator(self.paths, self._url).exclusive():
            self._storage.set_study_user_attr(self._study_id, STOPS, self.stops() + 1)


def create_ledger(
    paths: SweepPaths, storage: str | None, direction: str, objective: str, identity: Mapping[str, str]
) -> None:
    """Create the ledger of a sweep, if it is not there yet.

    A process that dies on the way leaves nothing that the next one does not complete.

    Args:
        paths: The sweep's files.
        storage: A database URL; None for the journal file.
        direction: ``max`` or ``min``.
        objective: Its name.
        identity: What makes the search and its data what they are: a database may hold another search of that name.
            Keys that only one of two has (of another version of the program) are not compared.

    Raises:
        StudyError: The database does not answer, the file cannot be written, or the ledger is of another search.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(translate_storage_errors(paths, storage))
        paths.workers.mkdir(parents=True, exist_ok=True)
        stack.enter_context(open_coordinator(paths, storage).exclusive())
        opened = open_storage(paths, storage, create=True)
        repair(opened)
        studies = opened.get_all_studies()
        found = [study for study in studies if storage is None or study.study_name == paths.name]
        if found:
            study = optuna.load_study(study_name=found[0].study_name, storage=opened)
            _check_same(study.user_attrs.get(IDENTITY, {}), identity, f"{store_name(paths, storage)}: {paths.name!r}")
        elif storage is None and paths.journal.stat().st_size:
            raise StudyError(f"{paths.journal}: the beginning of the journal is missing. Nothing was changed.")
        else:
            study = optuna.create_study(
                storage=opened, study_name=paths.name, direction="maximize" if direction == "max" else "minimize"
            )
        if IDENTITY not in study.user_attrs:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                study.set_metric_names([objective])
            study.set_user_attr(IDENTITY, dict(identity))


def _check_same(before: Mapping[str, str], now: Mapping[str, str], where: str) -> None:
    """See that a ledger is of the same search."""
    changed = sorted(key for key in before.keys() & now.keys() if before[key] != now[key])
    if changed:
        differ = f"{', '.join(changed)} differ{'s' if len(changed) == 1 else ''}"
        raise StudyError(f"{where} is another search: {differ}; take another name=NAME.")


def _find_study(opened: BaseStorage, paths: SweepPaths, storage: str | None) -> int:
    """The study of a sweep: in a journal the only one there is, so that a folder may be renamed."""
    known = {study.study_name: study._study_id for study in opened.get_all_studies()}
    if storage is None and len(known) == 1:
        return next(iter(known.values()))
    if paths.name not in known:
        hint = suggest(paths.name, known) or "it holds none at all"
        raise StudyError(f"{store_name(paths, storage)}: holds no sweep called {paths.name!r}; {hint}.")
    return known[paths.name]


def _to_record(trial: FrozenTrial) -> TrialRecord:
    attrs = trial.user_attrs
    if not {"point", "seed", "lease"} <= attrs.keys():
        raise StudyError(
            f"trial {trial.number} of the ledger was not written by this program: it has no point or lease."
        )
    if "result" in attrs and trial.state.is_finished():
        result = Result(**attrs["result"])
    else:
        step = trial.last_step
        result = Result(objective=None if step is None else trial.intermediate_values[step], epochs=step or 0)
    owner = attrs["lease"]["owner"]
    return TrialRecord(trial.number, _STATES[trial.state], attrs["point"], attrs["seed"], result, owner)
