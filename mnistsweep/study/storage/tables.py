"""The ledger in a database: Optuna's tables and storage, with few round trips.

What is read often (trials) or written while other workers wait takes one statement each (`trial_rows`,
`trial_writes`). All else is Optuna's. This module imports SQLAlchemy, which is slow; it is imported only where a
database is used.

It uses private API of Optuna, checked against version 5.0: the class `_CachedStorage`, the attributes `engine` and
`scoped_session` and the hook `_get_prepared_new_trial` of `RDBStorage`, and the tables in
`optuna.storages._rdb.models`. `tests/study/storage/test_tables.py` fails if Optuna no longer has or calls them.
"""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Container, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optuna.distributions import distribution_to_json
from optuna.storages import RDBStorage
from optuna.storages._cached_storage import _CachedStorage
from optuna.storages._rdb import models
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import Engine, NullPool, inspect, select
from sqlalchemy.orm import Session

from mnistsweep.errors import StudyError
from mnistsweep.study.storage import trial_writes
from mnistsweep.study.storage.connections import engine_options
from mnistsweep.study.storage.known_trials import KnownTrials
from mnistsweep.study.storage.trial_rows import read_trial

if TYPE_CHECKING:
    from mnistsweep.study.storage.database import Database


def has_all_tables(engine: Engine) -> bool:
    """Whether a database holds all tables of Optuna. The database is not changed, and its file is not created.

    Args:
        engine: Engine of the database.
    """
    if engine.dialect.name == "sqlite" and not Path(engine.url.database or "").is_file():
        return False
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return False
        # Optuna writes the version last.
        return connection.exec_driver_sql("SELECT version_num FROM alembic_version").first() is not None


class Tables(_CachedStorage):
    """Optuna's storage. While a thread holds the ledger lock of a PostgreSQL database, it is part of its transaction.

    Args:
        url: Database URL.
        database: Connections to the database.
        skip_table_creation: Whether the tables exist already.
    """

    def __init__(self, url: str, database: Database, skip_table_creation: bool) -> None:
        super().__init__(_Backend(url, database, skip_table_creation))
        self._database = database
        self._created = (-1, -1)  # identifier and number of the last trial that was created under the lock
        self._known: dict[int, KnownTrials] = {}
        self._locked_known = threading.local()

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        """Trials of a study; those that had ended at an earlier reading are not read again (Optuna's method)."""
        trials: Sequence[FrozenTrial] = self._refreshed(study_id).trials
        if states is not None:
            trials = [trial for trial in trials if trial.state in states]
        return copy.deepcopy(list(trials)) if deepcopy else list(trials)

    def get_trial(self, trial_id: int) -> FrozenTrial:
        """A trial as it is now (Optuna's method)."""
        with self._database.connection() as connection:
            trial = read_trial(connection, trial_id)
        return self._backend.get_trial(trial_id) if trial is None else trial  # raises Optuna's error

    def get_trial_id_from_study_id_trial_number(self, study_id: int, trial_number: int) -> int:
        """Identifier of a trial (Optuna's method)."""
        known = self._known_now(study_id).trials
        if trial_number < len(known):
            return known[trial_number]._trial_id
        return self._backend.get_trial_id_from_study_id_trial_number(study_id, trial_number)

    def get_trial_number_from_id(self, trial_id: int) -> int:
        """Number of a trial (Optuna's method)."""
        created, number = self._created
        if trial_id == created:
            return number
        statement = select(models.TrialModel.number).where(models.TrialModel.trial_id == trial_id)
        with self._database.connection() as connection:
            return int(connection.execute(statement).scalar_one())

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        """Create a trial, in PostgreSQL under the ledger lock with one statement (Optuna's method)."""
        new, connection = template_trial, self._database.locked
        if connection is None or new is None or new.state.is_finished() or new.intermediate_values:
            return self._backend.create_new_trial(study_id, new)
        for known in (self._known_now, self._refreshed):  # usually all are known, because the caller has read them
            last = known(study_id)
            if new.number in (-1, len(last.trials)):
                created = trial_writes.create_trial(connection, study_id, len(last.trials), last.last_id, new)
                if created is not None:
                    self._created = created, len(last.trials)
                    return created
        raise _started_meanwhile(new.number)

    def set_trial_param(self, *arguments: Any, **named: Any) -> None:
        """Write a parameter of a trial (Optuna's method)."""
        self._backend.set_trial_param(*arguments, **named)

    def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:
        """Write a user attribute of a trial (Optuna's method)."""
        with self._database.connection() as connection:
            is_written = trial_writes.write_user_attr(connection, trial_id, key, value)
        if not is_written:
            self._backend.set_trial_user_attr(trial_id, key, value)  # raises Optuna's error

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        """Write a system attribute of a trial (Optuna's method)."""
        with self._database.connection() as connection:
            is_written = trial_writes.write_system_attr(connection, trial_id, key, value)
        if not is_written:
            self._backend.set_trial_system_attr(trial_id, key, value)

    def set_trial_intermediate_value(self, trial_id: int, step: int, intermediate_value: float) -> None:
        """Write a reported value of a trial (Optuna's method)."""
        with self._database.connection() as connection:
            is_written = trial_writes.write_report(connection, trial_id, step, float(intermediate_value))
        if not is_written:
            self._backend.set_trial_intermediate_value(trial_id, step, intermediate_value)

    def set_trial_state_values(self, trial_id: int, state: TrialState, values: Sequence[float] | None = None) -> bool:
        """Write the state and the values of a trial (Optuna's method)."""
        if state.is_finished():
            with self._database.transaction() as connection:
                if trial_writes.end_trial(connection, trial_id, state, values):
                    return True
        return self._backend.set_trial_state_values(trial_id, state, values)

    def get_study_user_attrs(self, study_id: int) -> dict[str, Any]:
        """User attributes of a study (Optuna's method)."""
        table = models.StudyUserAttributeModel
        statement = select(table.key, table.value_json).where(table.study_id == study_id)
        with self._database.connection() as connection:
            return {key: json.loads(value) for key, value in connection.execute(statement)}

    def set_study_user_attr(self, study_id: int, key: str, value: Any) -> None:
        """Write a user attribute of a study (Optuna's method)."""
        with self._database.connection() as connection:
            trial_writes.write_study_attr(connection, study_id, key, value)

    def _known_now(self, study_id: int) -> KnownTrials:
        """Trials at the last reading: of this thread while it holds the lock, otherwise of this process."""
        locked = self._database.locked
        if locked is not None and getattr(self._locked_known, "connection", None) is locked:
            found: KnownTrials | None = self._locked_known.trials.get(study_id)
            if found is not None:
                return found
        return self._known.get(study_id) or KnownTrials()

    def _refreshed(self, study_id: int) -> KnownTrials:
        """Read the changes since the last reading.

        What is read in a transaction is known to that transaction only: it may be discarded.
        """
        locked, before = self._database.locked, self._known_now(study_id)
        with self._database.connection() as connection:
            now = before.refreshed(connection, study_id)
        if locked is None:
            self._known[study_id] = now
            return now
        if getattr(self._locked_known, "connection", None) is not locked:
            self._locked_known.connection, self._locked_known.trials = locked, {}
        self._locked_known.trials[study_id] = now
        return now


