"""Ledgers that already hold many trials, written at once, as workers would leave them."""

from __future__ import annotations

import datetime
import json
from collections.abc import Generator, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import distribution_to_json
from optuna.storages import JournalStorage
from optuna.storages.journal import BaseJournalBackend
from optuna.trial import FrozenTrial, TrialState

from helpers.faulty import OBJECTIVE, SPACE
from mnistsweep.paths import SweepPaths
from mnistsweep.search.distributions import stored
from mnistsweep.search.oracle_factory import make_oracle
from mnistsweep.search.whole_trials import WholeTrials
from mnistsweep.study.budget import Budget
from mnistsweep.study.opened_ledger import create_ledger
from mnistsweep.study.records import Result
from mnistsweep.study.search_settings import SearchSettings
from mnistsweep.study.storage.journal_file import JournalFile

SEED = 0


def make_search(budget: int) -> SearchSettings:
    oracle = make_oracle({"name": "random"}, SPACE, SEED, budget, ())
    return SearchSettings(
        SPACE,
        "max",
        WholeTrials(oracle),
        lambda number: SEED + number,
        budget=Budget(trials=budget),
        objective=OBJECTIVE,
    )


def value_of(number: int) -> float:
    """A made-up objective."""
    return number * 0.6180339887 % 1


def result_of(number: int) -> Result:
    return Result(value_of(number), 1, 1, 0.25)


def stored_result(number: int) -> dict[str, Any]:
    """The result of a trial as the ledger stores it: without the checkpoint, which is an attribute of its own."""
    return {name: value for name, value in asdict(result_of(number)).items() if name != "checkpoint"}


def fill(folder: Path, url: str | None, trials: int, owners: Sequence[str] = ()) -> None:
    """Make a ledger that holds a number of finished trials, and then running ones.

    Args:
        folder: Path of the sweep's folder.
        url: URL of a database; None for a journal file.
        trials: Number of finished trials.
        owners: Names of workers; each runs one further trial.
    """
    paths = SweepPaths(folder)
    create_ledger(paths, url, "max", OBJECTIVE, {})
    if url is None:
        fill_journal(JournalFile(paths.journal), paths.name, trials, owners)
    elif trials or owners:
        fill_tables(url, paths.name, trials, owners)


def fill_journal(file: JournalFile, name: str, trials: int, owners: Sequence[str]) -> None:
    """Write the four entries of a worker for each finished trial (claim, report, result, end) at once."""
    memory = Memory(list(file.read_logs(0)))
    before = len(memory.logs)
    storage = JournalStorage(memory)
    study_id = storage.get_study_id_from_name(name)
    for number, template in enumerate(templates(trials, owners)):
        trial_id = storage.create_new_trial(study_id, template)
        if number >= trials:
            continue
        storage.set_trial_intermediate_value(trial_id, 1, value_of(number))
        storage.set_trial_user_attr(trial_id, "result", stored_result(number))
        storage.set_trial_state_values(trial_id, TrialState.COMPLETE, [value_of(number)])
    file.append_logs(memory.logs[before:])
    file.flush()


class Memory(BaseJournalBackend):
    """A journal in memory."""

    def __init__(self, logs: list[dict[str, Any]]) -> None:
        self.logs = logs

    def read_logs(self, log_number_from: int) -> Generator[dict[str, Any], None, None]:
        yield from self.logs[log_number_from:]

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        self.logs.extend(logs)


def fill_tables(url: str, name: str, trials: int, owners: Sequence[str]) -> None:
    """Fill Optuna's empty tables directly; through Optuna's API a trial takes 20 ms."""
    from optuna.storages._rdb import models
    from sqlalchemy import create_engine, text

    engine = create_engine(url)
    rows: dict[Any, list[dict[str, Any]]] = {
        kind.__table__: []
        for kind in (
            models.TrialModel, models.TrialParamModel, models.TrialUserAttributeModel, models.TrialSystemAttributeModel,
            models.TrialIntermediateValueModel, models.TrialValueModel,
        )
    }  # fmt: skip
    with engine.begin() as connection:
        study_id = connection.execute(
            text("SELECT study_id FROM studies WHERE study_name = :name"), {"name": name}
        ).scalar()
        for number, template in enumerate(templates(trials, owners)):
            for table, new in zip(rows, rows_of(number, template, number < trials), strict=True):
                rows[table].extend({**row, "trial_id": number + 1} for row in new)
        for row in rows[models.TrialModel.__table__]:
            row["study_id"] = study_id
        for table, new in rows.items():
            if new:
                connection.execute(table.insert(), new)
        if engine.dialect.name == "postgresql":
            connection.execute(
                text(f"SELECT setval(pg_get_serial_sequence('trials', 'trial_id'), {trials + len(owners)})")
            )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))  # the server would do it by itself, some time later
    engine.dispose()


def rows_of(number: int, template: FrozenTrial, is_finished: bool) -> Iterator[list[dict[str, Any]]]:
    """Rows of a trial by table: trial, parameters, attributes of users and system, report, value."""
    state, now = TrialState.COMPLETE if is_finished else TrialState.RUNNING, template.datetime_start
    ended = now if is_finished else None
    yield [{"number": number, "state": state, "datetime_start": now, "datetime_complete": ended}]
    shapes = template.distributions
    yield [
        {
            "param_name": key,
            "param_value": shapes[key].to_internal_repr(value),
            "distribution_json": distribution_to_json(shapes[key]),
        }
        for key, value in template.params.items()
    ]
    attrs = {**template.user_attrs, **({"result": stored_result(number)} if is_finished else {})}
    yield [{"key": key, "value_json": json.dumps(value)} for key, value in attrs.items()]
    yield [{"key": key, "value_json": json.dumps(value)} for key, value in template.system_attrs.items()]
    if not is_finished:
        yield from ([], [])
        return
    yield [{"step": 1, "intermediate_value": value_of(number), "intermediate_value_type": "FINITE"}]
    yield [{"objective": 0, "value": value_of(number), "value_type": "FINITE"}]


def templates(trials: int, owners: Sequence[str]) -> Iterator[FrozenTrial]:
    """The trials as workers would claim them."""
    number_of_all, now = trials + len(owners), datetime.datetime.now()
    oracle, search = make_oracle({"name": "random"}, SPACE, SEED, number_of_all, ()), make_search(number_of_all)
    study = optuna.create_study(storage=JournalStorage(Memory([])))
    shapes = {dimension.key: stored(dimension).distribution for dimension in SPACE.dimensions}
    for number in range(number_of_all):
        proposal = oracle.propose(number, study)
        assert proposal is not None
        point = proposal.point
        lease = {"owner": owners[number - trials] if number >= trials else "", "deaths": 0, "epoch": 0}
        yield FrozenTrial(
            number=-1, trial_id=-1, state=TrialState.RUNNING, value=None, datetime_start=now, datetime_complete=None,
            params={key: stored(SPACE[key]).encode(value) for key, value in point.items()}, distributions=shapes,
            user_attrs={"point": point, "seed": search.seed_of(number), "lease": lease},
            system_attrs=proposal.system_attrs, intermediate_values={},
        )  # fmt: skip
