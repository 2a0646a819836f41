"""The Pareto front of time and objective."""

import numpy as np
import pytest

from mnistsweep.analysis.pareto import pareto_front
from mnistsweep.errors import DataError


def brute_force(seconds, gains):
    """The definition, pair by pair."""
    front = []
    for i, (time, gain) in enumerate(zip(seconds, gains, strict=True)):
        beaten = any(t <= time and g >= gain and (t < time or g > gain) for t, g in zip(seconds, gains, strict=True))
        if not beaten:
            front.append(i)
    return front


@pytest.mark.parametrize("seed", range(20))
def test_agrees_with_the_definition(seed):
    rng = np.random.default_rng(seed)
    seconds, values = rng.integers(1, 12, 40).astype(float), rng.integers(0, 12, 40) / 12  # with many ties

    assert sorted(pareto_front(seconds, values)) == brute_force(seconds, values)
    assert sorted(pareto_front(seconds, values, "min")) == brute_force(seconds, -values)


def test_fastest_first():
    front = pareto_front([30, 10, 20, 25], [0.99, 0.90, 0.95, 0.94])

    assert front.tolist() == [1, 2, 0]


def test_equals_are_on_the_front_together():
    assert pareto_front([10, 10, 10], [0.9, 0.9, 0.8]).tolist() == [0, 1]


def test_smaller_is_better_with_min():
    assert pareto_front([10, 20, 30], [0.3, 0.4, 0.1], "min").tolist() == [0, 2]


def test_one_and_none():
    assert pareto_front([5.0], [0.5]).tolist() == [0]
    assert pareto_front([], []).tolist() == []


@pytest.mark.parametrize(
    ("seconds", "objective", "direction", "message"),
    [
        ([1, 2], [0.5], "max", r"must be \(trials,\) each, received \(2,\) and \(1,\)"),
        ([1, np.nan], [0.5, 0.6], "max", "seconds: must be finite, trial 1 has nan"),
        ([1, 2], [np.inf, 0.6], "max", "objective: must be finite, trial 0 has inf"),
        ([1], [0.5], "up", "direction: must be 'max' or 'min', received 'up'"),
    ],
)
def test_bad_input(seconds, objective, direction, message):
    with pytest.raises(DataError, match=message):
        pareto_front(seconds, objective, direction)
