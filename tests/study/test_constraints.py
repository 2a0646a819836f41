"""Constraints in a study: a trial that violates one is never the best, and is not continued."""

from __future__ import annotations

import math
from dataclasses import replace

import optuna
import pytest
from fakes import LINE, claim, make_search, open_study
from rungs import rungs_search, train_job

from mnistsweep.atomic import read_yaml, yaml_text
from mnistsweep.config.constraints import Constraint
from mnistsweep.errors import SweepStopped
from mnistsweep.paths import SweepPaths
from mnistsweep.search.scheduler import Phase
from mnistsweep.study.confirmation import Confirmation
from mnistsweep.study.no_result import no_result_error
from mnistsweep.study.ranking import Standing, best_of, ranked
from mnistsweep.study.records import Result, State
from mnistsweep.study.results_rows import read_results
from mnistsweep.study.search_settings import SearchSettings
from mnistsweep.study.search_view import SearchViewer
from mnistsweep.study.study import Study
from mnistsweep.study.sweep import Sweep

BOUNDS = (Constraint("parameters", True, 100.0), Constraint("seconds", True, 60.0))

HEADER = "trial,state,objective,best_epoch,seconds,seed,reason,parameters,feasible,x"


def search_of(**settings: object) -> SearchSettings:
    return replace(make_search(LINE, **{"trials": 4, **settings}), constraints=BOUNDS)


def finish(study: Study, objective: float, seconds: float, parameters: int) -> None:
    found = claim(study)
    study.paths.trial(found.number).folder.mkdir(parents=True)
    study.paths.trial(found.number).config.write_text("trainer: {epochs: 3}\n")
    result = Result(objective, 2, 3, seconds, quantities={"parameters": parameters})
    study.finish(found, State.COMPLETED, result)


def test_trials_that_violate_a_constraint_are_recorded_and_never_the_best(
    paths: SweepPaths, storage: str | None
) -> None:
    search = search_of()
    with open_study(paths, search, storage) as study:
        finish(study, 0.9, 90.0, 50)
        assert not paths.best.exists()
        finish(study, 0.5, 60.0, 100)
        finish(study, 0.8, 30.0, 101)
        refused = Result(reason="too large", limited=True, quantities={"parameters": 300})
        study.finish(claim(study), State.FAILED, refused)
        records = study.records()
        frozen = optuna.load_study(study_name=paths.name, storage=study._storage).trials
    assert [record.number for record in ranked(records, "max")] == [1]
    assert "# Trial 1 of" in paths.best.read_text()
    assert [record.result.violated for record in records] == [
        ["seconds<=60"], [], ["parameters<=100"], ["parameters<=100"],
    ]  # fmt: skip
    assert records[0].result.reason == "violates seconds<=60: 90"
    assert frozen[0].constraints == {"parameters<=100": -0.5, "seconds<=60": 0.5}
    assert frozen[3].constraints == {"parameters<=100": 2.0}
    lines = paths.results.read_text().splitlines()
    assert lines[0] == HEADER
    assert [line.split(",")[6:9] for line in lines[1:]] == [
        ["violates seconds<=60: 90", "50", "False"],
        ["", "100", "True"],
        ["violates parameters<=100: 101", "101", "False"],
        ["too large", "300", "False"],
    ]
    table = Sweep(paths).trials
    assert table[table.feasible]["trial"].tolist() == [1]
    rows = read_results(paths, LINE, BOUNDS)
    assert [row.result.violations for row in rows] == [record.result.violations for record in records]
    assert [row.result.reason for row in rows] == [record.result.reason for record in records]


def test_a_search_without_a_feasible_trial_says_which_constraint_was_violated(paths: SweepPaths) -> None:
    with open_study(paths, search_of()) as study:
        finish(study, 0.9, 90.0, 50)
        finish(study, 0.8, 10.0, 500)
        error = no_result_error(paths, study.records(), None)
    assert isinstance(error, SweepStopped)
    assert "no trial satisfies all constraints (constraint parameters<=100: 1 of 2 judged trials violates it; " in str(
        error
    )


