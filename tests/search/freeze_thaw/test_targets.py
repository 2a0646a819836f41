"""Values of the objective as targets: larger is better, logarithms of errors, diverged runs limited."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mnistsweep.search.freeze_thaw.targets import Scale

SCORES = [0.1, 0.55, 0.8, 0.9, 0.95, 0.97, 0.985]


def test_halving_the_error_of_a_score_counts_the_same_everywhere() -> None:
    scale = Scale.of(SCORES, maximize=True)
    first, second, third = np.diff(scale.targets([0.6, 0.8, 0.9, 0.95]))
    assert second == pytest.approx(first, rel=0.05)
    assert third == pytest.approx(first, rel=0.05)


def test_a_loss_is_a_logarithm_and_smaller_is_better() -> None:
    scale = Scale.of([2.0, 1.0, 0.5, 0.25, 0.125], maximize=False)
    steps = np.diff(scale.targets([1.0, 0.5, 0.25]))
    assert steps[0] > 0
    assert steps[1] == pytest.approx(steps[0], rel=0.1)


@pytest.mark.parametrize(("maximize", "values"), [(True, [-5.0, 3.0, 250.0]), (False, [-5.0, 3.0, 250.0])])
def test_a_value_without_a_known_limit_is_only_standardized(maximize: bool, values: list[float]) -> None:
    targets = Scale.of([*values, 10.0, 20.0], maximize).targets(values)
    assert list(np.argsort(targets)) == ([0, 1, 2] if maximize else [2, 1, 0])


def test_targets_have_mean_zero_and_deviation_one() -> None:
    for maximize in (True, False):
        targets = Scale.of(SCORES, maximize).targets(SCORES)
        assert targets.mean() == pytest.approx(0.0, abs=1e-9)
        assert targets.std() == pytest.approx(1.0)


def test_values_that_are_not_finite_are_the_worst_and_do_not_set_the_scale() -> None:
    odd = [math.nan, math.inf, -math.inf]
    scale = Scale.of([*SCORES, *odd], maximize=True)
    assert len(set(scale.targets(odd).tolist())) == 1
    assert scale.targets(odd)[0] <= scale.targets(SCORES).min()
    alone, with_odd = (Scale.of(values, maximize=True).targets([0.9, 0.97]) for values in (SCORES, [*SCORES, *odd]))
    assert np.diff(with_odd)[0] > 0.5 * np.diff(alone)[0]


def test_a_loss_that_explodes_is_limited() -> None:
    losses = [2.3, 1.1, 0.7, 0.5, 0.4, 0.3]
    scale = Scale.of([*losses, 1e30, 1e300], maximize=False)
    worst, good, best = scale.targets([1e300, 0.4, 0.3])
    assert best - good > 0.02 * (good - worst)
    assert scale.targets([1e30])[0] == worst


@pytest.mark.parametrize("values", [[], [math.nan], [0.5], [0.5, 0.5, 0.5], [1.0, 1.0], [0.0], [-1e308, 1e308]])
@pytest.mark.parametrize("maximize", [True, False])
def test_few_equal_or_enormous_values_have_finite_targets(values: list[float], maximize: bool) -> None:
    with np.errstate(all="raise"):
        scale = Scale.of(values, maximize)
        assert np.isfinite(scale.targets([*values, 0.25, math.nan])).all()


def test_a_perfect_score_is_better_than_all_others() -> None:
    targets = Scale.of([0.9, 0.99, 1.0], maximize=True).targets([0.9, 0.99, 1.0])
    assert targets[0] < targets[1] < targets[2] < 5
