"""The trials that a decision can depend on, kept from decision to decision."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import pytest

from mnistsweep.search.freeze_thaw import overview
from mnistsweep.search.freeze_thaw.observations import Observation, fitted, informative, num_early, ranked
from mnistsweep.search.freeze_thaw.overview import Overview
from mnistsweep.search.scheduler import Curve, Phase


def drawn(number: int, rng: random.Random) -> Curve:
    """A random trial: running, paused, ended or failed, with ties and NaN among its values."""
    epochs = rng.choice([0, 1, 1, 1, 2, 3, 8, 16])
    phase = rng.choice(list(Phase)) if epochs else rng.choice([Phase.RUNNING, Phase.FAILED])
    values = {n: math.nan if rng.random() < 0.05 else round(rng.random(), 1) for n in range(1, epochs + 1)}
    until = epochs + rng.choice([0, 2]) if phase is Phase.RUNNING else epochs
    return Curve(number, {"x": number}, phase, 16 if number % 5 else 8, values, until)


def keys(observations: list[Observation]) -> list[tuple[int, int]]:
    return [(one.curve.number, one.epoch) for one in observations]


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_values_to_learn_from_are_those_chosen_among_all_trials(sign: float) -> None:
    rng = random.Random(int(sign))
    known, curves = Overview(sign), list[Curve]()
    for _ in range(60):
        curves += [drawn(len(curves) + n, rng) for n in range(rng.choice([1, 6, 12]))]
        for number in rng.sample(range(len(curves)), min(3, len(curves))):
            curves[number] = drawn(number, rng)
        if rng.random() < 0.03:
            curves = curves[: len(curves) // 2]  # trials of a ledger from before
        known.update([replace(one) for one in curves] if rng.random() < 0.1 else tuple(curves))
        short = known.shortlist()
        every = ranked([one for one in curves if one.values or one.phase is Phase.FAILED], sign)
        early = sorted(one.number for one in every)[: num_early(len(every))]
        assert keys(informative(short.ranking)) == keys(informative(every))
        assert keys(fitted(short.ranking, short.last_early)) == keys(fitted(every, early[-1] if early else -1))
        assert list(short.running) == [one for one in curves if one.phase is Phase.RUNNING and one.until > one.epochs]
        assert {one.max_epochs for one in short.lengths} == {one.max_epochs for one in curves}
        reached = sum(max(one.epochs, one.until) for one in curves)
        assert known.share_of_starts == len(curves) / max(1, reached)
    assert len(curves) > 150


def test_only_curves_that_have_changed_are_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(0)
    curves = [drawn(number, rng) for number in range(1000)]
    known = Overview(1.0)
    known.update(curves)
    version, read = known.version, list[int]()
    monkeypatch.setattr(overview, "best_value", lambda curve, sign: read.append(curve.number) or 0.5)
    known.update(tuple(curves))
    assert (known.version, read) == (version, [])
    curves[7] = replace(curves[7], values={1: 0.25}, until=1)
    known.update([*curves, drawn(1000, rng)])
    assert (known.version, read) == (version + 1, [7, 1000])


def test_a_decision_reads_a_limited_number_of_trials() -> None:
    rng = random.Random(0)
    sizes = []
    for count in (1000, 4000):
        known = Overview(1.0)
        known.update([drawn(number, rng) for number in range(count)])
        sizes.append(len(known.shortlist().ranking))
    assert max(sizes) < 450
