"""Keys that go together are one dimension for every oracle, and for the importance of hyperparameters."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import optuna
import pytest
from fakes import make_search, open_study, run
from optuna.distributions import CategoricalDistribution

from mnistsweep.config.schema import Config
from mnistsweep.dimensions import Choice, Condition, Float, Zip
from mnistsweep.paths import SweepPaths
from mnistsweep.search.distributions import searched
from mnistsweep.search.enqueued import check_enqueued, complete
from mnistsweep.search.importance import importances
from mnistsweep.search.whole_trials import WholeTrials
from mnistsweep.space import SearchSpace, canonical
from mnistsweep.tuner.kerastuner_oracle import KerasTunerOracle

WIDTHS = Zip(("filters", "kernel"), ((16, 3), (32, 3), (64, 5), (64, 7)))
MOMENTUM = Choice("momentum", (0.5, 0.9), (Condition("filters", (64,)),))
SMALL = SearchSpace((WIDTHS, MOMENTUM))
MIXED = SearchSpace((*SMALL.dimensions, Float("rate", 1e-4, 1e-1, log=True), Choice("kind", ("a", "b"))))


@pytest.mark.parametrize("oracle", ["auto", "random", "quasi_random", "tpe", "cmaes"])
def test_oracles_propose_combinations_only(oracle: str, tmp_path: Path) -> None:
    search = make_search(MIXED, oracle, trials=24)
    with open_study(SweepPaths(tmp_path / "s"), search) as study:
        points = [claim.point for claim in run(study)]
    assert len({canonical(point) for point in points}) == 24
    for point in points:
        assert WIDTHS.value_in(point) in WIDTHS.values
        assert ("momentum" in point) == (point["filters"] == 64)
        assert list(point) == [key for key in MIXED.keys if key in point]


@pytest.mark.parametrize("oracle", ["grid", "random", "tpe"])
def test_a_finite_space_is_searched_completely(oracle: str, tmp_path: Path) -> None:
    with open_study(SweepPaths(tmp_path / "s"), make_search(SMALL, oracle)) as study:
        points = [canonical(claim.point) for claim in run(study)]
    assert SMALL.size() == 6
    assert sorted(points) == sorted(map(canonical, SMALL.grid()))


def test_the_ledger_has_an_entry_for_each_key_and_a_sampler_one_category(tmp_path: Path) -> None:
    with open_study(SweepPaths(tmp_path / "s"), make_search(MIXED, "tpe", trials=12)) as study:
        run(study)
        kept = study._optuna.get_trials()
        scheduler = study.search.scheduler
        assert isinstance(scheduler, WholeTrials)
        translated = scheduler.oracle._as_searched(kept[-1])  # type: ignore[attr-defined]
    assert {"filters", "kernel", "rate", "kind"} <= kept[0].params.keys() <= set(MIXED.keys)
    assert translated.distributions["filters,kernel"] == CategoricalDistribution((0, 1, 2, 3))
    point = {key: kept[-1].user_attrs["point"][key] for key in ("filters", "kernel")}
    assert WIDTHS.values[translated.params["filters,kernel"]] == (point["filters"], point["kernel"])
    assert searched(WIDTHS).decode(2) == (64, 5)


def test_enqueued_values_are_completed_to_combinations() -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        assert complete(SMALL, {"kernel": 3}, rng)["filters"] in (16, 32)
        assert WIDTHS.value_in(complete(SMALL, {"momentum": 0.9}, rng)) in ((64, 5), (64, 7))
        assert complete(SMALL, {"filters": 64, "kernel": 7}, rng)["kernel"] == 7
    assert check_enqueued(SMALL, [{"filters": 64, "kernel": 5}, {"momentum": 0.5, "kernel": 7}]) == []
    (apart,) = check_enqueued(SMALL, [{"filters": 16, "kernel": 5}])
    assert apart == "enqueue[0]: filters, kernel go together, as one of zip((16, 3), (32, 3), (64, 5), (64, 7))."
    (never,) = check_enqueued(SMALL, [{"momentum": 0.5, "kernel": 3}])
    assert never.startswith("enqueue[0]: filters, kernel go together")


def test_an_oracle_of_kerastuner_searches_positions(tmp_path: Path) -> None:
    config = Config(oracle={"_target_": "keras_tuner.oracles.GridSearchOracle"})
    paths = SweepPaths(tmp_path / "s")
    paths.folder.mkdir()
    study, points = optuna.create_study(), []
    oracle = KerasTunerOracle(paths, SMALL, config, "max")
    while (proposal := oracle.propose(len(points), study)) is not None:
        points.append(canonical(proposal.point))
        study.add_trial(optuna.trial.create_trial(value=float(len(points)), user_attrs={"result": {"best_epoch": 1}}))
    assert sorted(points) == sorted(map(canonical, SMALL.grid()))
    assert "filters,kernel" in json.dumps(json.loads(paths.oracle_state.read_text()))


def test_the_importance_is_that_of_the_keys_together() -> None:
    space = SearchSpace((WIDTHS, Choice("noise", (1, 2, 3))))
    points = list(space.grid()) * 4
    found = importances(space, points, [point["kernel"] for point in points]).dimensions
    assert [one.keys for one in found] == [("filters", "kernel"), ("noise",)]
    assert found[0].key == "filters, kernel"
    assert found[0].mean > 0.8
    assert sum(one.mean for one in found) == pytest.approx(1)
