"""Which values the process learns from, and the columns of their times."""

from __future__ import annotations

import math

import pytest

from mnistsweep.search.freeze_thaw.observations import (
    NUM_BEST_FITTED,
    Timeline,
    best_value,
    fitted,
    informative,
    num_early,
    ranked,
    thinned,
)
from mnistsweep.search.scheduler import Curve, Phase


def curve(number: int, epochs: int, phase: Phase = Phase.PAUSED, max_epochs: int = 16, offset: float = 0.0) -> Curve:
    values = {epoch: offset + epoch / 100 for epoch in range(1, epochs + 1)}
    return Curve(number, {"x": number}, phase, max_epochs, values, epochs)


@pytest.mark.parametrize(
    ("epochs", "kept"), [(0, []), (1, [1]), (3, [1, 2, 3]), (8, [1, 2, 4, 8]), (13, [1, 2, 4, 8, 13])]
)
def test_a_curve_is_thinned_to_powers_of_two_and_the_last_epoch(epochs: int, kept: list[int]) -> None:
    found = thinned(curve(0, epochs))
    assert [one.epoch for one in found] == kept
    assert [one.value for one in found] == [epoch / 100 for epoch in kept]


def test_a_failed_trial_has_a_nan_after_its_last_epoch() -> None:
    assert [(one.epoch, math.isnan(one.value)) for one in thinned(curve(0, 2, Phase.FAILED))] == [
        (1, False), (2, False), (3, True),
    ]  # fmt: skip
    assert [one.epoch for one in thinned(curve(0, 0, Phase.FAILED))] == [1]
    assert best_value(curve(0, 2, Phase.FAILED), 1.0) == -math.inf


def test_trials_are_ranked_by_their_best_finite_value() -> None:
    odd = Curve(2, {}, Phase.PAUSED, 16, {1: 0.9, 2: math.nan, 3: math.inf}, 3)
    nothing = Curve(3, {}, Phase.PAUSED, 16, {1: math.nan}, 1)
    curves = [curve(0, 1), curve(1, 1), odd, nothing]
    assert [one.number for one in ranked(curves, 1.0)] == [2, 0, 1, 3]
    assert [one.number for one in ranked(curves, -1.0)] == [0, 1, 2, 3]


def test_few_values_are_all_used_in_the_order_of_trials_and_epochs() -> None:
    found = informative(ranked([curve(0, 2), curve(1, 4, offset=0.5)], 1.0))
    assert [(one.curve.number, one.epoch) for one in found] == [(0, 1), (0, 2), (1, 1), (1, 2), (1, 4)]


def test_of_many_values_the_curves_of_the_best_and_the_last_values_of_others_are_used() -> None:
    curves = [curve(number, 8, offset=-number / 1000) for number in range(400)]
    found = informative(ranked(curves, 1.0), limit=40)
    numbers = [one.curve.number for one in found]
    assert len(found) == 40
    assert numbers.count(0) == numbers.count(4) == 4
    assert set(numbers[20:]) == {*range(5, 15), *range(390, 400)}
    assert all(one.epoch == 8 for one in found if one.curve.number >= 5)


def test_hyperparameters_are_fitted_to_the_best_and_the_first_of_the_early_trials() -> None:
    curves = [curve(number, 1, offset=number / 1000) for number in range(100)]
    numbers = {one.curve.number for one in fitted(ranked(curves, 1.0), num_early(100) - 1, limit=30)}
    best = sorted(numbers)[-NUM_BEST_FITTED:]
    assert numbers == {*range(30 - NUM_BEST_FITTED), *best}
    assert best == list(range(best[0], best[0] + NUM_BEST_FITTED))
    assert 82 < best[-1] < 100


def test_the_fitted_values_change_only_when_the_number_of_trials_has_grown_by_a_fifth() -> None:
    curves = [curve(number, 1, offset=-number / 1000) for number in range(100)]
    counts = [len(fitted(ranked(curves[:count], 1.0), num_early(count) - 1, 200)) for count in range(1, 101)]
    assert counts[:9] == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert len(set(counts)) < 30
    assert all(count / 1.3 < used <= count for count, used in enumerate(counts, start=1))


def test_times_are_logarithms_and_progress_where_trials_differ_in_length() -> None:
    equal = Timeline([curve(0, 1), curve(1, 1)])
    assert equal.columns([1, 4, 16], [16, 16, 16]).tolist() == [[0.0], [0.5], [1.0]]
    mixed = Timeline([curve(0, 1), curve(1, 1, max_epochs=4)])
    assert mixed.columns([4, 4], [16, 4]).tolist() == [[0.5, 0.25], [0.5, 1.0]]
    assert Timeline([curve(0, 1, max_epochs=1)]).columns([1], [1]).tolist() == [[0.0]]
