"""Comparison of the arms of the cleaning experiment, and the sentences about it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from mnistsweep.analysis.arms import compare_arms, summarize_arms
from mnistsweep.analysis.treatments import ARMS
from mnistsweep.errors import DataError


def make_scores(**changes: list[float]) -> dict[str, list[float]]:
    base = [0.900, 0.904, 0.902, 0.901]
    noisy = [0.903, 0.901, 0.902, 0.902]
    return {arm: changes.get(arm, base if arm == "nothing" else noisy) for arm in ARMS}


def test_arms_are_compared_with_nothing_removed_and_with_random_removal() -> None:
    arms = compare_arms(make_scores(corrected=[0.910, 0.914, 0.913, 0.911]))
    assert [arm.name for arm in arms] == list(ARMS)
    assert arms[0].to_nothing is None
    assert arms[1].to_random is None
    corrected = arms[3]
    assert corrected.to_nothing is not None
    assert corrected.to_random is not None
    assert_allclose(corrected.to_nothing.values, [0.010, 0.010, 0.011, 0.010], atol=1e-12)
    assert_allclose(corrected.to_random.values, [0.007, 0.013, 0.011, 0.009], atol=1e-12)
    assert_allclose([corrected.mean, corrected.std], [0.912, np.std([0.910, 0.914, 0.913, 0.911], ddof=1)], atol=1e-12)


def test_noise_is_called_noise() -> None:
    text = summarize_arms(compare_arms(make_scores()))
    assert "any treatment on validation accuracy cannot be distinguished from noise" in text
    # Differences +0.3, -0.3, 0, +0.1: standard deviation 0.25, t(0.975, 3) 3.182, half a width 0.398.
    assert "An effect below about 0.40 points would not have been detected." in text
    assert "4 seeds give wide intervals" in text


def test_a_clear_effect_is_stated_with_its_intervals() -> None:
    text = summarize_arms(compare_arms(make_scores(corrected=[0.910, 0.914, 0.913, 0.911])))
    expected = (
        "With suspected labels corrected, validation accuracy changes by +1.03 points (+0.95 to +1.10) compared with "
    )
    assert text.startswith(expected)
    assert "both are more than noise. The effect of the other treatments" in text


def test_an_effect_that_random_removal_has_too_is_not_attributed_to_the_treatment() -> None:
    raised = [0.910, 0.914, 0.913, 0.911]
    text = summarize_arms(compare_arms(make_scores(random=raised, suspects=[0.911, 0.913, 0.913, 0.912])))
    assert "With as many removed at random, validation accuracy changes by +1.03 points" in text
    assert (
        "compared with removing as many at random (+0.03 points (-0.13 to +0.18)) it cannot be distinguished from noise"
        in text
    )


def test_one_seed_gives_no_interval_and_equal_differences_give_no_width() -> None:
    assert summarize_arms(compare_arms({arm: [0.9] for arm in ARMS})).startswith("One seed per arm gives no interval")
    same = summarize_arms(compare_arms({arm: [0.9, 0.91] for arm in ARMS}))
    assert "cannot be distinguished from noise" in same
    assert "would not have been detected" not in same


def test_no_arm_may_be_missing() -> None:
    with pytest.raises(DataError, match=r"missing: 'random', 'ambiguous'"):
        compare_arms({"nothing": [1.0], "suspects": [1.0], "corrected": [1.0]})
