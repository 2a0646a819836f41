"""The Pareto front of several objectives: in the ledger, in Optuna's study, in ``results.csv``, and in `load_sweep`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import optuna
import pytest
from fakes import LINE, claim, make_search, open_study

from mnistsweep.analysis.pareto import is_nondominated
from mnistsweep.atomic import write_yaml
from mnistsweep.config.constraints import Constraint
from mnistsweep.config.objectives import Objective
from mnistsweep.errors import DataError, StudyError
from mnistsweep.paths import SweepPaths
from mnistsweep.study.front import front_of, values_of
from mnistsweep.study.ranking import best_of
from mnistsweep.study.records import Result, State
from mnistsweep.study.results_rows import read_results
from mnistsweep.study.search_settings import SearchSettings
from mnistsweep.study.study import Study
from mnistsweep.study.sweep import Sweep

FURTHER = (Objective("parameters", "min"), Objective("seconds", "min"))
BOUND = Constraint("parameters", True, 100.0)


def search_of(**settings: object) -> SearchSettings:
    return replace(make_search(LINE, **{"trials": 40, **settings}), further=FURTHER)


def finish(study: Study, objective: float | None, parameters: float | None, seconds: float) -> None:
    found = claim(study)
    study.paths.trial(found.number).folder.mkdir(parents=True)
    study.paths.trial(found.number).config.write_text("trainer: {epochs: 3}\n")
    known = {} if parameters is None else {"parameters": parameters}
    study.finish(found, State.COMPLETED, Result(objective, 2, 3, seconds, quantities=known))


def brute_force(losses: Sequence[Sequence[float]]) -> list[bool]:
    def beats(one: Sequence[float], other: Sequence[float]) -> bool:
        return all(a <= b for a, b in zip(one, other, strict=True)) and tuple(one) != tuple(other)

    return [not any(beats(other, one) for other in losses) for one in losses]


@pytest.mark.parametrize("objectives", [1, 2, 3, 4])
def test_the_front_is_that_of_a_comparison_of_all_pairs(objectives: int) -> None:
    rng = np.random.default_rng(objectives)
    for count in (1, 2, 5, 60):
        losses = rng.integers(-3, 3, size=(count, objectives)) / 2.0  # equal points and equal coordinates are frequent
        assert is_nondominated(losses).tolist() == brute_force(losses.tolist())
    assert is_nondominated([[0.0, 1.0], [-0.0, 1.0]]).tolist() == [True, True]
    assert is_nondominated(np.zeros((0, 2))).tolist() == []
    with pytest.raises(DataError, match="point 1 is not"):
        is_nondominated([[0.0, 1.0], [np.nan, 1.0]])


def test_ledger_table_and_optuna_have_the_same_front(paths: SweepPaths, storage: str | None) -> None:
    rng = np.random.default_rng(3)
    rows = [(rng.integers(5) / 4, int(rng.integers(80, 105)), float(rng.integers(1, 9))) for _ in range(20)]
    search = replace(search_of(), constraints=(BOUND,))
    with open_study(paths, search, storage) as study:
        for row in rows:
            finish(study, *row)
        study.finish(claim(study), State.FAILED, Result(reason="no luck"))
        records = study.records()
        stored = optuna.load_study(study_name=paths.name, storage=study._storage)
        front = front_of(records, search.objectives)
        best_trials = sorted(trial.number for trial in stored.best_trials)
        metric_names = stored.metric_names
    feasible = [number for number, row in enumerate(rows) if row[1] <= 100]
    losses = [(-rows[number][0], rows[number][1], rows[number][2]) for number in feasible]
    expected = [number for number, is_on in zip(feasible, brute_force(losses), strict=True) if is_on]
    assert sorted(record.number for record in front) == expected == best_trials
    assert metric_names == ["val_accuracy", "parameters", "seconds"]
    write_yaml(paths.sweep, {"plan": {"space": LINE.to_json(), "config": {
        "objective": ["val_accuracy", "parameters", "seconds"], "direction": "auto"}}})  # fmt: skip
    sweep = Sweep(paths)
    assert sweep.front["trial"].tolist() == [record.number for record in front]
    assert sweep.trials.loc[sweep.trials["pareto"].fillna(False), "trial"].tolist() == expected
    assert sweep.trials["pareto"].isna().tolist() == [False] * 20 + [True]
    assert front[0] == best_of(records, "max", FURTHER)
    assert paths.best.read_text().startswith(f"# Trial {front[0].number} of ")
    header, *_ = paths.results.read_text().splitlines()
    assert header == "trial,state,objective,pareto,best_epoch,seconds,seed,reason,parameters,feasible,x"
    read = [row.result for row in read_results(paths, LINE, (BOUND,), search.objectives)]
    assert [values_of(one, FURTHER) for one in read] == [values_of(one.result, FURTHER) for one in records]


def test_equal_first_objectives_are_ordered_by_the_others(paths: SweepPaths) -> None:
    with open_study(paths, search_of()) as study:
        for row in ((0.5, 90, 1.0), (0.5, 80, 2.0), (0.5, 80, 1.0), (0.4, 10, 1.0)):
            finish(study, *row)
            best = best_of(study.records(), "max", FURTHER)
            assert best is not None
            assert f"# Trial {best.number} of" in paths.best.read_text()
        assert best.number == 2
        assert [one.number for one in front_of(study.records(), study.search.objectives)] == [2, 3]
    assert "val_accuracy 0.5000, parameters 80, seconds 1." in paths.best.read_text()


def test_a_trial_without_one_of_the_objectives_has_failed(paths: SweepPaths) -> None:
    with open_study(paths, search_of()) as study:
        finish(study, 0.5, None, 1.0)
        finish(study, 0.5, float("nan"), 1.0)
        assert [one.state for one in study.records()] == [State.FAILED] * 2
        assert study.records()[0].result.reason == "no finite parameters was measured at the best epoch"
        assert front_of(study.records(), study.search.objectives) == []
    assert not paths.best.exists()


def test_a_sweep_with_one_objective_has_no_front(paths: SweepPaths) -> None:
    with open_study(paths, make_search(LINE, trials=4)) as study:
        finish(study, 0.5, 10, 1.0)
    with pytest.raises(StudyError, match=r"the sweep has one objective; \.best has the best configuration"):
        _ = Sweep(paths).front
    assert paths.results.read_text().splitlines()[0] == "trial,state,objective,best_epoch,seconds,seed,reason,x"
