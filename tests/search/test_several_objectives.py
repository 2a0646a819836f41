"""Oracles that search for a Pareto front: which of them can, what they propose, and constraints beside objectives."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import make_search, open_study

from mnistsweep.config.constraints import Constraint
from mnistsweep.config.objectives import Objective
from mnistsweep.dimensions import Choice, Condition, Float
from mnistsweep.errors import ConfigError
from mnistsweep.paths import SweepPaths
from mnistsweep.search.oracle_factory import ORACLES, PAUSING
from mnistsweep.search.several_objectives import SEVERAL, check_oracle
from mnistsweep.space import SearchSpace, canonical
from mnistsweep.study.front import losses_of
from mnistsweep.study.records import Result, State

SPACE = SearchSpace(
    (
        Choice("kind", ("a", "b")),
        Float("x", 0.0, 1.0),
        Float("y", 0.0, 1.0),
        Float("z", 0.0, 1.0, conditions=(Condition("kind", ("b",)),)),
    )
)
FURTHER = (Objective("size", "min"),)
OBJECTIVES = (Objective("val_accuracy", "max"), *FURTHER)


def run(folder: Path, oracle: str, trials: int = 60, constrained: bool = False) -> list[tuple[float, ...]]:
    """Losses of the trials; accuracy and size compete in x, and are both best at y = 0 and kind a."""
    search = replace(make_search(SPACE, oracle, trials=trials, failed=None, failed_in_a_row=100), further=FURTHER)
    search = replace(search, constraints=(Constraint("size", True, 1.0),)) if constrained else search
    with open_study(SweepPaths(folder), search) as study:
        while (claim := study.claim()) is not None:
            x, cost = float(claim.point["x"]), float(claim.point["y"]) + (claim.point["kind"] == "b")
            if claim.number % 10 == 7:  # a function that gives its trial up has reported one objective
                study.report(claim, 1, 0.5)
                study.finish(claim, State.PRUNED, Result(0.5, 1, 1, 0.1))
                continue
            study.finish(claim, State.COMPLETED, Result(x - cost, 1, 1, 0.1, quantities={"size": x**2 + cost}))
        records = study.records()
        points = [canonical(record.point) for record in records]
    assert len(points) == len(set(points)) == trials
    return [losses for record in records if (losses := losses_of(record, OBJECTIVES)) is not None]


def dominated_area(losses: list[tuple[float, ...]]) -> float:
    """Area that the front dominates, up to the worst values of both objectives, (2, 3)."""
    area, lowest = 0.0, 3.0
    for first, second in sorted(losses):
        if second < lowest:
            area, lowest = area + (2.0 - first) * (lowest - second), second
    return area


def test_tpe_and_nsga2_find_a_better_front_than_random_points(tmp_path: Path) -> None:
    random = dominated_area(run(tmp_path / "random", "random"))
    for oracle in ("tpe", "nsga2"):
        assert dominated_area(run(tmp_path / oracle, oracle)) > random + 0.05, oracle


@pytest.mark.parametrize("oracle", ["tpe", "nsga2"])
def test_constraints_and_objectives_work_together(tmp_path: Path, oracle: str) -> None:
    kept = run(tmp_path / "s", oracle, constrained=True)
    assert all(size <= 1.0 for _, size in kept)
    assert len(kept) > len([one for one in run(tmp_path / "random", "random") if one[1] <= 1.0])


@pytest.mark.parametrize("oracle", ["random", "quasi_random", "auto"])
def test_the_points_do_not_depend_on_the_number_of_objectives(tmp_path: Path, oracle: str) -> None:
    points = []
    for name, further in (("one", ()), ("several", FURTHER)):
        search = replace(make_search(SPACE, oracle, trials=6), further=further)
        with open_study(SweepPaths(tmp_path / name), search) as study:
            while (claim := study.claim()) is not None:
                study.finish(claim, State.COMPLETED, Result(0.5, 1, 1, 0.1, quantities={"size": 1.0}))
            points.append([record.point for record in study.records()])
    assert points[0] == points[1]


def test_every_oracle_is_either_supported_or_refused() -> None:
    refused = {"cmaes", *PAUSING}
    assert {*SEVERAL, *refused} == {*ORACLES, *PAUSING}
    for name in SEVERAL:
        check_oracle({"name": name}, 2)
    for name in refused:
        with pytest.raises(ConfigError, match=rf"oracle: {name} .*; write one of auto, "):
            check_oracle({"name": name}, 2)


@pytest.mark.parametrize(
    ("target", "fault"),
    [
        ("NSGAIIISampler", ""),
        ("TPESampler", ""),
        ("CmaEsSampler", "oracle: optuna.samplers.CmaEsSampler does not accept 3 objectives: If the study is being "),
    ],
)
def test_a_sampler_of_the_users_choice_is_tried(target: str, fault: str) -> None:
    config: dict[str, Any] = {"name": "optuna", "sampler": {"_target_": f"optuna.samplers.{target}"}}
    if not fault:
        check_oracle(config, 3)
        return
    with pytest.raises(ConfigError, match=fault):
        check_oracle(config, 3)


def test_the_area_is_that_of_the_front() -> None:
    assert dominated_area([(0.0, 1.0), (1.0, 0.5), (1.5, 2.0)]) == pytest.approx(2.0 * 2.0 + 1.0 * 0.5)
    assert np.isclose(dominated_area([]), 0.0)
