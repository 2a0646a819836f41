"""The private API of Optuna that samplers need: these tests fail when a version of Optuna changes it."""

from __future__ import annotations

from typing import Any

import optuna
import pytest
from optuna.samplers import TPESampler
from optuna.trial import FrozenTrial, TrialState

from mnistsweep.search.optuna_private import ProposalStudy, write_system_attr

DISTRIBUTIONS: dict[str, Any] = {"x": optuna.distributions.FloatDistribution(0.0, 1.0)}


@pytest.fixture
def study() -> optuna.Study:
    """A study with ten completed trials."""
    study = optuna.create_study()
    for number in range(10):
        params = {"x": number / 10}
        study.add_trial(optuna.trial.create_trial(value=number, params=params, distributions=DISTRIBUTIONS))
    study._thread_local.cached_all_trials = study.get_trials(deepcopy=False)  # as a sampler leaves it
    return study


def running_trial() -> FrozenTrial:
    return FrozenTrial(
        number=10, trial_id=-1, state=TrialState.RUNNING, value=None, datetime_start=None, datetime_complete=None,
        params={}, distributions={}, user_attrs={}, system_attrs={}, intermediate_values={},
    )  # fmt: skip


def test_a_sampler_reads_the_given_trials_only(study: optuna.Study) -> None:
    given = study.get_trials(deepcopy=False)[:4]
    view = ProposalStudy(study, given)
    for use_cache in (True, False):  # samplers use both
        assert view.study._get_trials(deepcopy=False, use_cache=use_cache) == given
    assert view.study.get_trials(deepcopy=False, states=(TrialState.FAIL,)) == []
    assert view.study.direction is study.direction
    assert len(study.get_trials()) == 10


def test_what_a_sampler_writes_is_collected_and_not_stored(study: optuna.Study) -> None:
    view = ProposalStudy(study, study.get_trials(deepcopy=False))
    write_system_attr(view.study, running_trial(), "key", [1, 2])
    assert view.system_attrs == {"key": [1, 2]}
    assert all(trial.system_attrs == {} for trial in study.get_trials())


def test_a_system_attribute_of_a_stored_trial_is_written(study: optuna.Study) -> None:
    trial = study._storage.get_trial(study._storage.create_new_trial(study._study_id))
    write_system_attr(study, trial, "key", [1, 2])
    assert study.get_trials()[-1].system_attrs == {"key": [1, 2]}


def test_a_proposal_with_the_view_equals_one_with_a_study_of_these_trials(study: optuna.Study) -> None:
    def propose(source: optuna.Study, trial: FrozenTrial) -> list[Any]:
        samplers = [TPESampler(n_startup_trials=1, multivariate=True, seed=seed) for seed in range(8)]
        return [sampler.sample_relative(source, trial, DISTRIBUTIONS) for sampler in samplers]

    part = optuna.create_study()
    part.add_trials(study.get_trials()[:4])
    stored = part._storage.get_trial(part._storage.create_new_trial(part._study_id))
    trials = study.get_trials(deepcopy=False)
    of_four = propose(ProposalStudy(study, trials[:4]).study, running_trial())
    of_all = propose(ProposalStudy(study, trials).study, running_trial())
    assert of_four == propose(part, stored) != of_all
