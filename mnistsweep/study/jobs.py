"""Jobs in the ledger: a new trial, a paused trial that continues, and the checkpoints between them.

The caller of every function that writes holds the ledger lock.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from mnistsweep.paths import SweepPaths
from mnistsweep.search.oracle import Proposal
from mnistsweep.search.scheduler import Continue, Start
from mnistsweep.study.claim import Claim
from mnistsweep.study.ledger import LedgerState
from mnistsweep.study.ownership import Ownership
from mnistsweep.study.paused_checkpoints import bound_checkpoints
from mnistsweep.study.ranking import best_of
from mnistsweep.study.records import State, TrialRecord
from mnistsweep.study.search_settings import SearchSettings
from mnistsweep.study.search_view import SearchViewer
from mnistsweep.study.stored_trials import StoredTrials

if TYPE_CHECKING:
    import optuna

LOGGER = logging.getLogger("mnistsweep")


class Jobs:
    """Writes the jobs of one worker to the ledger.

    Args:
        paths: Paths of the sweep's files.
        search: Settings of the search.
        trials: Trials in the storage.
        viewer: What the scheduler knows of the ledger.
        owner: Name of the worker.
    """

    def __init__(
        self, paths: SweepPaths, search: SearchSettings, trials: StoredTrials, viewer: SearchViewer, owner: str
    ) -> None:
        self._paths = paths
        self._search = search
        self._trials = trials
        self._viewer = viewer
        self._owner = owner

    def next(self, state: LedgerState, live: frozenset[int], study: optuna.Study, now: float) -> Claim | None:
        """Claim the next job of the scheduler; None if it has none now, or the budget of epochs is granted.

        Args:
            state: State of the ledger.
            live: Numbers of the trials of which the worker has the model in memory.
            study: The Optuna study, for oracles that are samplers.
            now: Current time in seconds since the epoch.

        Raises:
            ValueError: The job cannot be run: a fault of the scheduler.
        """
        view = self._viewer.view(state, live)
        job = None if view.epochs_left == 0 else self._search.scheduler.next_job(view, study)
        if isinstance(job, Start):
            return self._start(len(state.records), job, view.epochs_left, now)
        if isinstance(job, Continue):
            return self._resume(state.searched[job.number], job, view.epochs_left)
        return None

    def _start(self, number: int, job: Start, epochs_left: int | None, now: float) -> Claim:
        """Create a new trial."""
        until = None
        if self._search.scheduler.pauses:
            until = _last_epoch(job.until, 0, self._search.epochs_of(job.proposal.point), epochs_left)
        owned, seed = Ownership(self._owner, until=until), self._search.seed_of(number)
        return self._trials.create(number, job.proposal, self._search.space, seed, owned, now)

    def confirm(self, number: int, confirmed: TrialRecord, now: float) -> Claim:
        """Create a trial that repeats another one with a seed of its own, for as many epochs.

        Args:
            number: Number of the trial.
            confirmed: Trial that it confirms.
            now: Current time in seconds since the epoch.
        """
        until = None
        if confirmed.state is State.PAUSED:
            until = _last_epoch(confirmed.last_epoch, 0, self._viewer.max_epochs(confirmed), None)
        owned, seed = Ownership(self._owner, until=until), self._search.seed_of(number)
        proposal = Proposal(confirmed.point)
        return self._trials.create(number, proposal, self._search.space, seed, owned, now, confirmed.number)

    def _resume(self, record: TrialRecord, job: Continue, epochs_left: int | None) -> Claim:
        """Take a paused trial: from its checkpoint, or from its first epoch if the checkpoint is gone.

        Raises:
            ValueError: The trial is not paused, or would train no further epoch: a fault of the scheduler.
        """
        done = record.last_epoch
        base = done if self._viewer.has_checkpoint(record) else 0
        until = _last_epoch(job.until, base, self._viewer.max_epochs(record), epochs_left)
        if record.state is not State.PAUSED or (until is not None and until <= done):
            raise ValueError(f"{job}: must continue a paused trial; trial {record.number} is {record.state} at {done}")
        owned = Ownership(
            self._owner,
            progress=(done, resume_file_time(self._paths, record.number)),
            until=until,
            paused=record.paused,
            repeated=record.repeated + done - base,
            base=base,
        )
        trial_id = self._trials.find(record.number)
        self._trials.write_ownership(trial_id, owned)
        return Claim(record.number, record.point, record.seed, trial_id, until, record.paused, record.confirms)

    def restart(self, claim: Claim, ownership: Ownership, state: LedgerState) -> bool:
        """Record that a job trains from the first epoch, see `Study.restart`.

        Args:
            claim: Trial of this worker.
            ownership: Its ownership.
            state: State of the ledger.
        """
        if not ownership.base or ownership.paused is None:
            return True
        left = self._viewer.view(state).epochs_left
        may_train = left is None or ownership.base <= left
        after = replace(ownership, base=0, repeated=ownership.repeated + ownership.base)
        if not may_train:
            self._paths.trial(claim.number).resume.unlink(missing_ok=True)
            after = ownership.when_paused(ownership.paused)
        self._trials.write_ownership(claim.trial_id, after)
        return may_train

    def bound_checkpoints(self, state: LedgerState) -> None:
        """Remove checkpoints of paused trials that take too much space.

        Args:
            state: State of the ledger.
        """
        bound_checkpoints(self._paths, self._order(state), self._best(state), self._search.checkpoints_gb)

    def free_space(self, state: LedgerState) -> bool:
        """Remove the checkpoints of half of the paused trials that have one; whether there was any.

        Args:
            state: State of the ledger.
        """
        if not self._search.scheduler.pauses:
            return False
        held = [number for number in self._order(state) if self._paths.trial(number).resume.is_file()]
        removed = bound_checkpoints(self._paths, held[: (len(held) + 1) // 2], self._best(state), 0.0)
        if removed:
            LOGGER.warning(
                "%s: the disk is full; the checkpoints of %d paused trials were removed; if one of them goes on, it is "
                "trained from its first epoch", self._paths.folder, len(removed),
            )  # fmt: skip
        return bool(removed)

    def _order(self, state: LedgerState) -> list[int]:
        """Numbers of the paused trials, the least interesting first.

        The first ones are never continued: those that confirm others, and those that violate a constraint for good.
        """
        curves = self._search.scheduler.order_of_interest(self._viewer.view(state), self._search.direction)
        trials = state.searched
        order = [trials[index].number for index in curves]
        known = set(order)
        paused = [one for one in state.unfinished if one.state is State.PAUSED and one.number not in known]
        return [*(one.number for one in paused if one.confirms is not None or one.result.violated), *order]

    def _best(self, state: LedgerState) -> int | None:
        best = best_of(state.records, self._search.direction)
        return None if best is None else best.number


def resume_file_time(paths: SweepPaths, number: int) -> int:
    """Modification time of a trial's resume file in nanoseconds; 0 if there is none.

    Args:
        paths: Paths of the sweep's files.
        number: Number of the trial.
    """
    try:
        return paths.trial(number).resume.stat().st_mtime_ns
    except OSError:
        return 0


def _last_epoch(wanted: int, base: int, max_epochs: int, epochs_left: int | None) -> int | None:
    """Last epoch of a job, cut to the budget of epochs; None: the last epoch of the training.

    Args:
        wanted: Last epoch that the scheduler asks for.
        base: Epoch after which the job begins.
        max_epochs: Number of epochs of the whole training.
        epochs_left: Number of epochs that the budget allows; None: no limit.
    """
    until = min(wanted, max_epochs)
    if epochs_left is not None:
        until = min(until, base + epochs_left)
    return None if until >= max_epochs else until
