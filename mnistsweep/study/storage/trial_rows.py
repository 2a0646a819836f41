"""Trials in Optuna's tables: read with one statement, whatever the number of tables.

Optuna itself reads each table separately, a round trip each. This module imports SQLAlchemy, which is slow; it is
imported only where a database is used.

It uses private API of Optuna, checked against version 5.0: the tables in `optuna.storages._rdb.models`.
`tests/study/storage/test_tables.py` compares with what Optuna reads.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from optuna.distributions import BaseDistribution, json_to_distribution
from optuna.storages._rdb import models
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import (
    Column,
    Connection,
    DateTime,
    Float,
    Integer,
    String,
    bindparam,
    cast,
    literal_column,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import CTE, CompoundSelect, Select

TRIALS = models.TrialModel.__table__
PARAMS = models.TrialParamModel.__table__
VALUES = models.TrialValueModel.__table__
REPORTS = models.TrialIntermediateValueModel.__table__
USER_ATTRS = models.TrialUserAttributeModel.__table__
SYSTEM_ATTRS = models.TrialSystemAttributeModel.__table__

# Kinds of rows.
_TRIAL, _PARAM, _VALUE, _REPORT, _USER_ATTR, _SYSTEM_ATTR = range(6)

MAX_LISTED = 5000
"""Number of trials that a statement names one by one; databases limit the number of parameters."""

Rows = Sequence[Any]
"""Rows of one trial: kind, trial, position, name, text, number, start and end; ordered by kind and position."""


def read_rows(connection: Connection, study_id: int, after: int, listed: Iterable[int]) -> dict[int, Rows]:
    """Rows of the trials of a study that may have changed, by the identifier of the trial, in the order of these.

    Args:
        connection: Connection to the database.
        study_id: Identifier of the study.
        after: Identifier of a trial: all trials with larger ones are read.
        listed: Identifiers of further trials that are read.
    """
    further = sorted(number for number in listed if number <= after)
    if len(further) > MAX_LISTED:
        after, further = further[0] - 1, []
    found: dict[int, list[Any]] = {}
    chosen = {"study": study_id, "after": after, "listed": further}
    for row in sorted(connection.execute(_CHANGED, chosen).all(), key=lambda row: (row[1], row[0], row[2])):
        found.setdefault(row[1], []).append(row)
    return {number: tuple(rows) for number, rows in found.items()}


def read_trial(connection: Connection, trial_id: int) -> FrozenTrial | None:
    """A trial; None if there is none.

    Args:
        connection: Connection to the database.
        trial_id: Identifier of the trial.
    """
    rows = connection.execute(_ONE, {"trial": trial_id}).all()
    return make_trial(tuple(sorted(rows, key=lambda row: (row[0], row[2])))) if rows else None


def make_trial(rows: Rows) -> FrozenTrial:
    """A trial as Optuna represents it.

    Args:
        rows: Rows of the trial.
    """
    head = rows[0]
    parts: list[list[Any]] = [[] for _ in range(6)]
    for row in rows:
        parts[row[0]].append(row)
    shapes = {row[3]: _distribution(row[4]) for row in parts[_PARAM]}
    values = [_number(row) for row in sorted(parts[_VALUE], key=lambda row: int(row[3]))]
    return FrozenTrial(
        number=int(head[5]), trial_id=head[1], state=TrialState[head[4]], value=None, values=values or None,
        datetime_start=_local(head[6]), datetime_complete=_local(head[7]),
        params={row[3]: shapes[row[3]].to_external_repr(row[5]) for row in parts[_PARAM]}, distributions=shapes,
        user_attrs={row[3]: json.loads(row[4]) for row in parts[_USER_ATTR]},
        system_attrs={row[3]: json.loads(row[4]) for row in parts[_SYSTEM_ATTR]},
        intermediate_values={int(row[3]): _number(row) for row in parts[_REPORT]},
    )  # fmt: skip


@lru_cache(maxsize=1024)
def _distribution(text: str) -> BaseDistribution:
    return json_to_distribution(text)


def _number(row: Any) -> float:
    """A number of a value or a report, of which the text names the kind."""
    special = {"INF_POS": float("inf"), "INF_NEG": float("-inf"), "NAN": float("nan")}
    return float(special.get(row[4], row[5]))


def _local(moment: datetime.datetime | None) -> datetime.datetime | None:
    """A stored time, which is in UTC, in the time zone of this machine, without its name."""
    if moment is None:
        return None
    return moment.replace(tzinfo=datetime.UTC).astimezone().replace(tzinfo=None)


def _part(
    kind: int,
    source: CTE,
    position: Column[Any],
    name: ColumnElement[Any] | None,
    text: ColumnElement[Any],
    number: ColumnElement[Any] | None,
) -> Select[Any]:
    """Rows of one table."""
    table = position.table
    columns = [
        literal_column(str(kind), Integer).label("kind"),
        table.c.trial_id,
        position.label("position"),
        cast(null() if name is None else name, String).label("name"),
        cast(text, String).label("text"),
        cast(null() if number is None else number, Float(53)).label("number"),
        *(
            (table.c.datetime_start, table.c.datetime_complete)
            if kind == _TRIAL
            else (cast(null(), DateTime), cast(null(), DateTime))
        ),
    ]
    return select(*columns).where(table.c.trial_id.in_(select(source.c.trial_id)))


def _statement(chosen: CTE) -> CompoundSelect[Any]:
    return union_all(
        _part(_TRIAL, chosen, TRIALS.c.trial_id, None, TRIALS.c.state, TRIALS.c.number),
        _part(_PARAM, chosen, PARAMS.c.param_id, PARAMS.c.param_name, PARAMS.c.distribution_json, PARAMS.c.param_value),
        _part(_VALUE, chosen, VALUES.c.trial_value_id, VALUES.c.objective, VALUES.c.value_type, VALUES.c.value),
        _part(
            _REPORT, chosen, REPORTS.c.trial_intermediate_value_id, REPORTS.c.step, REPORTS.c.intermediate_value_type,
            REPORTS.c.intermediate_value,
        ),
        *(
            _part(kind, chosen, position, table.c.key, table.c.value_json, None)
            for kind, table, position in (
                (_USER_ATTR, USER_ATTRS, USER_ATTRS.c.trial_user_attribute_id),
                (_SYSTEM_ATTR, SYSTEM_ATTRS, SYSTEM_ATTRS.c.trial_system_attribute_id),
            )
        ),
    )  # fmt: skip


_CHANGED = _statement(
    select(TRIALS.c.trial_id)
    .where(
        TRIALS.c.study_id == bindparam("study"),
        or_(TRIALS.c.trial_id > bindparam("after"), TRIALS.c.trial_id.in_(bindparam("listed", expanding=True))),
    )
    .cte("chosen")
)
_ONE = _statement(select(TRIALS.c.trial_id).where(TRIALS.c.trial_id == bindparam("trial")).cte("chosen"))
