"""Trials in the Optuna storage of a ledger: how they are created, read, updated and ended.

Only this module knows the user attributes of a trial: `point`, `seed`, `lease` (see `Ownership`), `result`,
`checkpoint` and `confirms` (see `oracle.CONFIRMS`). `checkpoint` is no part of `result`, so that earlier versions can
read the ledger.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from mnistsweep.config.objectives import Objective
from mnistsweep.errors import StudyError
from mnistsweep.json_values import from_json, to_json
from mnistsweep.search.distributions import Encoding, stored
from mnistsweep.search.oracle import CONFIRMS, ORDER, Proposal
from mnistsweep.search.violations import CONSTRAINTS
from mnistsweep.space import Point, SearchSpace
from mnistsweep.study.claim import Claim
from mnistsweep.study.front import values_of
from mnistsweep.study.ownership import Ownership
from mnistsweep.study.records import Result, State, TrialRecord, from_stored, to_stored
from mnistsweep.study.storage.stores import changed_trials

_STATES = {
    TrialState.RUNNING: State.RUNNING,
    TrialState.WAITING: State.RUNNING,
    TrialState.COMPLETE: State.COMPLETED,
    TrialState.PRUNED: State.PRUNED,
    TrialState.FAIL: State.FAILED,
}
_OPTUNA_STATES = {state: key for key, state in _STATES.items() if key is not TrialState.WAITING}
# A paused trial is RUNNING for Optuna: what its ownership says is written in one step with its result so far.


@dataclass(frozen=True)
class RecoveredTrial:
    """A trial as the files in its sweep's folder show it.

    Attributes:
        record: Record of the trial; a trial that has not finished is running.
        reports: Objective after each epoch, by epoch.
        started: Time of the start, in seconds since the epoch.
    """

    record: TrialRecord
    reports: Mapping[int, float]
    started: float

    @property
    def is_finished(self) -> bool:
        """Whether the trial has ended."""
        return self.record.state.finished

    def has_more_than(self, held: TrialRecord) -> bool:
        """Whether the files hold a later state of the trial than the ledger.

        Args:
            held: Trial in the ledger.
        """
        if held.state.finished:
            return False
        paused = self.record.paused
        before = 0 if held.paused is None else held.paused.epochs
        return self.is_finished or (paused is not None and held.state is State.RUNNING and paused.epochs > before)


class StoredTrials:
    """Trials of one study.

    All methods that write require the ledger lock, except `report`: only the owner of a trial reports its epochs.

    Args:
        storage: Optuna storage of the ledger.
        study_id: Identifier of the study in the storage.
    """

    def __init__(self, storage: BaseStorage, study_id: int) -> None:
        self._storage = storage
        self._study_id = study_id
        self._encodings: tuple[SearchSpace, dict[str, Encoding]] | None = None
        self._unfinished: dict[int, tuple[FrozenTrial, TrialRecord]] = {}

    def read_changed(self, num_known: int, running: Sequence[int]) -> list[TrialRecord]:
        """Records of the trials that may have changed since an earlier reading.

        Args:
            num_known: Number of trials in the earlier reading.
            running: Numbers of the trials that were running then.

        Returns:
            Records of the trials in `running`, then of the new trials.

        Raises:
            StudyError: Another program has written a trial.
        """
        return [self._to_record(trial) for trial in changed_trials(self._storage, self._study_id, num_known, running)]

    def _to_record(self, trial: FrozenTrial) -> TrialRecord:
        """The record of a trial. A journal replaces the object of a changed trial; the same one is not read again.

        A search may have thousands of paused trials, which do not change while others are trained.
        """
        known = self._unfinished.get(trial.number)
        if known is not None and known[0] is trial:
            return known[1]
        record = _to_record(trial)
        self._unfinished[trial.number] = trial, record
        if record.state.finished:
            del self._unfinished[trial.number]
        return record

    def find(self, number: int) -> int:
        """Identifier of a trial in the storage.

        Args:
            number: Number of the trial.
        """
        return self._storage.get_trial_id_from_study_id_trial_number(self._study_id, number)

    def create(
        self,
        number: int,
        proposal: Proposal,
        space: SearchSpace,
        seed: int,
        ownership: Ownership,
        started: float,
        confirms: int | None = None,
    ) -> Claim:
        """Create a running trial with its point, seed and ownership, in one write.

        Args:
            number: Number of the trial.
            proposal: Proposal of the oracle for this number.
            space: Search space of the point.
            seed: Seed of the training.
            ownership: Worker that runs the trial, and the last epoch of its job.
            started: Current time in seconds since the epoch.
            confirms: Number of the trial that this one confirms; None for a trial of the search.
        """
        attrs = _attributes(proposal.point, seed, ownership, confirms)
        template = _running_trial(number, proposal.point, self._encodings_of(space), started, attrs)
        template.system_attrs = proposal.system_attrs
        trial_id = self._storage.create_new_trial(self._study_id, template)
        number = self._storage.get_trial_number_from_id(trial_id)
        return Claim(number, proposal.point, seed, trial_id, ownership.until, confirms=confirms)

    def restore(self, trial: RecoveredTrial, space: SearchSpace) -> int:
        """Create a trial that was recovered from files, as one that has not ended, with its reports, in one write.

        Args:
            trial: Recovered trial; all trials of smaller numbers exist.
            space: Search space of the point.

        Returns:
            Identifier of the trial in the storage.
        """
        record = trial.record
        ownership = Ownership("", until=record.until, paused=record.paused, is_paused=record.state is State.PAUSED)
        attrs = _attributes(record.point, record.seed, ownership, record.confirms)
        template = _running_trial(record.number, record.point, self._encodings_of(space), trial.started, attrs)
        template.intermediate_values = dict(trial.reports)
        return self._storage.create_new_trial(self._study_id, template)

    def _encodings_of(self, space: SearchSpace) -> dict[str, Encoding]:
        """Encodings of the dimensions, made once: a choice may have many values."""
        if self._encodings is None or self._encodings[0] is not space:
            self._encodings = space, {column.key: stored(column) for column in space.columns}
        return self._encodings[1]

    def read_ownership(self, trial_id: int) -> Ownership | None:
        """Ownership of a running trial; None if the trial has ended.

        Args:
            trial_id: Identifier of the trial in the storage.
        """
        trial = self._storage.get_trial(trial_id)
        return None if trial.state.is_finished() else Ownership.from_json(trial.user_attrs["lease"])

    def write_ownership(self, trial_id: int, ownership: Ownership) -> None:
        """Replace the ownership of a running trial, in one write.

        Args:
            trial_id: Identifier of the trial in the storage.
            ownership: New ownership.
        """
        self._storage.set_trial_user_attr(trial_id, "lease", ownership.to_json())

    def report(self, trial_id: int, epoch: int, objective: float) -> None:
        """Record the objective after an epoch.

        Args:
            trial_id: Identifier of the trial in the storage.
            epoch: Number of the epoch, counted from 1.
            objective: Objective after the epoch.
        """
        self._storage.set_trial_intermediate_value(trial_id, epoch, objective)

    def read(self, trial_id: int) -> FrozenTrial:
        """A trial as Optuna represents it, for pruners.

        Args:
            trial_id: Identifier of the trial in the storage.
        """
        return self._storage.get_trial(trial_id)

    def last_epoch(self, trial_id: int) -> int:
        """Number of the last reported epoch; 0 if none was reported.

        Args:
            trial_id: Identifier of the trial in the storage.
        """
        return self._storage.get_trial(trial_id).last_step or 0

    def finish(
        self, trial_id: int, state: State, result: Result, num_finished: int, further: Sequence[Objective] = ()
    ) -> None:
        """Record how a trial ended.

        Args:
            trial_id: Identifier of the trial in the storage.
            state: State of a trial that has ended.
            result: Result of the trial.
            num_finished: Number of trials that had ended before, which gives the results an order without a clock.
            further: All objectives but the first.
        """
        values = None if state is State.FAILED else values_of(result, further)
        content = {**to_stored(result), ORDER: num_finished}
        for name in ("checkpoint", "comparable"):  # earlier versions, which know neither, can read the rest
            if value := content.pop(name, None):
                self._storage.set_trial_user_attr(trial_id, name, value)
        for constraint, violation in result.violations.items():  # samplers of Optuna read them under these names
            self._storage.set_trial_system_attr(trial_id, f"{CONSTRAINTS}:{constraint}", violation)
        self._storage.set_trial_user_attr(trial_id, "result", content)
        self._storage.set_trial_state_values(trial_id, _OPTUNA_STATES[state], values)


def _attributes(point: Point, seed: int, ownership: Ownership, confirms: int | None) -> dict[str, Any]:
    """User attributes of a running trial."""
    attrs = {"point": to_json(point), "seed": seed, "lease": ownership.to_json()}
    return attrs if confirms is None else {**attrs, CONFIRMS: confirms}


def _running_trial(
    number: int, point: Point, encodings: Mapping[str, Encoding], started: float, attrs: dict[str, Any]
) -> FrozenTrial:
    """A new running trial as Optuna stores it."""
    return FrozenTrial(
        number=number, trial_id=-1, state=TrialState.RUNNING, value=None,
        datetime_start=datetime.datetime.fromtimestamp(started), datetime_complete=None,
        params={key: encodings[key].encode(value) for key, value in point.items()},
        distributions={key: encodings[key].distribution for key in point},
        system_attrs={}, intermediate_values={}, user_attrs=attrs,
    )  # fmt: skip


def _to_record(trial: FrozenTrial) -> TrialRecord:
    attrs = trial.user_attrs
    if not {"point", "seed", "lease"} <= attrs.keys():
        raise StudyError(
            f"trial {trial.number} of the ledger was not written by this program: it has no point or lease."
        )
    values, point = trial.intermediate_values, from_json(attrs["point"])  # Optuna replaces changed values
    confirms = attrs.get(CONFIRMS)
    record = TrialRecord(trial.number, _STATES[trial.state], point, attrs["seed"], values=values, confirms=confirms)
    if trial.state.is_finished():
        found: dict[str, Any] = {name: attrs[name] for name in ("checkpoint", "comparable") if name in attrs}
        content = {key: value for key, value in attrs.get("result", {}).items() if key != ORDER}
        result = from_stored({**content, **found}) if content else _result_so_far(trial)
        return replace(record, result=result, owner=attrs["lease"]["owner"])
    ownership = Ownership.from_json(attrs["lease"])
    state, result = State.RUNNING, _result_so_far(trial)
    if ownership.is_paused and ownership.paused is not None:
        state, result = State.PAUSED, ownership.paused
    return replace(
        record, state=state, result=result, owner=ownership.owner, until=ownership.until, paused=ownership.paused,
        repeated=ownership.repeated,
    )  # fmt: skip


def _result_so_far(trial: FrozenTrial) -> Result:
    """The last reported objective and epoch."""
    epoch = trial.last_step
    return Result(objective=None if epoch is None else trial.intermediate_values[epoch], epochs=epoch or 0)
