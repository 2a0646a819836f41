"""Every oracle keeps the same contract, run through a study on a journal file; and what each is good for."""

from __future__ import annotations

import importlib.util
import json
import math
from pathlib import Path
from typing import Any

import optuna
import pytest
from fakes import LINE, MIXED, SMALL, make_search, open_study, run, score, train
from optuna.trial import TrialState

from mnistsweep.config.overrides import parse_overrides
from mnistsweep.dimensions import Choice, Dimension, Float, Int, is_active
from mnistsweep.errors import ConfigError, SpaceError
from mnistsweep.paths import SweepPaths
from mnistsweep.search.distributions import decode, encode, to_distribution
from mnistsweep.search.oracle_factory import ORACLES, make_oracle, resolve_oracle
from mnistsweep.search.sampler_oracle import TrialHistory
from mnistsweep.search.samplers import MAX_BEST_READ, MAX_TRIALS_READ
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

    def test_keeps_to_the_space(self, oracle: str, tmp_path: Path) -> None:
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

    def test_goes_through_a_finite_space_once_and_ends(self, oracle: str, tmp_path: Path) -> None:
        points = table(tmp_path / "s", oracle, SMALL, trials=None)
        assert sorted(map(canonical, points)) == sorted(map(canonical, SMALL.grid()))

    def test_reaches_both_ends_of_every_range(self, oracle: str, tmp_path: Path) -> None:
        points = table(tmp_path / "s", oracle, LISTED, trials=None)
        assert len(points) == 12
        tried = {key: {point[key] for point in points} for key in LISTED.keys}
        assert tried == {"a": {1, 2}, "b": {1, 2, 5}, "c": {0, 1}}

    def test_does_the_same_with_the_same_seed(self, oracle: str, tmp_path: Path) -> None:
        space = space_for(oracle)
        tables = [
            table(tmp_path / str(index), oracle, space, self.TRIALS - 1, seed=seed)
            for index, seed in enumerate((0, 0, 1))
        ]
        assert tables[0] == tables[1] != tables[2]

    def test_does_not_depend_on_what_a_worker_did_before(self, oracle: str, tmp_path: Path) -> None:
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

    def test_goes_on_after_failed_and_pruned_trials(self, oracle: str, tmp_path: Path) -> None:
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
def test_a_model_is_better_than_chance(oracle: str, tmp_path: Path) -> None:
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


@pytest.mark.parametrize(
    ("space", "trials", "name"),
    [(SMALL, 7, "grid"), (SMALL, 6, "auto"), (SMALL, None, "auto"), (LISTED, 100, "grid"), (MIXED, 10**6, "auto")],
)
def test_auto_is_the_grid_exactly_where_all_of_it_fits_the_budget(
    space: SearchSpace, trials: int | None, name: str
) -> None:
    assert resolve_oracle({"name": "auto"}, space, trials) == name
    assert resolve_oracle({"name": "tpe"}, space, trials) == "tpe"


def test_a_grid_that_does_not_fit_is_tried_in_a_shuffled_order(tmp_path: Path) -> None:
    whole = table(tmp_path / "whole", "grid", LISTED, 12)
    assert whole == list(LISTED.grid()) == table(tmp_path / "open", "grid", LISTED, None)
    part = table(tmp_path / "part", "grid", LISTED, 6)
    assert part != whole[:6]
    assert {point["a"] for point in part} == {1, 2}


@pytest.mark.parametrize("oracle", ["auto", "tpe"])
def test_a_model_begins_after_as_many_results_as_are_configured(oracle: str, tmp_path: Path) -> None:
    random = table(tmp_path / "random", "random", LINE, 12)
    paths = SweepPaths(tmp_path / oracle)
    search = make_search(LINE, oracle, trials=12)
    patient = make_oracle({"name": oracle, "startup_results": 6}, LINE, 0, 12)
    with open_study(paths, type(search)(**{**vars(search), "oracle": patient})) as study:
        points = [claim.point for claim in run(study, lambda point: -point["x"])]
    assert points[:6] == random[:6]
    assert points[6:] != random[6:]


def test_the_ledger_of_cma_es_holds_numbers_and_no_pickle(tmp_path: Path) -> None:
    paths = SweepPaths(tmp_path / "s")
    with open_study(paths, make_search(MIXED, "cmaes", trials=6)) as study:
        run(study)
    entries = [json.loads(line) for line in paths.journal.read_text().splitlines()]
    attrs = [entry["system_attrs"] for entry in entries if entry.get("system_attrs") and "params" in entry]
    assert [list(found) for found in attrs] == [["cma:draw"]] * 5
    generation, *place = attrs[0]["cma:draw"]
    assert generation == 0
    assert len(place) == 6
    assert all(0 <= coordinate <= 1 for coordinate in place)


