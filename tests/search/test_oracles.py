"""Every oracle satisfies the same contract, in a study on a journal file; each model is better than random search."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path
from typing import Any

import pytest
from fakes import MIXED, SMALL, make_search, open_study, run, score, train

from mnistsweep.config.overrides import parse_overrides
from mnistsweep.dimensions import Choice, Float, Int, is_active
from mnistsweep.paths import SweepPaths
from mnistsweep.search.oracle_factory import ORACLES
from mnistsweep.space import Point, SearchSpace, canonical
from mnistsweep.study.records import Result, State

NO_TORCH = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="oracle=gp needs PyTorch")
EACH_ORACLE = [pytest.param(name, marks=NO_TORCH if name == "gp" else ()) for name in ORACLES]

# What a grid can be made of, in the grammar that users type: 2 x 3 x 2 points.
RANGES, _ = parse_overrides(["a=range(1,3)", "b=5,1,2", "c=int(interval(0,1))"])
LISTED = SearchSpace(tuple(override.dimension for override in RANGES if override.dimension is not None))


def space_for(oracle: str) -> SearchSpace:
    return LISTED if oracle == "grid" else MIXED


def table(folder: Path, oracle: str, space: SearchSpace, trials: int | None, **settings: Any) -> list[Point]:
    """The points of a whole sweep by one worker."""
    with open_study(SweepPaths(folder), make_search(space, oracle, trials=trials, **settings)) as study:
        claims = run(study)
    assert [claim.number for claim in claims] == list(range(len(claims)))
    return [claim.point for claim in claims]


@pytest.mark.parametrize("oracle", EACH_ORACLE)
class TestEveryOracle:
    """What users may rely on whichever oracle they take; models have the results that they want by the 11th trial."""

    TRIALS = 12

    def test_proposes_points_of_the_space_only(self, oracle: str, tmp_path: Path) -> None:
        space = space_for(oracle)
        points = table(tmp_path / "s", oracle, space, self.TRIALS)
        assert len(points) == len(set(map(canonical, points))) == self.TRIALS
        for point in points:
            assert list(point) == [d.key for d in space.dimensions if is_active(d, point)]
            for key, value in point.items():
                dimension = space[key]
                assert dimension.contains(value), (key, value)
                if isinstance(dimension, Choice):
                    assert any(value == known and type(value) is type(known) for known in dimension.values)
                else:
                    assert type(value) is (int if isinstance(dimension, Int) else float)

    def test_tries_each_point_of_a_finite_space_once_and_ends(self, oracle: str, tmp_path: Path) -> None:
        points = table(tmp_path / "s", oracle, SMALL, trials=None)
        assert sorted(map(canonical, points)) == sorted(map(canonical, SMALL.grid()))

    def test_reaches_both_ends_of_every_range(self, oracle: str, tmp_path: Path) -> None:
        points = table(tmp_path / "s", oracle, LISTED, trials=None)
        assert len(points) == 12
        tried = {key: {point[key] for point in points} for key in LISTED.keys}
        assert tried == {"a": {1, 2}, "b": {1, 2, 5}, "c": {0, 1}}

    def test_proposes_the_same_points_with_the_same_seed(self, oracle: str, tmp_path: Path) -> None:
        space = space_for(oracle)
        tables = [
            table(tmp_path / str(index), oracle, space, self.TRIALS - 1, seed=seed)
            for index, seed in enumerate((0, 0, 1))
        ]
        assert tables[0] == tables[1] != tables[2]

    def test_does_not_depend_on_earlier_proposals_of_the_worker(self, oracle: str, tmp_path: Path) -> None:
        space, paths = space_for(oracle), SweepPaths(tmp_path / "one by one")
        points = []
        for _ in range(self.TRIALS):  # a fresh worker for each trial
            with open_study(paths, make_search(space, oracle, trials=self.TRIALS)) as study:
                claim = study.claim()
                assert claim is not None
                train(study, claim, score(claim.point))
                points.append(claim.point)
        assert points == table(tmp_path / "at once", oracle, space, self.TRIALS)

    def test_tries_enqueued_points_first(self, oracle: str, tmp_path: Path) -> None:
        whole = {"optimizer": "sgd", "size": 64, "layers": 2}
        points = table(tmp_path / "s", oracle, SMALL, trials=None, enqueued=[whole, {"size": 128}, whole])
        assert points[0] == whole
        assert points[1]["size"] == 128
        assert "optimizer" in points[1]
        assert len(points) == len(set(map(canonical, points))) == 7

    def test_continues_after_failed_and_pruned_trials(self, oracle: str, tmp_path: Path) -> None:
        paths = SweepPaths(tmp_path / "s")
        with open_study(paths, make_search(space_for(oracle), oracle, trials=self.TRIALS, pruner="median")) as study:
            for number in range(self.TRIALS):
                claim = study.claim()
                assert claim is not None
                if number % 4 == 0:
                    study.finish(claim, State.FAILED, Result(reason="no luck"))
                else:
                    train(study, claim, score(claim.point), epochs=number % 3)
            assert study.claim() is None


@pytest.mark.parametrize("oracle", ["random", "quasi_random", "grid"])
def test_the_table_is_the_same_with_any_number_of_workers_in_any_order(oracle: str, tmp_path: Path) -> None:
    space, trials = space_for(oracle), 12
    expected = table(tmp_path / "alone", oracle, space, trials)
    paths, found = SweepPaths(tmp_path / "together"), {}
    search = [make_search(space, oracle, trials=trials) for _ in range(3)]
    with open_study(paths, search[0]) as a, open_study(paths, search[1]) as b, open_study(paths, search[2]) as c:
        running = []
        for worker in (c, a, a, b, a, c, b, b, b, c, a, b):
            claim = worker.claim()
            assert claim is not None
            found[claim.number] = claim.point
            running.append((worker, claim))
            if len(running) == 3:  # the last to begin ends first
                for holder, done in reversed(running):
                    train(holder, done, score(done.point))
                running.clear()
        assert a.claim() is None
    assert [found[number] for number in range(trials)] == expected


@pytest.mark.parametrize("oracle", ["auto", "tpe", "cmaes", pytest.param("gp", marks=[NO_TORCH, pytest.mark.slow])])
def test_a_sampler_is_better_than_random_search(oracle: str, tmp_path: Path) -> None:
    space = SearchSpace((Float("x", -5.0, 5.0), Float("y", 1e-4, 1.0, log=True), Int("k", 0, 20)))
    trials, seeds = (60, range(3)) if oracle != "gp" else (18, range(1))

    def loss(point: Point) -> float:
        return (point["x"] - 1) ** 2 + (math.log10(point["y"]) + 2) ** 2 + (point["k"] - 7) ** 2 / 10

    def best(name: str, seed: int) -> float:
        return min(map(loss, points(name, seed)))

    def points(name: str, seed: int) -> list[Point]:
        paths = SweepPaths(tmp_path / f"{name}{seed}")
        with open_study(paths, make_search(space, name, trials=trials, seed=seed, direction="min")) as study:
            return [claim.point for claim in run(study, loss)]

    assert sum(best(oracle, seed) for seed in seeds) < 0.8 * sum(best("random", seed) for seed in seeds)


def test_a_grid_that_does_not_fit_is_tried_in_a_shuffled_order(tmp_path: Path) -> None:
    whole = table(tmp_path / "whole", "grid", LISTED, 12)
    assert whole == list(LISTED.grid()) == table(tmp_path / "open", "grid", LISTED, None)
    part = table(tmp_path / "part", "grid", LISTED, 6)
    assert part != whole[:6]
    assert {point["a"] for point in part} == {1, 2}
