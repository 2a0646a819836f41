"""Which factors have an effect on the order of results: known truth, planted effects, and noise."""

import numpy as np
import pytest

from mnistsweep.analysis.effects import NEGLIGIBLE, find_effects

LEVELS = (2, 3, 5, 5, 5, 8)


def draw(rng, results, levels=LEVELS):
    return np.column_stack([rng.integers(count, size=results) for count in levels])


def named(found):
    return [effect.factor for effect in found.found]


@pytest.mark.parametrize("results", [10, 20, 60, 200])
def test_noise_has_no_effect_in_at_least_95_of_100_cases(results):
    rng = np.random.default_rng(results)
    heavy = [
        lambda: rng.normal(size=results),
        lambda: rng.standard_cauchy(results),
        lambda: rng.integers(3, size=results),
    ]
    wrong = sum(bool(find_effects(draw(rng, results), heavy[case % 3]().astype(float)).found) for case in range(200))
    assert wrong <= 10


def test_a_planted_effect_is_found_and_nothing_else():
    rng = np.random.default_rng(1)
    names = []
    for _ in range(50):
        groups = draw(rng, 60)
        names.append(named(find_effects(groups, -0.5 * (groups[:, 3] - 3.0) ** 2 + rng.normal(0, 0.5, 60))))
    assert sum(found == [3] for found in names) >= 47


def test_the_share_and_the_worse_groups_of_a_planted_effect():
    rng = np.random.default_rng(2)
    groups = draw(rng, 400)
    (effect,) = find_effects(groups, np.array([0.0, 1.0, 3.0, 3.0, 0.0])[groups[:, 2]] + rng.normal(0, 0.3, 400)).found
    assert 0.7 < effect.share < 0.9
    assert effect.worse.tolist() == [True, True, False, False, True]
    assert effect.best in (2, 3)


def test_a_strong_effect_hides_no_weak_one():
    rng = np.random.default_rng(3)
    groups = draw(rng, 120)
    results = 10.0 * groups[:, 5] + 1.0 * groups[:, 0] + rng.normal(0, 0.5, 120)
    assert named(find_effects(groups, results)) == [5, 0]


def test_a_factor_that_only_varies_together_with_another_has_no_effect():
    """As in a search that learns: the later, better trials share the value of an unimportant hyperparameter."""
    rng = np.random.default_rng(4)
    cause = rng.integers(4, size=150)
    follower = np.where(rng.random(150) < 0.7, cause % 2, rng.integers(2, size=150))
    found = find_effects(np.column_stack([follower, cause]), cause + rng.normal(0, 0.7, 150))
    assert named(found) == [1]


def test_negligible_is_said_of_small_effects_and_only_with_enough_results():
    rng = np.random.default_rng(5)

    def negligible(results, planted, cases=60):
        said = 0
        for _ in range(cases):
            groups = draw(rng, results, (5, 5))
            noise = rng.normal(size=results)
            # Factor 1 explains the planted share of the variance, factor 0 half of the rest.
            effect = (groups[:, 1] - 2) / np.sqrt(2) * np.sqrt(planted)
            main = (groups[:, 0] - 2) / np.sqrt(2) * np.sqrt((1 - planted) / 2)
            said += 1 in find_effects(groups, main + effect + noise * np.sqrt((1 - planted) / 2)).negligible
        return said / cases

    assert negligible(200, 0.0) > 0.8
    assert negligible(30, 0.0) < 0.5
    assert negligible(200, 1.5 * NEGLIGIBLE) < 0.05


def test_a_factor_that_was_hardly_varied_is_not_negligible():
    """A search that learns tries a good value nearly always."""
    rng = np.random.default_rng(10)
    hardly = np.where(rng.random(200) < 0.9, 2, rng.integers(3, size=200))
    groups = np.column_stack([rng.integers(5, size=200), hardly, rng.integers(3, size=200)])
    found = find_effects(groups, groups[:, 0] + rng.normal(0, 0.5, 200), [5, 3, 4])
    assert (named(found), found.negligible) == ([0], [])  # the last one has a value that was never tried
    assert find_effects(groups, groups[:, 0] + rng.normal(0, 0.5, 200)).negligible == [2]


def test_an_effect_among_the_best_only_is_not_negligible():
    """A strong factor hides it in the ranking of all, and it decides which of the best is the best."""
    rng = np.random.default_rng(9)
    groups = draw(rng, 200, (5, 2, 2))
    results = np.where(groups[:, 0] == 4, 0.5 * groups[:, 1], -10.0 - groups[:, 0]) + rng.normal(0, 0.2, 200)
    found = find_effects(groups, results)
    assert named(found) == [0]
    assert found.negligible == [2]


def test_a_factor_that_does_not_always_apply_is_compared_where_it_applies():
    rng = np.random.default_rng(6)
    parent, inner = rng.integers(2, size=200), rng.integers(3, size=200)
    child = np.where(parent == 1, inner, -1)
    only_parent = find_effects(np.column_stack([parent, child]), 5.0 * parent + rng.normal(size=200))
    both = find_effects(np.column_stack([parent, child]), 5.0 * parent + 2.0 * (parent * inner) + rng.normal(size=200))
    assert (named(only_parent), only_parent.negligible) == ([0], [])
    assert sorted(named(both)) == [0, 1]


@pytest.mark.parametrize("value", [0.5, -1e300])
def test_equal_results_show_nothing(value):
    rng = np.random.default_rng(7)
    assert not find_effects(draw(rng, 40), np.full(40, value)).found
    assert not find_effects(draw(rng, 9), np.arange(9.0)).found


def test_one_diverged_result_counts_as_one():
    rng = np.random.default_rng(8)
    groups, results = draw(rng, 60), rng.normal(size=60)
    results[0] = -1e300
    assert not find_effects(groups, results).found
