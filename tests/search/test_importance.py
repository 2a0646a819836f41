"""Importance of hyperparameters: planted truth is found, and little is said where little is known."""

import warnings

import numpy as np
import pytest

from mnistsweep.dimensions import Choice, Condition, Float, Int
from mnistsweep.search.importance import MIN_COMPLETED, importances
from mnistsweep.space import SearchSpace

SPACE = SearchSpace(
    (
        Float("rate", 1e-4, 1e-1, log=True),
        Choice("size", (32, 64, 256)),
        Choice("kind", ("a", None, True, [1, 2])),
        Int("units", 8, 512, log=True),
    )
)


def draw(space, trials, seed=0):
    rng = np.random.default_rng(seed)
    return [space.point_at(rng.uniform(size=len(space.dimensions)).tolist()) for _ in range(trials)]


@pytest.mark.parametrize("key", ["rate", "size", "kind"])
@pytest.mark.parametrize("direction", ["max", "min"])
def test_the_dimension_that_matters_is_found(key, direction):
    points = draw(SPACE, 120)
    gains = [
        {
            "rate": -((np.log10(point["rate"]) + 2) ** 2),
            "size": -abs(point["size"] - 64) / 100,
            "kind": float(point["kind"] == [1, 2]),
        }[key]
        for point in points
    ]

    found = importances(SPACE, points, np.array(gains) * (1 if direction == "max" else -1), direction=direction)

    assert found.dimensions[0].key == key
    assert found.dimensions[0].mean > 0.6
    assert found.dimensions[0].mean - 2 * found.dimensions[0].std > found.dimensions[1].mean


def test_shares_sum_to_one_and_are_the_same_again():
    points = draw(SPACE, 40)
    gains = [np.log(point["units"]) for point in points]

    found, again = importances(SPACE, points, gains), importances(SPACE, points, gains)

    assert sum(one.mean for one in found.dimensions) == pytest.approx(1)
    assert found == again
    assert (found.trials, found.best) == (40, 5)
    assert all(one.active == 40 for one in found.dimensions)


def conditional():
    return SearchSpace(
        (
            Choice("optimizer", ("adam", "sgd")),
            Float("momentum", 0.0, 1.0, conditions=(Condition("optimizer", ("sgd",)),)),
            Float("other", 0.0, 1.0),
        )
    )


def test_a_conditional_dimension_is_judged_where_it_is_active():
    space = conditional()
    points = draw(space, 200)
    gains = [point.get("momentum", 0.75) for point in points]  # the best have a high momentum, so they are sgd's

    found = {one.key: one for one in importances(space, points, gains).dimensions}

    assert found["momentum"].active == sum("momentum" in point for point in points) < 200
    assert found["momentum"].mean > 0.4 > found["other"].mean


def test_a_conditional_dimension_that_none_of_the_best_has_did_not_matter():
    space = conditional()
    points = draw(space, 200)
    gains = [float(point["optimizer"] == "adam") + 0.1 * point["other"] for point in points]

    found = {one.key: one for one in importances(space, points, gains).dimensions}

    assert found["momentum"].mean == 0


def test_a_pruned_trial_is_worse_than_every_completed_one():
    points = [{"size": size} for size in (32, 64, 256) * 10]
    space = SearchSpace((Choice("size", (32, 64, 256)), Choice("one", (1,))))
    points = [{**point, "one": 1} for point in points]
    pruned = np.array([point["size"] == 256 for point in points])
    values = [{32: 0.5, 64: 0.6, 256: 0.9}[point["size"]] for point in points]

    found = importances(space, points, values, pruned)
    same = importances(space, points, [{32: 0.5, 64: 0.6, 256: 0.1}[point["size"]] for point in points])

    assert [one.key for one in found.dimensions] == ["size"]  # one value is no difference
    assert found == same


def test_failed_trials_are_left_out():
    points = draw(SPACE, 30)
    gains = np.array([np.log(point["units"]) for point in points])
    gains[[3, 7]] = np.nan

    assert importances(SPACE, points, gains) == importances(
        SPACE, [point for i, point in enumerate(points) if i not in (3, 7)], np.delete(gains, [3, 7])
    )


def test_too_few_trials():
    points = draw(SPACE, 6)

    found = importances(SPACE, points, np.arange(6.0), pruned=[True, True, False, False, False, False])

    assert not found.dimensions
    assert found.reason == f"4 completed trials are too few: at least {MIN_COMPLETED} are needed."


def test_a_constant_objective():
    found = importances(SPACE, draw(SPACE, 20), np.full(20, 0.5))

    assert not found.dimensions
    assert found.reason == "All 20 trials have the same objective, 0.5."


def test_a_space_of_one_point():
    space = SearchSpace((Choice("one", ("only",)), Float("fixed", 0.5, 0.5)))

    found = importances(space, draw(space, 10), np.arange(10.0))

    assert not found.dimensions
    assert found.reason == "No hyperparameter distinguishes the best trials from the others."


def test_five_trials_are_enough_and_nothing_is_warned():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = importances(SPACE, draw(SPACE, 5), np.arange(5.0))

    assert len(found.dimensions) == 4
    assert found.best == 1
