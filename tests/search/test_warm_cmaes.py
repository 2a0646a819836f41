"""The first generation of CMA-ES with former trials: positions of their values, and the library's own warm start."""

from __future__ import annotations

import numpy as np
import optuna
import pytest
from cmaes import get_warm_start_mgd
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution

from mnistsweep.dimensions import Choice, Float, Int
from mnistsweep.search.cmaes import _start
from mnistsweep.search.distributions import number_at, searched, unit_of
from mnistsweep.search.former import FormerTrial
from mnistsweep.search.former_samples import former_samples
from mnistsweep.space import SearchSpace


@pytest.mark.parametrize(
    "distribution",
    [
        FloatDistribution(-2.0, 6.0),
        FloatDistribution(1e-5, 1.0, log=True),
        IntDistribution(3, 9),
        IntDistribution(0, 100, step=25),
        IntDistribution(1, 1024, log=True),
        IntDistribution(7, 7),
    ],
    ids=str,
)
def test_the_position_of_a_number_is_where_it_was_drawn(distribution: BaseDistribution) -> None:
    for unit in np.linspace(0, 1, 41).tolist():
        number = number_at(distribution, unit)
        position = unit_of(distribution, number)
        assert 0 <= position <= 1
        assert number_at(distribution, position) == pytest.approx(number, rel=1e-12)
        if isinstance(distribution, FloatDistribution):
            assert position == pytest.approx(unit)


SPACE = SearchSpace((Float("x", 0.01, 1.0, log=True), Int("n", 1, 9), Choice("m", (8, 16, 24))))


def trial(index: int) -> FormerTrial:
    return FormerTrial(SPACE.point_at([(index * 0.618) % 1, (index * 0.382) % 1, (index * 0.71) % 1]), {}, index / 100)


@pytest.mark.parametrize("count", [1, 2, 7, 40])
@pytest.mark.parametrize("direction", ["maximize", "minimize"])
def test_it_is_drawn_around_the_best_former_trials(count: int, direction: str) -> None:
    """The mean and the covariance are those of Nomura et al. (2021) for the best tenth, or the best three."""
    encodings = {one.name: searched(one) for one in SPACE.dimensions}
    samples = former_samples(map(trial, range(count)), SPACE, encodings)
    study = optuna.create_study(direction=direction)
    distributions = {name: one.distribution for name, one in encodings.items()}
    mean, sigma, covariance = _start(samples, distributions, study.direction)
    sign = -1 if direction == "maximize" else 1
    best = sorted(range(count), key=lambda index: sign * index)[: max(count // 10, min(3, count))]
    rows = [[unit_of(distributions[name], samples[index].params[name]) for name in distributions] for index in best]
    expected, size, shape = get_warm_start_mgd([(np.array(row), 0.0) for row in rows], gamma=1.0)
    np.testing.assert_allclose(mean, expected)
    np.testing.assert_allclose(mean, np.mean(rows, axis=0))
    assert sigma == pytest.approx(size)
    np.testing.assert_allclose(covariance, shape)
