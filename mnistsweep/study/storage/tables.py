"""The ledger in a database: Optuna's tables and storage, with a faster way to create a trial.

This module imports SQLAlchemy, which is slow; it is imported only where a database is used.

It uses private API of Optuna, checked against version 5.0: the hook `RDBStorage._get_prepared_new_trial` and the tables
in `optuna.storages._rdb.models`. `tests/study/storage/test_tables.py` fails if Optuna no longer calls the hook.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optuna.distributions import distribution_to_json
from optuna.storages import RDBStorage
from optuna.storages._rdb import models
from optuna.trial import FrozenTrial
from sqlalchemy import Engine, inspect

from mnistsweep.errors import StudyError
from mnistsweep.study.storage.connections import translate_outages

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


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


class Tables(RDBStorage):
    """Optuna's storage, which creates a trial without reading; PostgreSQL gets one statement for each table.

    Optuna itself reads and writes each parameter separately: some forty round trips, in which all other workers wait.
    It also checks that earlier trials had the same range; here all points come from one search space.

    Args:
        url: Database URL.
        engine_kwargs: Keyword arguments for SQLAlchemy's `create_engine`.
        skip_table_creation: Whether the tables exist already.
    """

    def __init__(self, url: str, engine_kwargs: dict[str, Any], skip_table_creation: bool) -> None:
        super().__init__(url, engine_kwargs, skip_table_creation=skip_table_creation)
        translate_outages(self.engine, url)

    def _get_prepared_new_trial(
        self, study_id: int, template_trial: FrozenTrial | None, session: Session
    ) -> models.TrialModel:
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
            raise StudyError(f"trial {new.number} was started by another worker meanwhile; the same command continues.")
        return trial
