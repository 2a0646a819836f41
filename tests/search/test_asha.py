"""Promotions of asynchronous halving, decision by decision."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from fakes import LINE

from mnistsweep.search.asha import Asha
from mnistsweep.search.scheduler import Continue, Curve, Job, Phase, SearchView, Start
from mnistsweep.search.sequences import PointSequence, SequenceOracle


def asha(maximize: bool = True, first: int = 1, factor: int = 2) -> Asha:
    return Asha(SequenceOracle(PointSequence(LINE, "random", 0)), maximize, first, factor)


def curve(
    number: int, *values: float, phase: Phase = Phase.PAUSED, max_epochs: int = 16, until: int | None = None
) -> Curve:
    """A trial with values after epochs 1, 2, ..."""
    reported = dict(enumerate(values, start=1))
    return Curve(number, {"x": number / 100}, phase, max_epochs, reported, len(values) if until is None else until)


def decide(curves: Sequence[Curve], scheduler: Asha | None = None, **budget: object) -> Job | None:
    view = SearchView(tuple(curves), **budget)  # type: ignore[arg-type]
    return (scheduler or asha()).next_job(view, None)  # type: ignore[arg-type]


def test_it_starts_trials_until_a_rung_has_two_and_promotes_the_better_one() -> None:
    assert decide([]) == Start(asha()._oracle.propose(0, None), 1)  # type: ignore[arg-type]
    assert isinstance(decide([curve(0, 0.5)]), Start)
    assert decide([curve(0, 0.5), curve(1, 0.7)]) == Continue(1, 2)
    assert decide([curve(0, 0.5), curve(1, 0.7)], asha(maximize=False)) == Continue(0, 2)


def test_the_highest_rung_comes_first() -> None:
    curves = [curve(0, 0.1, 0.2), curve(1, 0.1, 0.3), curve(2, 0.9), curve(3, 0.8)]
    assert decide(curves) == Continue(1, 4)


def test_a_promoted_trial_counts_in_the_rungs_that_it_left() -> None:
    """Of four trials at the first rung two are promoted already."""
    curves = [curve(0, 0.9, 0.9, 0.9, 0.9), curve(1, 0.8, 0.8), curve(2, 0.7), curve(3, 0.6)]
    assert isinstance(decide(curves), Start)
    assert decide([*curves, curve(4, 0.5), curve(5, 0.4)]) == Continue(2, 2)


def test_ties_go_to_the_lower_number() -> None:
    assert decide([curve(0, 0.5), curve(1, 0.5)]) == Continue(0, 2)


def test_a_live_model_comes_first_among_the_trials_that_are_due() -> None:
    curves = [curve(0, 0.9), curve(1, 0.8), curve(2, 0.7), curve(3, 0.6)]
    assert decide(curves, live=frozenset({1, 3})) == Continue(1, 2)
    assert decide(curves, live=frozenset({3})) == Continue(0, 2)
    assert decide([*curves, curve(4, 0.5, 0.5), curve(5, 0.4, 0.4)], live=frozenset({1})) == Continue(4, 4)


def test_a_running_trial_counts_at_the_rungs_that_it_reached_and_is_not_promoted() -> None:
    curves = [curve(0, 0.9, phase=Phase.RUNNING, until=2), curve(1, 0.5)]
    assert isinstance(decide(curves), Start)
    assert decide([*curves, curve(2, 0.6), curve(3, 0.1)]) == Continue(2, 2)


def test_failed_trials_do_not_count_and_nan_is_the_worst_value() -> None:
    assert isinstance(decide([curve(0, 0.5), curve(1, 0.7, phase=Phase.FAILED)]), Start)
    assert decide([curve(0, 0.5), curve(1, math.nan)]) == Continue(0, 2)
    assert isinstance(decide([curve(0, math.nan), curve(1, math.inf)]), Start)
    assert decide([curve(0, math.nan), curve(1, math.nan)], may_start=False) is None


def test_without_starts_it_promotes_what_is_due_and_then_the_best_of_the_highest_rung() -> None:
    curves = [curve(0, 0.5), curve(1, 0.7), curve(2, 0.6)]
    assert decide(curves, may_start=False) == Continue(1, 2)
    curves[1] = curve(1, 0.7, 0.8)
    assert decide(curves, may_start=False) == Continue(1, 4)
    curves[1] = curve(1, *[0.8] * 16, phase=Phase.ENDED)
    assert decide(curves, may_start=False) is None


def test_the_last_promotion_waits_for_running_trials() -> None:
    curves = [curve(0, 0.5), curve(1, phase=Phase.RUNNING, until=1)]
    assert decide(curves, may_start=False) is None
    assert decide([curves[0], curve(1, 0.4)], may_start=False) == Continue(0, 2)


def test_the_last_rung_is_the_last_epoch_of_a_trial() -> None:
    curves = [curve(0, *[0.5] * 4, max_epochs=6), curve(1, *[0.4] * 4, max_epochs=16)]
    assert decide(curves) == Continue(0, 6)
    curves[0] = curve(0, *[0.3] * 4, max_epochs=6)
    assert decide(curves) == Continue(1, 8)


def test_rungs_have_the_configured_epochs() -> None:
    scheduler = asha(first=3, factor=3)
    assert isinstance(decide([curve(0, *[0.1] * 3), curve(1, *[0.2] * 3)], scheduler), Start)
    curves = [curve(number, *[0.1 * number] * 3) for number in range(3)]
    assert decide(curves, scheduler) == Continue(2, 9)


@pytest.mark.parametrize(("left", "until"), [(1, 3), (2, 4), (100, 4)])
def test_a_job_ends_with_the_budget(left: int, until: int) -> None:
    curves = [curve(0, 0.1, 0.2), curve(1, 0.1, 0.3)]
    assert decide(curves, epochs_left=left) == Continue(1, until)
    assert decide([], asha(first=4), epochs_left=left) == Start(asha()._oracle.propose(0, None), min(4, left))  # type: ignore[arg-type]


def test_a_job_that_the_budget_ended_between_rungs_goes_on_to_the_next_rung() -> None:
    curves = [curve(0, 0.1, 0.2, 0.3), curve(1, 0.1, 0.1, 0.1, 0.1)]
    assert decide(curves) == Continue(0, 4)
