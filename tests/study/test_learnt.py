"""What a sweep has shown: three sentences that the trials support, and a command that starts the next sweep."""

from __future__ import annotations

import dataclasses
import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mnistsweep.config.objectives import Objective
from mnistsweep.config.recipe import command_line_recipe
from mnistsweep.dimensions import Choice, Condition, Float, Int, Zip
from mnistsweep.paths import SweepPaths
from mnistsweep.planning.planner import plan_sweep
from mnistsweep.space import SearchSpace
from mnistsweep.study.learnt_text import Learnt, learnt_from
from mnistsweep.study.next_start import NextStart
from mnistsweep.study.records import Result, State, TrialRecord

SGD = (Condition("optimizer", ("sgd",)),)
SPACE = SearchSpace(
    (
        Choice("optimizer", ("adam", "nadam", "sgd")),
        Float("optimizer.momentum", 0.0, 0.9, conditions=SGD),
        Float("optimizer.learning_rate", 1e-4, 1e-1, log=True),
        Zip(("model.filters", "model.kernel_size"), ((16, 5), (32, 3), (64, 3))),
        Choice("model.layer_size", (16, 32, 64, 128)),
    )
)
TYPED = (
    "mnistsweep sweep trials=40 model=conv_dense optimizer=adam,nadam,sgd 'optimizer.momentum=interval(0,0.9)' "
    "'optimizer.learning_rate=tag(log,interval(1e-4,1e-1))' model.filters=16,32,64 model.kernel_size=5,3,3 "
    "'zip=[[model.filters,model.kernel_size]]' model.layer_size=16,32,64,128 name=s"
)


def start(tmp_path: Path, command: str = TYPED, **config: Any) -> NextStart:
    values = {"objective": "val_accuracy", "trials": 40, "oracle": {"name": "tpe"}, "trainer": {"repeats": 1}, **config}
    return NextStart(SweepPaths(tmp_path / "s"), command, {"groups": ["optimizer"], "config": values})


def records(objective: Any, number: int = 60, space: SearchSpace = SPACE, seed: int = 0) -> list[TrialRecord]:
    rng = np.random.default_rng(seed)
    points = [space.point_at(rng.random(len(space.dimensions)).tolist()) for _ in range(number)]
    return [
        TrialRecord(at, State.COMPLETED, point, at, Result(float(objective(point, rng)), best_epoch=1))
        for at, point in enumerate(points)
    ]


def learnt(tmp_path: Path, objective: Any, number: int = 60, space: SearchSpace = SPACE) -> Learnt:
    return learnt_from(records(objective, number, space), space, "max", start(tmp_path))


def by_rate(point: Any, rng: np.random.Generator) -> float:
    return float(0.9 - 0.05 * (np.log10(point["optimizer.learning_rate"]) + 2.5) ** 2 + rng.normal(0, 0.005))


@pytest.mark.parametrize("number", [12, 25, 60])
def test_noise_teaches_nothing_in_at_least_95_of_100_sweeps(tmp_path, number):
    silent = 0
    for seed in range(200):
        found = learnt_from(records(lambda _, rng: rng.normal(), number, seed=seed), SPACE, "max", start(tmp_path))
        silent += found.sentences[0].startswith("Nothing can be said yet about what mattered and what did not: ")
        assert found.important or "trials=80" in found.command
    assert silent >= 190


def test_a_planted_range_is_named_and_searched_more_narrowly(tmp_path):
    found = learnt(tmp_path, by_rate)

    assert found.important == ("optimizer.learning_rate",)
    assert "model.layer_size" in found.unimportant
    first, second, third = found.sentences
    assert first.startswith("What mattered, with its share of the ranking of 60 trials: optimizer.learning_rate (")
    assert "best from 0.00039 to 0.026: median val_accuracy " in first
    assert second.startswith(
        "What did not: model.filters with model.kernel_size, model.layer_size (less than 10 % each)."
    )
    assert second.endswith(" Nothing can be said yet of optimizer, optimizer.momentum.")
    assert third.startswith("What to try next: a narrower range of optimizer.learning_rate, the best trial's value of ")
    assert "'optimizer.learning_rate=tag(log,interval(0.00039,0.026))'" in found.command


def test_an_end_that_won_gives_a_wider_range(tmp_path):
    found = learnt(tmp_path, lambda point, rng: np.log10(point["optimizer.learning_rate"]) + rng.normal(0, 0.1))

    assert "a wider range of optimizer.learning_rate (its upper end won)" in found.sentences[2]
    assert "interval(0.025,1.0)" in found.command


