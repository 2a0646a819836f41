"""Trials of former sweeps as a sampler of Optuna reads them: trials with negative numbers."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping

import optuna
from optuna.trial import FrozenTrial, TrialState

from mnistsweep.dimensions import is_active
from mnistsweep.json_values import to_json
from mnistsweep.search.distributions import Encoding
from mnistsweep.search.former import FormerTrial
from mnistsweep.search.violations import CONSTRAINTS
from mnistsweep.space import SearchSpace

_TIME = datetime.datetime(2000, 1, 1)  # the same in each process; only the order of trials counts


def former_samples(
    trials: Iterable[FormerTrial], space: SearchSpace, encodings: Mapping[str, Encoding]
) -> list[FrozenTrial]:
    """Return former trials in the encoding of samplers, the first with the lowest number.

    A trial without a result of its own counts as pruned after its last reported epoch.

    Args:
        trials: Former trials with points of the space.
        space: Search space.
        encodings: Encoding of each dimension by its name.
    """
    known = [trial for trial in trials if trial.objective is not None or trial.values]
    return [_sample(trial, index - len(known), space, encodings) for index, trial in enumerate(known)]


def is_former(trial: FrozenTrial) -> bool:
    """Return whether a trial is one of a former sweep."""
    return trial.number < 0


def _sample(trial: FormerTrial, number: int, space: SearchSpace, encodings: Mapping[str, Encoding]) -> FrozenTrial:
    active = [encodings[one.name] for one in space.dimensions if is_active(one, trial.point)]
    return optuna.trial.FrozenTrial(
        number=number, trial_id=number,
        state=TrialState.PRUNED if trial.objective is None else TrialState.COMPLETE, value=trial.objective,
        datetime_start=_TIME, datetime_complete=_TIME,
        params={one.dimension.name: one.encode(one.dimension.value_in(trial.point)) for one in active},
        distributions={one.dimension.name: one.distribution for one in active},
        user_attrs={"point": to_json(trial.point)},
        system_attrs={f"{CONSTRAINTS}:{name}": value for name, value in trial.violations.items()},
        intermediate_values=dict(trial.values),
    )  # fmt: skip
