"""The ledger of a sweep, read only: the trials as records. All that `status`, the live table and the reporter need."""

from __future__ import annotations

import contextlib
import itertools
import warnings

import optuna
from optuna.trial import FrozenTrial, TrialState

from mnistsweep.errors import StudyError, suggest
from mnistsweep.leases import locked
from mnistsweep.paths import SweepPaths
from mnistsweep.results import Result, State, TrialRecord
from mnistsweep.stores import explained, open_storage, store_name

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


class Ledger:
    """The study as it stands, read only: for `status`, the live table and the reporter.

    Args:
        paths: The sweep's files.
        storage: A database URL; None for the journal file.

    Raises:
        StudyError: There is no ledger, or it cannot be read.
    """

    def __init__(self, paths: SweepPaths, storage: str | None = None) -> None:
        self.paths = paths
        if storage is None and not paths.journal.is_file():
            raise StudyError(f"{paths.journal}: the ledger is missing.")
        self._storage = open_storage(paths, storage)
        with explained(paths, storage):
            known = {study.study_name: study._study_id for study in self._storage.get_all_studies()}
        if paths.name not in known:
            where = store_name(paths, storage)
            raise StudyError(f"{where}: holds no sweep called {paths.name!r}; {suggest(paths.name, known)}")
        self._study_id = known[paths.name]
        self._known: tuple[list[TrialRecord], list[int]] = ([], [])

    def records(self) -> list[TrialRecord]:
        """All trials in the order of their numbers; those that have ended are read once."""
        trials = self._storage.get_all_trials(self._study_id, deepcopy=False)
        before, running = self._known  # in one attribute: two threads may ask at once
        records = [*before, *map(_to_record, trials[len(before) :])]
        for number in running:
            records[number] = _to_record(trials[number])
        fresh = itertools.chain(running, range(len(before), len(trials)))
        self._known = records, [number for number in fresh if not records[number].state.finished]
        return list(records)

    def sessions(self) -> dict[str, dict[str, float]]:
        """What is noted of each start of the sweep, by its name: when it `begun`, when it was `last` alive."""
        attrs = self._storage.get_study_user_attrs(self._study_id)
        return {key.removeprefix(SESSION): value for key, value in attrs.items() if key.startswith(SESSION)}

    def hours(self) -> float:
        """The running time so far, summed over all starts; kept only where there is a budget of hours."""
        return sum(session["last"] - session["begun"] for session in self.sessions().values()) / 3600


def create_ledger(paths: SweepPaths, storage: str | None, direction: str, objective: str) -> None:
    """Create the ledger of a sweep, if it is not there yet.

    Raises:
        StudyError: The database does not answer, or the file cannot be written.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(explained(paths, storage))
        paths.workers.mkdir(parents=True, exist_ok=True)
        stack.enter_context(locked(paths.ledger_lock))
        study = optuna.create_study(
            storage=open_storage(paths, storage),
            study_name=paths.name,
            direction="maximize" if direction == "max" else "minimize",
            load_if_exists=True,
        )
        if not study.metric_names:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                study.set_metric_names([objective])


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