def test_a_model_looks_at_the_best_and_at_the_latest_trials() -> None:
    space = LINE
    study = optuna.create_study(direction="maximize")
    for number in range(MAX_TRIALS_READ + 100):
        state = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)[number % 3]
        value = None if state is TrialState.FAIL else 1000.0 - number
        reports = {1: -float(number)} if state is TrialState.PRUNED else {}
        study.add_trial(
            optuna.trial.create_trial(
                state=state, value=value, intermediate_values=reports,
                params={"x": 0.5}, distributions={"x": to_distribution(space["x"])},
            )
        )  # fmt: skip
    trials = study.get_trials(deepcopy=False)
    history = TrialHistory()
    assert history.informative(trials[:MAX_TRIALS_READ], study.direction, MAX_TRIALS_READ) == trials[:MAX_TRIALS_READ]
    seen = history.informative(trials, study.direction, MAX_TRIALS_READ)
    numbers = [trial.number for trial in seen]
    best = list(range(0, 3 * MAX_BEST_READ, 3))
    latest = list(range(100 + MAX_BEST_READ, MAX_TRIALS_READ + 100))
    assert numbers == sorted({*best, *latest})
    assert len(numbers) == MAX_TRIALS_READ


@pytest.mark.parametrize(
    ("dimension", "shape"),
    [
        (Int("x", 1, 5), {"low": 1, "high": 5, "step": 1, "log": False}),
        (Choice("x", (2, 4, 6)), {"low": 2, "high": 6, "step": 2, "log": False}),
        (Choice("x", (32, 64, 128)), {"low": 0, "high": 2, "step": 1, "log": False}),
        (Choice("x", (0.1, 0.2, 0.3)), {"low": 0, "high": 2, "step": 1, "log": False}),
        (Choice("x", (5,)), {"low": 0, "high": 0, "step": 1, "log": False}),
        (Choice("x", (True, False)), {"choices": (True, False)}),
        (Choice("x", (None, "l2")), {"choices": (None, "l2")}),
        (Choice("x", ([8, 16], [16])), {"choices": ("[8, 16]", "[16]")}),
        (Choice("x", (True, 1, "1")), {"choices": ("true", "1", '"1"')}),
        (Choice("x", ("[1]", [1])), {"choices": ('"[1]"', "[1]")}),
        (Float("x", 1e-4, 0.1, log=True), {"low": 1e-4, "high": 0.1, "step": None, "log": True}),
    ],
)
def test_optuna_sees_the_order_of_numbers_and_every_value_comes_back(
    dimension: Dimension, shape: dict[str, Any]
) -> None:
    found = to_distribution(dimension)
    assert found._asdict() == shape
    values = dimension.grid() if not isinstance(dimension, Float) else (1e-4, 0.05, 0.1)
    for value in values:
        stored = encode(dimension, found, value)
        internal = found.to_internal_repr(stored)
        back = decode(dimension, found, found.to_external_repr(internal))
        assert (back, type(back)) == (value, type(value))


@pytest.mark.parametrize(
    ("config", "error", "message"),
    [
        ({"name": "tpee"}, ConfigError, "oracle.name: no oracle is called 'tpee'; did you mean 'tpe'"),
        ({}, ConfigError, "oracle.name: no oracle is called 'None'"),
        (
            {"name": "tpe", "startup_results": -1},
            ConfigError,
            "oracle.startup_results: needs a whole number of at least 0",
        ),
        ({"name": "auto", "startup_results": "ten"}, ConfigError, "oracle.startup_results: .*received 'ten'"),
        ({"name": "grid"}, SpaceError, "optimizer.momentum: a grid needs listed values"),
    ],
)
def test_an_oracle_that_cannot_be_is_refused(config: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make_oracle(config, MIXED, 0, 10)


def test_a_grid_that_is_too_large_is_refused_at_once() -> None:
    space = SearchSpace((Int("a", 1, 10**9), Choice("b", (1, 2))))
    with pytest.raises(SpaceError, match="a grid of 1000000000 x 2 points is too large"):
        make_oracle({"name": "grid"}, space, 0, 10)


def test_gaussian_processes_say_what_they_need(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"oracle=gp: needs PyTorch.*pip install 'mnistsweep\[gp\]'"):
        make_oracle({"name": "gp"}, LINE, 0, 10)