@pytest.mark.parametrize(
    "objective",
    [
        by_rate,
        lambda point, rng: float(point["optimizer"] == "sgd") + rng.normal(0, 0.01),
        lambda point, rng: point["model.filters"] / 64 + rng.normal(0, 0.01),
        lambda point, rng: point.get("optimizer.momentum", -1) + rng.normal(0, 0.01),
    ],
    ids=["interval", "parent", "zip", "conditional"],
)
def test_the_command_starts_a_sweep_with_the_ranges_that_it_names(tmp_path, monkeypatch, objective):
    monkeypatch.chdir(tmp_path)
    found = learnt(tmp_path, objective, 80)

    program, subcommand, *overrides = shlex.split(found.command)
    assert (program, subcommand) == ("mnistsweep", "sweep")
    assert "name=s-2" in overrides
    keys = [text.partition("=")[0] for text in overrides]
    assert len(keys) == len(set(keys))
    plan = plan_sweep(command_line_recipe(None, None, overrides))
    before = {key: SPACE[key] for key in SPACE.keys}
    assert any(key not in plan.space.keys or plan.space[key] != before[key] for key in before)
    assert found.important


def test_a_parent_keeps_the_values_that_other_dimensions_need(tmp_path):
    """Without sgd there would be no momentum, which the command still searches."""
    found = learnt(tmp_path, lambda point, rng: float(point["optimizer"] != "sgd") + rng.normal(0, 0.01))

    assert found.important == ("optimizer",)
    assert "optimizer=adam,nadam,sgd" in shlex.split(found.command)


def test_pruned_trials_count_below_completed_ones(tmp_path):
    """Pruned trials have the largest values, and all of them have the same layer size."""
    told = [
        TrialRecord(r.number, State.PRUNED, r.point, r.seed, Result(2.0, best_epoch=1))
        if r.point["model.layer_size"] == 16
        else r
        for r in records(lambda _, rng: rng.normal())
    ]
    found = learnt_from(told, SPACE, "max", start(tmp_path))
    assert found.important == ("model.layer_size",)
    assert "best 32, 64, 128" in found.sentences[0]


def test_stopped_trials_count_after_equal_epochs(tmp_path):
    """Trials with a certain layer size got more epochs, and have larger values for this reason only."""
    told = []
    for record in records(lambda _, rng: rng.normal()):
        is_long = record.point["model.layer_size"] == 128
        curve = np.random.default_rng(record.number).normal(size=16 if is_long else 1).tolist()
        result = Result(max(curve), best_epoch=1)
        told.append(
            TrialRecord(
                record.number, State.COMPLETED if is_long else State.PAUSED, record.point, 0, result,
                paused=None if is_long else result, values=dict(enumerate(curve, start=1)),
            )
        )  # fmt: skip
    assert learnt_from(told, SPACE, "max", start(tmp_path)).important == ()
    unknown = [dataclasses.replace(record, values={}) for record in told]
    assert learnt_from(unknown, SPACE, "max", start(tmp_path)).important == ("model.layer_size",)


def test_a_space_that_was_tried_needs_seeds_and_not_trials(tmp_path):
    space = SearchSpace((Choice("model.layer_size", (16, 32, 64)), Int("model.dense_layers", 1, 4)))
    told = records(lambda _, rng: rng.normal(), 12, space)
    found = learnt_from(told, space, "max", start(tmp_path))
    assert found.sentences[1].startswith("What to try next: each configuration with several seeds; every point")
    assert found.command.endswith("name=s-2 trainer.repeats=3")
    found = learnt_from(told, space, "max", start(tmp_path, oracle={"name": "asha"}))
    assert found.command.endswith("name=s-2 trainer.repeats=3 oracle=grid")  # trials with repeats cannot be paused


@pytest.mark.parametrize(
    ("limits", "sentence", "command"),
    [
        ({"trials": 20, "total_epochs": 10}, "more trials:", "name=s total_epochs=20"),
        ({"trials": 20}, "more trials; the same command continues.", ""),
        ({"trials": 3}, "more trials:", "name=s trials=6"),
    ],
)
def test_a_space_of_which_a_part_was_tried_needs_trials(
    limits: dict[str, int], sentence: str, command: str, tmp_path: Path
) -> None:
    """The budget of trials may cover a space that another limit, or a stop, has left unfinished."""
    space = SearchSpace((Choice("model.layer_size", (16, 32, 64)), Int("model.dense_layers", 1, 4)))
    found = learnt_from(records(lambda _, rng: rng.normal(), 3, space), space, "max", start(tmp_path, **limits))
    assert found.sentences[1] == f"What to try next: {sentence}"
    assert found.command.endswith(command)


