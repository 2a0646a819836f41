"""Rebuilding of a ledger: trials that were recovered from files are added to what is left of it."""

from __future__ import annotations

import copy
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import optuna
from optuna.pruners import NopPruner
from optuna.storages import BaseStorage

from mnistsweep.errors import StudyError
from mnistsweep.paths import SweepPaths
from mnistsweep.search.oracle import Proposal
from mnistsweep.search.scheduler import Curve, Phase, SearchView, Start
from mnistsweep.space import canonical
from mnistsweep.study.opened_ledger import create_ledger, open_study
from mnistsweep.study.ownership import Ownership
from mnistsweep.study.records import State, TrialRecord, searched
from mnistsweep.study.search_settings import SearchSettings
from mnistsweep.study.sessions import Sessions
from mnistsweep.study.storage.journal import readable_part
from mnistsweep.study.storage.journal_file import JournalFile
from mnistsweep.study.storage.stores import open_coordinator, store_name, translate_storage_errors
from mnistsweep.study.stored_trials import RecoveredTrial, StoredTrials


@dataclass(frozen=True)
class Rebuilt:
    """Result of a rebuilding.

    Attributes:
        records: All trials of the ledger.
        changed: Numbers of the trials that were recovered from files.
        proposed: Numbers of the trials that had no readable files: the oracle has proposed their points.
        kept: Path of the copy of the damaged journal; None if there is none.
    """

    records: Sequence[TrialRecord]
    changed: Sequence[int]
    proposed: Sequence[int]
    kept: Path | None = None


def rebuild_ledger(
    paths: SweepPaths,
    storage: str | None,
    search: SearchSettings,
    fingerprint: Mapping[str, str],
    workers: int,
    trials: Sequence[RecoveredTrial],
) -> Rebuilt:
    """Add recovered trials to a ledger; create it if it is missing.

    Trials that the ledger holds are kept. A journal is rebuilt in a copy of its readable beginning, which replaces it
    in one step; the damaged one is kept beside it. No worker may run.

    Args:
        paths: Paths of the sweep's files.
        storage: Database URL; None for the journal file in the sweep's folder.
        search: Settings of the search.
        fingerprint: Texts that identify the search and its data, see `opened_ledger.create_ledger`.
        workers: Number of workers of the sweep, which ran trials side by side.
        trials: Trials that were recovered from files.

    Raises:
        StudyError: The ledger cannot be used, is that of another search, or contradicts the recovered trials. Nothing
            was written then, except an empty study in a database.
    """
    if storage is None:
        with open_coordinator(paths, None).exclusive():
            return _rebuild_journal(paths, search, fingerprint, workers, trials)
    create_ledger(paths, storage, search.direction, search.objective, fingerprint, search.further)
    with translate_storage_errors(paths, storage), open_coordinator(paths, storage).exclusive():
        opened, study_id = open_study(paths, storage)
        return _Completion(opened, study_id, search, store_name(paths, storage)).run(trials, workers)


def _rebuild_journal(
    paths: SweepPaths,
    search: SearchSettings,
    fingerprint: Mapping[str, str],
    workers: int,
    trials: Sequence[RecoveredTrial],
) -> Rebuilt:
    whole = paths.journal.read_bytes() if paths.journal.is_file() else b""
    with tempfile.TemporaryDirectory(prefix=".repair-", dir=paths.folder) as folder:
        new = SweepPaths(Path(folder) / paths.name)  # the study has the name of the folder
        new.workers.mkdir(parents=True)
        new.journal.write_bytes(readable_part(paths.journal) if whole else b"")
        try:
            create_ledger(new, None, search.direction, search.objective, fingerprint, search.further)
        except StudyError as error:
            raise StudyError(str(error).replace(str(new.journal), str(paths.journal))) from error
        opened, study_id = open_study(new, None)
        rebuilt = _Completion(opened, study_id, search, str(paths.journal)).run(trials, workers)
        if new.journal.read_bytes() == whole:
            return rebuilt
        if whole:
            rebuilt = replace(rebuilt, kept=_keep(paths))
        JournalFile(new.journal).flush()
        new.journal.replace(paths.journal)
    return rebuilt


def _keep(paths: SweepPaths) -> Path:
    """Copy a damaged journal to a name that is free."""
    index = 0
    while (kept := paths.damaged_journal(index)).exists():
        index += 1
    return Path(shutil.copy2(paths.journal, kept))


