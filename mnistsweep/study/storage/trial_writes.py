"""Writes to Optuna's tables: one statement each, which also checks that the trial has not ended.

Optuna itself reads before it writes, a round trip more each time. This module imports SQLAlchemy, which is slow; it is
imported only where a database is used.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from optuna.distributions import distribution_to_json
from optuna.storages._rdb import models
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import Connection, Table, bindparam, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from mnistsweep.study.storage.trial_rows import REPORTS, SYSTEM_ATTRS, TRIALS, USER_ATTRS, VALUES

_UNFINISHED = (TrialState.RUNNING, TrialState.WAITING)

# All rows of a new trial at once. No trial is created if there is a later one than those that are known.
_CREATE = text(
    """
    WITH new AS (
        INSERT INTO trials (number, study_id, state, datetime_start)
        SELECT :number, :study, CAST(:state AS trialstate), CAST(:started AS timestamp)
        WHERE NOT EXISTS (SELECT 1 FROM trials WHERE study_id = :study AND trial_id > :after)
        RETURNING trial_id
    ), params AS (
        INSERT INTO trial_params (trial_id, param_name, param_value, distribution_json)
        SELECT trial_id, name, value, shape FROM new, unnest(
            CAST(:names AS text[]), CAST(:values AS float8[]), CAST(:shapes AS text[])
        ) AS row (name, value, shape)
    ), user_attrs AS (
        INSERT INTO trial_user_attributes (trial_id, key, value_json)
        SELECT trial_id, key, value FROM new, unnest(CAST(:keys AS text[]), CAST(:attrs AS text[])) AS row (key, value)
    ), system_attrs AS (
        INSERT INTO trial_system_attributes (trial_id, key, value_json)
        SELECT trial_id, key, value
        FROM new, unnest(CAST(:system_keys AS text[]), CAST(:system_attrs AS text[])) AS row (key, value)
    )
    SELECT trial_id FROM new
    """
)


def create_trial(connection: Connection, study_id: int, number: int, after: int, trial: FrozenTrial) -> int | None:
    """Create a running trial in PostgreSQL; None if there is one already that this process does not know.

    Args:
        connection: Connection of the transaction that holds the ledger lock.
        study_id: Identifier of the study.
        number: Number of the new trial.
        after: Identifier of the last trial that is known.
        trial: The trial, without reports and values.
    """
    shapes = trial.distributions
    row = connection.execute(
        _CREATE,
        {
            "number": number, "study": study_id, "state": trial.state.name, "started": _utc(trial.datetime_start),
            "after": after, "names": list(trial.params),
            "values": [float(shapes[name].to_internal_repr(value)) for name, value in trial.params.items()],
            "shapes": [distribution_to_json(shapes[name]) for name in trial.params],
            "keys": list(trial.user_attrs), "attrs": [json.dumps(value) for value in trial.user_attrs.values()],
            "system_keys": list(trial.system_attrs),
            "system_attrs": [json.dumps(value) for value in trial.system_attrs.values()],
        },
    ).first()  # fmt: skip
    return None if row is None else int(row[0])


def write_user_attr(connection: Connection, trial_id: int, key: str, value: Any) -> bool:
    """Write a user attribute of a trial; whether there is such a trial that has not ended."""
    return _write(connection, USER_ATTRS, trial_id, {"key": key}, {"value_json": json.dumps(value)})


def write_system_attr(connection: Connection, trial_id: int, key: str, value: Any) -> bool:
    """Write a system attribute of a trial; whether there is such a trial that has not ended."""
    return _write(connection, SYSTEM_ATTRS, trial_id, {"key": key}, {"value_json": json.dumps(value)})


def write_report(connection: Connection, trial_id: int, step: int, value: float) -> bool:
    """Write a reported value of a trial; whether there is such a trial that has not ended."""
    number, kind = models.TrialIntermediateValueModel.intermediate_value_to_stored_repr(value)
    stored = {"intermediate_value": number, "intermediate_value_type": kind}
    return _write(connection, REPORTS, trial_id, {"step": step}, stored)


def end_trial(connection: Connection, trial_id: int, state: TrialState, values: Sequence[float] | None) -> bool:
    """Write the end of a trial; whether there is such a trial that has not ended.

    Args:
        connection: Connection of a transaction.
        trial_id: Identifier of the trial.
        state: State of a trial that has ended.
        values: Values of the objectives; None: it has none.
    """
    for objective, value in enumerate(values or ()):
        number, kind = models.TrialValueModel.value_to_stored_repr(value)
        stored = {"value": number, "value_type": kind}
        if not _write(connection, VALUES, trial_id, {"objective": objective}, stored):
            return False
    ended = {"state": state, "datetime_complete": _utc(datetime.datetime.now())}
    where = TRIALS.c.trial_id == trial_id, TRIALS.c.state.in_(_UNFINISHED)
    return connection.execute(update(TRIALS).where(*where).values(ended)).rowcount > 0


def write_study_attr(connection: Connection, study_id: int, key: str, value: Any) -> None:
    """Write a user attribute of a study."""
    table: Table = models.StudyUserAttributeModel.__table__
    row = {"study_id": study_id, "key": key, "value_json": json.dumps(value)}
    connection.execute(replacing(connection.dialect.name, table, ("study_id", "key"), ("value_json",)).values(row))


def _write(
    connection: Connection, table: Table, trial_id: int, keys: Mapping[str, Any], stored: Mapping[str, Any]
) -> bool:
    """Insert or replace one row of a trial that has not ended; whether there is such a trial."""
    statement = _row_of_trial(connection.dialect.name, table, tuple(keys), tuple(stored))
    given = {f"{name}_": value for name, value in {**keys, **stored}.items()}
    return connection.execute(statement, {"trial_": trial_id, **given}).rowcount > 0


@cache
def _row_of_trial(dialect: str, table: Table, keys: tuple[str, ...], stored: tuple[str, ...]) -> Any:
    names = [*keys, *stored]
    given = [bindparam(f"{name}_", type_=table.c[name].type) for name in names]
    source = select(TRIALS.c.trial_id, *given).where(
        TRIALS.c.trial_id == bindparam("trial_"), TRIALS.c.state.in_(_UNFINISHED)
    )
    written = replacing(dialect, table, ("trial_id", *keys), stored).from_select(["trial_id", *names], source)
    return written.execution_options(preserve_rowcount=True)


def replacing(dialect: str, table: Table, keys: Sequence[str], stored: Sequence[str]) -> Any:
    """An insertion into a table that replaces the row of the same keys.

    Args:
        dialect: Name of the kind of database.
        table: Table.
        keys: Names of the columns that identify a row.
        stored: Names of the columns that are replaced.
    """
    kind = postgresql if dialect == "postgresql" else sqlite
    new = kind.insert(table)
    return new.on_conflict_do_update(index_elements=keys, set_={name: new.excluded[name] for name in stored})


def _utc(moment: datetime.datetime | None) -> datetime.datetime | None:
    """A time without zone, which is that of this machine, in UTC, as Optuna stores it."""
    return None if moment is None else moment.astimezone(datetime.UTC).replace(tzinfo=None)
