"""Expected scores: intervals that contain the truth, no bias by selection, and a better choice than the best score."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from mnistsweep.analysis.arrays import Floats
from mnistsweep.analysis.expected_scores import expected_scores


def simulate(
    draw: Callable[[np.random.Generator], Floats], noise: float, top: int, seeds: int, sweeps: int
) -> dict[str, float]:
    """Means over simulated sweeps of which the true scores are known."""
    rng = np.random.default_rng(1)
    found = []
    for _ in range(sweeps):
        truth = draw(rng)
        scores = truth + noise * rng.standard_normal(len(truth))
        order = np.argsort(-scores)
        repeats = [[] for _ in truth]
        for index in order[:top]:
            repeats[index] = (truth[index] + noise * rng.standard_normal(seeds)).tolist()
        expected = expected_scores(scores.tolist(), repeats)
        chosen = int(expected.means.argmax())
        low, high = expected.interval(chosen)
        found.append(
            {
                "before": truth.max() - truth[order[0]],
                "after": truth.max() - truth[chosen],
                "covered": low <= truth[chosen] <= high,
                "bias": expected.means[chosen] - truth[chosen],
                "optimism": scores[order[0]] - truth[order[0]],
                "probability": expected.probability_of_best(chosen),
                "is best": truth[chosen] == truth.max(),
            }
        )
    return {name: float(np.mean([one[name] for one in found])) for name in found[0]}


def test_the_expected_score_is_not_too_good() -> None:
    found = simulate(lambda rng: rng.standard_normal(24), 0.6, top=3, seeds=2, sweeps=60)
    assert 0.8 <= found["covered"] <= 0.97
    assert found["bias"] < 0.1 * found["optimism"]
    assert found["after"] < 0.6 * found["before"]


@pytest.mark.parametrize(("configurations", "spread"), [(1, 1.0), (4, 0.0)])
def test_intervals_hold_where_the_scores_themselves_have_no_spread(configurations: int, spread: float) -> None:
    """With a single configuration, or equal ones, only the repeated trainings show the noise."""
    rng, covered = np.random.default_rng(2), []
    for _ in range(100):
        first = (spread * rng.standard_normal(configurations)).tolist()
        found = expected_scores(first, rng.standard_normal((configurations, 5)).tolist())
        low, high = found.interval(int(found.means.argmax()))
        covered.append(low <= 0 <= high)
    assert 0.75 <= np.mean(covered) <= 0.97


@pytest.mark.slow
@pytest.mark.parametrize(("noise", "halves"), [(0.3, True), (0.6, True), (1.0, False)])
def test_intervals_contain_the_truth_and_the_choice_is_better(noise: float, halves: bool) -> None:
    found = simulate(lambda rng: rng.standard_normal(48), noise, top=6, seeds=2, sweeps=300)  # 1.25 times the cost
    assert 0.85 <= found["covered"] <= 0.95
    assert abs(found["bias"]) < 0.2 * found["optimism"]
    assert abs(found["probability"] - found["is best"]) < 0.08
    assert found["after"] <= (0.5 if halves else 0.6) * found["before"]


@pytest.mark.slow
def test_a_long_tail_of_bad_configurations_is_no_part_of_the_prior() -> None:
    found = simulate(lambda rng: -rng.exponential(1, 48), 0.3, top=6, seeds=2, sweeps=300)
    assert 0.85 <= found["covered"] <= 0.95
    assert abs(found["bias"]) < 0.25 * found["optimism"]
    assert found["after"] < 0.75 * found["before"]


def test_the_probabilities_of_all_configurations_sum_to_one() -> None:
    found = expected_scores([0.9, 0.8, 0.7], [[0.85], [], []])
    assert sum(found.probability_of_best(index) for index in range(3)) == pytest.approx(1)
    assert found.interval(0) == found.interval(0)


def test_repeats_that_agree_leave_little_noise() -> None:
    scores = [0.50, 0.60, 0.70, 0.80, 0.81]
    close = expected_scores(scores, [[], [], [0.701, 0.699], [0.801, 0.799], [0.811, 0.809]])
    apart = expected_scores(scores, [[], [], [0.62, 0.80], [0.70, 0.88], [0.72, 0.85]])
    assert close.noise < 0.01 < apart.noise
    assert close.means[4] == pytest.approx(0.81, abs=0.002)


@pytest.mark.parametrize("scores", [[0.5], [0.5, 0.5, 0.5]])
def test_equal_scores_give_finite_numbers(scores: list[float]) -> None:
    found = expected_scores(scores, [[0.5, 0.5], *([] for _ in scores[1:])])
    assert found.means == pytest.approx(scores, abs=1e-4)
    assert np.isfinite(found.interval(0)).all()