def test_a_failed_trial_that_measured_nothing_is_not_judged(paths: SweepPaths) -> None:
    with open_study(paths, search_of()) as study:
        study.finish(claim(study), State.FAILED, Result(reason="no luck", seconds=90.0))
        record = study.records()[0]
    assert (record.result.violations, record.result.reason) == ({}, "no luck")
    assert paths.results.read_text().splitlines()[1].split(",")[6:9] == ["no luck", "", ""]


@pytest.mark.parametrize(
    ("bound", "phase"),
    [(Constraint("seconds", True, 1e-9), Phase.ENDED), (Constraint("val_loss", True, 1.0), Phase.PAUSED)],
)
def test_a_paused_trial_is_continued_only_if_it_can_become_feasible(
    paths: SweepPaths, bound: Constraint, phase: Phase
) -> None:
    search = replace(rungs_search(trials=2), constraints=(bound,))
    with open_study(paths, search) as study:
        for _ in range(2):
            train_job(study, claim(study))
        curves = SearchViewer(paths, search).view(study.read()).curves
        assert [curve.phase for curve in curves] == [phase] * 2
        assert all(math.isnan(value) == (phase is Phase.ENDED) for curve in curves for value in curve.values.values())
        assert (study.claim() is None) == (phase is Phase.ENDED)
        assert not paths.best.exists()  # neither is feasible so far
        assert Sweep(paths).trials["feasible"].tolist() == [False, False]


def test_only_feasible_trials_are_confirmed_and_expected(paths: SweepPaths) -> None:
    search = search_of(confirmation=Confirmation(2, 1, "max"))
    with open_study(paths, search) as study:
        finish(study, 0.9, 90.0, 50)
        finish(study, 0.5, 10.0, 50)
        finish(study, 0.8, 10.0, 101)
        finish(study, 0.6, 10.0, 50)
        finish(study, 0.95, 90.0, 50)  # confirms trial 3, and violates a constraint itself
        finish(study, 0.52, 10.0, 50)
        assert study.claim() is None
        records = study.records()
    assert [record.confirms for record in records] == [None] * 4 + [3, 1]
    standing = Standing.of(records, "max")
    assert standing is not None
    assert sorted(standing.trials) == [[1, 5], [3]]
    assert best_of(records, "max") == records[3 if standing.trials[0] == [3] else 5]
    assert f"# Trial {standing.order[0].number} of" in paths.best.read_text()
    lines = [line.split(",") for line in paths.results.read_text().splitlines()]
    assert lines[0] == HEADER.replace("objective,", "objective,confirms,").split(",")
    assert [(line[3], line[9]) for line in lines[1:]] == [
        ("", "False"), ("", "True"), ("", "False"), ("", "True"), ("3", "False"), ("1", "True"),
    ]  # fmt: skip
    rows = read_results(paths, LINE, BOUNDS)
    assert [(row.confirms, row.result.violated) for row in rows] == [
        (record.confirms, record.result.violated) for record in records
    ]
    plan = {"space": LINE.to_json(), "config": {"objective": "val_accuracy", "direction": "max"}}
    paths.sweep.write_text(yaml_text({"plan": plan}))
    assert sorted(Sweep(paths).expected["trials"]) == [[1, 5], [3]]


def test_files_without_constraints_are_as_before(paths: SweepPaths) -> None:
    with open_study(paths, make_search(LINE, trials=1)) as study:
        finish(study, 0.5, 1.0, 3)
    assert paths.results.read_text().startswith("trial,state,objective,best_epoch,seconds,seed,reason,x\n")
    assert "constraints" not in paths.journal.read_text()
    assert read_yaml(paths.best)["trainer"] == {"epochs": 3}