class _Backend(RDBStorage):
    """Optuna's storage, with the connections of a `Database`; it creates a trial without reading."""

    def __init__(self, url: str, database: Database, skip_table_creation: bool) -> None:
        options = {**engine_options(url), "poolclass": NullPool}
        super().__init__(url, options, skip_table_creation=skip_table_creation)
        self.engine.dispose()
        self.engine = database.engine
        self.scoped_session = lambda: Session(  # type: ignore[assignment]
            database.locked or database.engine, join_transaction_mode="rollback_only"
        )

    def _get_prepared_new_trial(
        self, study_id: int, template_trial: FrozenTrial | None, session: Session
    ) -> models.TrialModel:
        """Create a trial. Optuna also checks that earlier trials had the same range; here all have one space."""
        new = template_trial
        if new is None or new.state.is_finished() or new.intermediate_values:
            return super()._get_prepared_new_trial(study_id, template_trial, session)
        trial = models.TrialModel(study_id=study_id, number=None, state=new.state, datetime_start=new.datetime_start)
        session.add(trial)
        session.flush()  # assigns the trial's id
        for name, value in new.params.items():
            shape = new.distributions[name]
            row = {"param_value": shape.to_internal_repr(value), "distribution_json": distribution_to_json(shape)}
            session.add(models.TrialParamModel(trial_id=trial.trial_id, param_name=name, **row))
        for model, attrs in (
            (models.TrialUserAttributeModel, new.user_attrs),
            (models.TrialSystemAttributeModel, new.system_attrs),
        ):
            session.add_all(model(trial_id=trial.trial_id, key=key, value_json=json.dumps(attrs[key])) for key in attrs)
        trial.number = trial.count_past_trials(session)
        if new.number not in (-1, trial.number):  # the ledger lock was lost; the exception rolls the transaction back
            raise _started_meanwhile(new.number)
        return trial


def _started_meanwhile(number: int) -> StudyError:
    return StudyError(f"trial {number} was started by another worker meanwhile; the same command continues.")
