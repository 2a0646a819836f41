"""Samplers of Optuna that the user chooses by their class."""

from __future__ import annotations

from typing import Any

import optuna
import pytest
from optuna.trial import create_trial

from mnistsweep.dimensions import Choice, Condition, Float, Int
from mnistsweep.errors import ConfigError
from mnistsweep.json_values import to_json
from mnistsweep.search.distributions import stored
from mnistsweep.search.oracle_factory import make_oracle
from mnistsweep.space import Point, SearchSpace, canonical

SPACE = SearchSpace(
    (
        Float("x", -5, 5),
        Choice("c", ("a", "b")),
        Int("n", 1, 9),
        Float("m", 0, 1, conditions=(Condition("c", ("a",)),)),
    )
)


def search(trials: int, **sampler: Any) -> tuple[list[Point], list[float], optuna.Study]:
    """Points that a sampler proposes for a function with its minimum at x = 0, c = a, n = 1, m = 0."""
    oracle = make_oracle({"name": "optuna", "sampler": sampler}, SPACE, 3, trials)
    study, points, values = optuna.create_study(), list[Point](), list[float]()
    encodings = {dimension.key: stored(dimension) for dimension in SPACE.dimensions}
    for number in range(trials):
        proposal = oracle.propose(number, study)
        assert proposal is not None
        point = proposal.point
        points.append(point)
        values.append(point["x"] ** 2 + point["n"] + (3 if point["c"] == "b" else point["m"]))
        study.add_trial(
            create_trial(
                value=values[-1], params={key: encodings[key].encode(value) for key, value in point.items()},
                distributions={key: encodings[key].distribution for key in point},
                system_attrs=proposal.system_attrs, user_attrs={"point": to_json(point)},
            )
        )  # fmt: skip
    return points, values, study


@pytest.mark.parametrize(
    "sampler",
    [
        {"_target_": "optuna.samplers.TPESampler", "n_startup_trials": 8},
        {"_target_": "optuna.samplers.TPESampler", "multivariate": True, "group": True},
        {"_target_": "optuna.samplers.NSGAIISampler", "population_size": 8},
        {"_target_": "optuna.samplers.QMCSampler"},
    ],
)
def test_points(sampler: dict[str, Any]) -> None:
    points, values, _ = search(40, **sampler)
    assert len(set(map(canonical, points))) == 40
    assert all(("m" in point) == (point["c"] == "a") for point in points)
    assert all(SPACE[key].contains(value) for point in points for key, value in point.items())
    assert search(40, **sampler)[0] == points
    if "QMC" not in sampler["_target_"]:
        assert min(values[20:]) < min(values[:8])


def test_what_a_sampler_writes_to_a_trial_is_kept() -> None:
    _, _, study = search(20, _target_="optuna.samplers.NSGAIISampler", population_size=5)
    generations = [trial.system_attrs["NSGAIISampler:generation"] for trial in study.get_trials()]
    assert generations == [0] * 5 + [1] * 5 + [2] * 5 + [3] * 5


def test_targets_among_the_arguments() -> None:
    base = {"_target_": "optuna.samplers.TPESampler"}
    points, _, _ = search(10, _target_="optuna.samplers.PartialFixedSampler", fixed_params={"n": 4}, base_sampler=base)
    assert {point["n"] for point in points} == {4}


@pytest.mark.parametrize(
    ("sampler", "message"),
    [
        (
            {"_target_": "optuna.samplers.NSGAIISampler", "population_size": 1},
            "sampler: optuna.samplers.NSGAIISampler: ",
        ),
        ({"_target_": "optuna.samplers.TPESampler", "gama": 1}, "sampler.gama: .* did you mean 'gamma'"),
        ({"_target_": "optuna.samplers.Foo"}, "sampler._target_: optuna.samplers has no 'Foo'"),
        (
            {"_target_": "collections.OrderedDict"},
            "sampler._target_: must be a sampler of Optuna; received collections",
        ),
        ({}, "sampler: must be the class of a sampler of Optuna"),
    ],
)
def test_what_is_refused(sampler: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make_oracle({"name": "optuna", "sampler": sampler}, SPACE, 0, 10)