def test_few_trials_and_failed_ones_teach_nothing(tmp_path):
    told = [*records(by_rate, 9), TrialRecord(9, State.FAILED, {}, 0, Result(reason="it broke"))]
    found = learnt_from(told, SPACE, "max", start(tmp_path))
    assert found.sentences[0].endswith(": 9 trials with a result are too few, 10 are needed.")
    assert learnt_from(told[9:], SPACE, "max", start(tmp_path)).important == ()


def test_the_command_keeps_added_keys_and_is_described_where_it_holds_a_secret(tmp_path):
    command = "mnistsweep sweep +optimizer.learning_rate=0.1,0.2 name=a"
    found = learnt_from(records(by_rate), SPACE, "max", start(tmp_path, command, enqueue=[{"optimizer": "sgd"}]))
    assert "'+optimizer.learning_rate=tag(log," in found.command
    assert "enqueue=[]" in shlex.split(found.command)
    hidden = learnt_from(records(by_rate), SPACE, "max", start(tmp_path, f"{command} storage=postgresql://me:***@host"))
    assert hidden.command.startswith("the same command with name=s-2 ")


def test_a_module_that_was_run_is_named_by_its_program(tmp_path):
    found = learnt_from(records(by_rate), SPACE, "max", start(tmp_path, "cli.py sweep name=a"))
    assert found.command.startswith("mnistsweep sweep name=s-2 ")
    unknown = learnt_from(records(by_rate), SPACE, "max", start(tmp_path, ""))
    assert unknown.command.startswith("the same command with name=s-2 ")


def test_a_dimension_with_a_condition_stays_a_range(tmp_path):
    """The key `conditions` of the configuration names it, so it may not be fixed."""
    space = SearchSpace((Choice("optimizer", ("adam", "sgd")), Choice("optimizer.momentum", (0.0, 0.5, 0.9), SGD)))
    told = records(lambda point, rng: float(point.get("optimizer.momentum") == 0.5) + rng.normal(0, 0.01), 80, space)
    found = learnt_from(told, space, "max", start(tmp_path))
    assert "optimizer.momentum=choice(0.5)" in shlex.split(found.command)


def test_a_python_program_reads_a_call_of_python(tmp_path):
    called = start(tmp_path, "mnistsweep.sweep of build in train.py, line 3")
    found = learnt_from(records(by_rate), SPACE, "max", called)
    assert found.command.startswith("mnistsweep.sweep(..., space={..., 'optimizer.learning_rate': mnistsweep.Float(")
    assert found.command.endswith(", name='s-2')")
    named = dataclasses.replace(called, names={"optimizer.learning_rate": "rate"})
    renamed = learnt_from(records(by_rate), SPACE, "max", named)
    assert renamed.important == ("rate",)
    assert "space={..., 'rate': mnistsweep.Float(" in renamed.command


def test_the_name_of_the_next_sweep_is_free(tmp_path):
    (tmp_path / "s-2").mkdir()
    assert "name=s-3" in learnt(tmp_path, by_rate).command


def test_several_objectives_have_a_sentence_each_and_no_narrower_range(tmp_path: Path) -> None:
    told = [
        dataclasses.replace(one, result=dataclasses.replace(one.result, quantities={"parameters": size}))
        for one in records(by_rate)
        for size in [float(one.point["model.layer_size"])]
    ]
    begun = start(tmp_path, objective=["val_accuracy", "parameters"])
    found = learnt_from(told, SPACE, "max", begun, [Objective("parameters", "min")])
    first, second, *_ = found.sentences
    assert re.search(r"of 60 trials by val_accuracy: optimizer\.learning_rate \(\d+ %; best from ", first)
    assert re.search(r"of 60 trials by parameters: model\.layer_size \(\d+ %; best 16", second)
    assert found.important[:2] == ("optimizer.learning_rate", "model.layer_size")
    assert "model.layer_size" not in found.unimportant
    assert found.sentences[-1] == "What to try next: more trials:"
    assert found.command.endswith("trials=80")