class _Completion:
    """Addition of the trials that a ledger lacks. The caller holds the ledger lock.

    Args:
        storage: Optuna storage of the ledger.
        study_id: Identifier of the study.
        search: Settings of the search.
        shown: Path or URL of the ledger, without password.
    """

    def __init__(self, storage: BaseStorage, study_id: int, search: SearchSettings, shown: str) -> None:
        self._search = search
        self._shown = shown
        self._num_finished = 0
        self._stored = StoredTrials(storage, study_id)
        self._sessions = Sessions(storage, study_id)
        name = storage.get_study_name_from_id(study_id)
        self._study = optuna.Study(name, storage, pruner=search.pruner)

    def run(self, trials: Sequence[RecoveredTrial], workers: int) -> Rebuilt:
        """Check all recovered trials, then add them in the order of their numbers."""
        known = {record.number: record for record in self._stored.read_changed(0, [])}
        recovered = {trial.record.number: trial for trial in trials}
        for number in known.keys() & recovered.keys():
            self._check_same(known[number], recovered[number].record)
        self._num_finished = sum(record.state.finished for record in known.values())
        changed, proposed = [], []
        for number in range(max([*known, *recovered], default=-1) + 1):
            trial, before = recovered.get(number), known.get(number)
            if before is None and trial is None:
                self._propose(number)
                proposed.append(number)
            elif trial is not None and (before is None or trial.has_more_than(before)):
                self._restore(trial, before)
                changed.append(number)
        records = self._stored.read_changed(0, [])
        if changed:
            self._restore_running_time(records, workers)
        return Rebuilt(records, changed, proposed)

    def _check_same(self, held: TrialRecord, found: TrialRecord) -> None:
        """Check that a trial in the ledger does not contradict the files."""
        pairs: list[tuple[str, Any, Any]] = [
            ("seed", held.seed, found.seed),
            ("point", canonical(held.point), canonical(found.point)),
        ]
        if held.state.finished and found.state.finished:
            pairs.append(("state", held.state, found.state))
            pairs.append(("objective", held.result.objective, found.result.objective))
        for name, ours, theirs in pairs:
            if ours != theirs:
                raise StudyError(
                    f"{self._shown}: trial {held.number} has the {name} {ours} in the ledger and {theirs} in the "
                    "files, so they belong to different sweeps. Nothing was changed."
                )

    def _restore(self, trial: RecoveredTrial, before: TrialRecord | None) -> None:
        """Add a trial, or finish it if the ledger has it as an unfinished one."""
        number, reports = trial.record.number, trial.reports
        if before is None:
            trial_id, epochs = self._stored.restore(trial, self._search.space), sorted(reports)
        else:
            trial_id = self._stored.find(number)
            epochs = sorted(epoch for epoch in reports if epoch > before.result.epochs)
            for epoch in epochs:
                self._stored.report(trial_id, epoch, reports[epoch])
        self._prune_again(trial_id, epochs)
        if before is not None and trial.record.paused is not None:
            self._stored.write_ownership(trial_id, Ownership("").when_paused(trial.record.paused))
        if trial.is_finished:
            record, further = trial.record, self._search.further
            self._stored.finish(trial_id, record.state, record.result, self._num_finished, further)
            self._num_finished += 1

    def _prune_again(self, trial_id: int, epochs: Sequence[int]) -> None:
        """Call the pruner after each epoch as in the training: some pruners store attributes that they read later."""
        if isinstance(self._search.pruner, NopPruner):
            return
        for epoch in epochs:
            trial = copy.copy(self._stored.read(trial_id))
            trial.intermediate_values = {e: v for e, v in trial.intermediate_values.items() if e <= epoch}
            self._search.pruner.prune(self._study, trial)

    def _restore_running_time(self, records: Sequence[TrialRecord], workers: int) -> None:
        """Raise the running time of the sweep to what its trials took, if they were shared evenly by the workers."""
        seconds = sum(record.result.seconds for record in records) / workers
        if seconds > self._sessions.running_seconds():
            self._sessions.write_running_seconds(seconds)

    def _propose(self, number: int) -> None:
        """Create an interrupted trial at a point of the oracle, in place of one that was claimed and left no files."""
        records = self._stored.read_changed(0, [])
        if any(record.confirms is not None for record in records) and self._repeat(number, records):
            return
        # As if all trials had ended: a scheduler then continues none of them.
        ended = [
            Curve(index, r.point, Phase.ENDED, max(1, r.last_epoch), r.values)
            for index, r in enumerate(searched(records))
        ]
        job = self._search.scheduler.next_job(SearchView(ended), self._study)
        if not isinstance(job, Start):
            raise StudyError(f"{self._shown}: trial {number} has no files, and the oracle has no point for it.")
        seed, until = self._search.seed_of(number), job.until if self._search.scheduler.pauses else None
        owned = Ownership("", until=until)
        self._stored.create(number, job.proposal, self._search.space, seed, owned, started=time.time())

    def _repeat(self, number: int, records: Sequence[TrialRecord]) -> bool:
        """Create an interrupted trial that confirms one of the best; False if none is to be confirmed."""
        confirmed = self._search.budget.next_confirmed(records, 0.0)
        if confirmed is None:
            return False
        until = confirmed.last_epoch if confirmed.state is State.PAUSED else None
        owned, seed, space = Ownership("", until=until), self._search.seed_of(number), self._search.space
        self._stored.create(number, Proposal(confirmed.point), space, seed, owned, time.time(), confirmed.number)
        return True
