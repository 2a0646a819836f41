"""Which trainings are stopped, and after which epoch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import LINE, make_search, open_study, train

from mnistsweep.errors import ConfigError
from mnistsweep.paths import SweepPaths
from mnistsweep.search.pruners import REPRODUCIBLE_ORACLES, make_pruner
from mnistsweep.study.claim import Claim
from mnistsweep.study.records import State
from mnistsweep.study.study import Study


@contextmanager
def pruned_by(
    folder: Path, config: dict[str, Any], oracle: str = "random", max_epochs: int = 9, direction: str = "max"
) -> Iterator[Study]:
    search = replace(make_search(LINE, direction=direction), pruner=make_pruner(config, oracle, max_epochs))
    with open_study(SweepPaths(folder / "s"), search) as study:
        yield study


def claim(study: Study) -> Claim:
    found = study.claim()
    assert found is not None
    return found


def last_epochs(study: Study, values: list[float], epochs: int = 9) -> list[int]:
    """After which epoch each training ended, one after the other, where its value does not change."""
    ended = []
    for value in values:
        trial = claim(study)
        ended.append(next((e for e in range(1, epochs + 1) if study.report(trial, e, value)), epochs))
        train(study, trial, value)
    return ended


@pytest.mark.parametrize("direction", ["max", "min"])
@pytest.mark.parametrize(("first", "factor"), [(1, 3), (2, 2)])
def test_successive_halving_continues_the_best_part_at_each_rung(
    tmp_path: Path, direction: str, first: int, factor: int
) -> None:
    config = {"name": "successive_halving", "first_rung": first, "reduction_factor": factor}
    rungs = [first * factor**level for level in range(4)]
    reached: dict[int, list[float]] = {rung: [] for rung in rungs}
    sign = 1 if direction == "max" else -1
    with pruned_by(tmp_path, config, direction=direction) as study:
        for value in np.random.default_rng(0).random(30).tolist():
            trial = claim(study)
            for epoch in range(1, 10):
                stopped = study.report(trial, epoch, sign * value)
                expected = False
                if epoch in rungs:
                    reached[epoch].append(value)
                    places = max(1, len(reached[epoch]) // factor)
                    expected = value < sorted(reached[epoch], reverse=True)[places - 1]
                assert stopped == expected, (trial.number, epoch)
                if stopped:
                    break
            train(study, trial, sign * value)
    counts = [len(reached[rung]) for rung in rungs if rung <= 9]
    assert counts[0] == 30
    assert all(later <= earlier * 0.75 for earlier, later in pairwise(counts))


def test_the_rungs_are_the_epochs_one_three_and_nine(tmp_path: Path) -> None:
    with pruned_by(tmp_path, {"name": "successive_halving"}, max_epochs=27) as study:
        assert last_epochs(study, [0.9], 27) == [27]
        assert set(last_epochs(study, [0.5, 0.4, 0.3], 27)) == {1}
        trial = claim(study)
        rising = [study.report(trial, epoch, 0.95 if epoch < 3 else 0.1) for epoch in (1, 2, 3)]
        assert rising == [False, False, True]


def test_hyperband_divides_the_longest_training_among_its_brackets(tmp_path: Path) -> None:
    falling = [1 - number / 100 for number in range(40)]
    with pruned_by(tmp_path / "nine", {"name": "hyperband"}, max_epochs=9) as study:
        ended = last_epochs(study, falling)
    assert set(ended) <= {1, 3, 9}
    assert {1, 3} <= set(ended)  # in the second bracket the first rung is at the third epoch
    with pruned_by(tmp_path / "one", {"name": "hyperband"}, max_epochs=1) as study:
        assert set(last_epochs(study, falling[1:20], 1)) == {1}


def test_the_median_rule_waits_for_its_startup_trials_and_its_first_epoch(tmp_path: Path) -> None:
    config = {"name": "median", "startup_trials": 3, "first_rung": 2}
    with pruned_by(tmp_path, config) as study:
        assert last_epochs(study, [0.5, 0.1, 0.6], 4) == [4, 4, 4]
        assert last_epochs(study, [0.4, 0.55], 4) == [2, 4]


def test_no_pruner_stops_nothing(tmp_path: Path) -> None:
    with pruned_by(tmp_path, {"name": "none"}) as study:
        assert last_epochs(study, [0.9, 0.1, 0.0], 9) == [9, 9, 9]


@pytest.mark.parametrize(
    ("oracle", "ended"),
    [*((name, [9, 9, 9]) for name in REPRODUCIBLE_ORACLES), ("auto", [9, 1, 1]), ("tpe", [9, 1, 1])],
)
def test_auto_prunes_only_where_no_repeatable_table_is_promised(tmp_path: Path, oracle: str, ended: list[int]) -> None:
    with pruned_by(tmp_path, {"name": "auto"}, oracle) as study:
        assert last_epochs(study, [0.9, 0.1, 0.0]) == ended


def test_a_pruned_trial_is_recorded_as_such_with_what_it_reached(tmp_path: Path) -> None:
    with pruned_by(tmp_path, {"name": "successive_halving"}) as study:
        assert [train(study, claim(study), value, epochs=3) for value in (0.9, 0.5)] == [State.COMPLETED, State.PRUNED]
        first, second = study.records()
    assert (first.result.epochs, second.result.epochs) == (3, 1)
    assert second.result.objective == pytest.approx(0.5 - 1 + 1 / 3)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"name": "sucessive_halving"}, "no pruner is called 'sucessive_halving'; did you mean 'successive_halving'"),
        ({"name": "auto", "first_rung": 0}, "pruner.first_rung: needs a whole number of at least 1, received 0"),
        ({"name": "hyperband", "reduction_factor": 1}, "pruner.reduction_factor: needs a whole number of at least 2"),
        ({"name": "median", "startup_trials": "few"}, "pruner.startup_trials: .* received 'few'"),
        ({"name": "median", "first_rung": 1.5}, "pruner.first_rung: .* received 1.5"),
    ],
)
def test_a_wrong_pruner_is_refused(config: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make_pruner(config, "tpe", 9)
