"""The ledger in a database: Optuna's tables, and Optuna's store but for how a trial is begun and an outage is told.

Imports SQLAlchemy, which takes a while: imported itself where a database is used, and nowhere else.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from optuna.distributions import distribution_to_json
from optuna.storages import RDBStorage
from optuna.storages._rdb import models
from optuna.trial import FrozenTrial

from mnistsweep.errors import StudyError
from mnistsweep.study.storage.connections import translate_outages

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


class Tables(RDBStorage):
    """Optuna's store, which writes a new trial in as many statements as there are tables.

    Optuna's own asks and writes for each parameter in turn, some forty round trips in which all other workers wait. It
    sees to it that earlier trials searched the same range, too; here the points come from one space.

    Args:
        url: Of the database.
        engine_kwargs: How SQLAlchemy is to connect.
        skip_table_creation: Whether the tables are there.
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
        session.flush()  # it has its id from here on
        for name, value in new.params.items():
            shape = new.distributions[name]
            row = {"param_value": shape.to_internal_repr(value), "distribution_json": distribution_to_json(shape)}
            session.add(models.TrialParamModel(trial_id=trial.trial_id, param_name=name, **row))
        for kind, attrs in (
            (models.TrialUserAttributeModel, new.user_attrs),
            (models.TrialSystemAttributeModel, new.system_attrs),
        ):
            session.add_all(kind(trial_id=trial.trial_id, key=key, value_json=json.dumps(attrs[key])) for key in attrs)
        trial.number = trial.count_past_trials(session)
        if new.number not in (-1, trial.number):  # the turn was lost in the middle: the whole transaction is void
            raise StudyError(f"trial {new.number} was begun by another worker meanwhile; the same command continues.")
        return trial
