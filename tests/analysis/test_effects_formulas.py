"""The numbers of `find_effects` against scipy and against direct formulas."""

import numpy as np
import pytest
from scipy.stats import f_oneway, kruskal, ncx2, rankdata

from mnistsweep.analysis.effects import (
    CLEARLY_WORSE,
    MAX_PROBABILITY,
    NEGLIGIBLE_ERROR,
    _Factor,
    _ranks,
    _without,
    find_effects,
)

CASES = range(40)


def draw(case):
    """Groups of four values, with an effect of random size, and results with ties."""
    rng = np.random.default_rng(case)
    groups = rng.integers(4, size=60)
    return groups, (rng.random() * 3 * (groups == 2) + rng.normal(size=60)).round(1)


def samples(groups, values):
    return [values[groups == group] for group in np.unique(groups)]


def test_ranks_are_those_of_scipy():
    for values in ([2.0, 1.0, 2.0, 5.0], [1.0], [3.0, 3.0, 3.0], np.random.default_rng(0).integers(5, size=50)):
        assert _ranks(np.asarray(values, dtype=float)).tolist() == (rankdata(values) - 1).tolist()


def test_the_statistic_is_that_of_kruskal_and_wallis_and_its_probability_that_of_the_analysis_of_variance_of_ranks():
    for case in CASES:
        groups, results = draw(case)
        factor = _Factor(groups, 4)
        assert factor.statistic(results) == pytest.approx(kruskal(*samples(groups, results)).statistic)
        expected = f_oneway(*samples(groups, rankdata(results))).pvalue
        assert factor.probability(results) == pytest.approx(expected, rel=1e-6)


def test_an_effect_is_found_where_its_probability_by_chance_is_below_the_level():
    decided = set()
    for case in CASES:
        groups, results = draw(case)
        probability = f_oneway(*samples(groups, rankdata(results))).pvalue
        decided.add(bool(probability <= MAX_PROBABILITY))
        assert bool(find_effects(groups[:, None], results).found) == (probability <= MAX_PROBABILITY)
    assert decided == {True, False}


def test_the_share_is_epsilon_squared_of_the_ranks_and_worse_groups_are_some_standard_errors_below_the_best():
    """Kelley's epsilon squared: the sum of squares between groups beyond that of chance, of the total one."""
    rng = np.random.default_rng(0)
    groups = rng.integers(4, size=80)
    results = np.array([0.0, 1.0, 1.3, 2.5])[groups] + rng.normal(size=80)
    (effect,) = find_effects(groups[:, None], results).found
    parts = samples(groups, rankdata(results))
    means, counts = np.array([part.mean() for part in parts]), np.array([len(part) for part in parts])
    within = sum(((part - part.mean()) ** 2).sum() for part in parts) / (80 - 4)
    total = ((rankdata(results) - 40.5) ** 2).sum()
    between = (counts * (means - 40.5) ** 2).sum()
    assert effect.share == pytest.approx((between - 3 * within) / total)
    errors = np.sqrt(within * (1 / counts + 1 / counts[3]))
    assert effect.best == means.argmax() == 3
    assert effect.worse.tolist() == ((means[3] - means) > CLEARLY_WORSE * errors).tolist()
    assert effect.worse.tolist() == [True, True, False, False]


def test_the_effect_of_a_factor_without_the_others_is_the_residual_of_least_squares():
    rng = np.random.default_rng(0)
    columns = np.column_stack([rng.integers(3, size=60), rng.integers(5, size=60)])
    order = _ranks(rng.normal(size=60))
    indicators = np.hstack([column[:, None] == np.unique(column) for column in columns.T]).astype(float)
    centred = order - order.mean()
    expected = centred - indicators @ np.linalg.lstsq(indicators, centred, rcond=None)[0]
    found = _without(order, [_Factor(columns[:, 0], 3), _Factor(columns[:, 1], 5)])
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_the_largest_compatible_share_is_a_bound_of_the_noncentral_chi_squared_distribution():
    for case in CASES:
        groups, results = draw(case)
        factor = _Factor(groups, 4)
        statistic, bound = factor.statistic(results), factor.bound(results)
        if bound == 0:
            assert ncx2.cdf(statistic, 3, 0.0) <= NEGLIGIBLE_ERROR
        else:
            assert ncx2.cdf(statistic, 3, bound * (60 - 1)) == pytest.approx(NEGLIGIBLE_ERROR, rel=1e-6)
