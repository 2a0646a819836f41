"""What the whole grid would have taken, beside what a search has trained."""

from __future__ import annotations

import pytest

from mnistsweep.commands.grid_epochs import grid_epochs, spared_epochs
from mnistsweep.config.recipe import Recipe
from mnistsweep.dimensions import Choice
from mnistsweep.planning.planner import plan_sweep
from mnistsweep.planning.program_planner import plan_program
from mnistsweep.study.records import Result, State, TrialRecord

SIZES, EPOCHS = "model.layer_size=16,32", "trainer.epochs=3,4,5"

NOT_NESTED = "schedule=cosine"


@pytest.mark.parametrize(
    ("overrides", "total"),
    [
        ([SIZES, "trainer.epochs=9"], 18),
        ([SIZES, EPOCHS], 10),  # trainings of 5 epochs contain the shorter ones
        ([SIZES, EPOCHS, NOT_NESTED], 24),
        ([SIZES, "trainer.epochs=range(1,5)", NOT_NESTED], 20),
        (["optimizer=adam,sgd", "optimizer.momentum=0.1,0.9", EPOCHS, NOT_NESTED], 36),
        ([SIZES, "trainer.epochs=9", "trainer.stop_after=2"], 4),
        ([SIZES, "trainer.epochs=9", "trainer.repeats=2", "data.folds=3"], 108),
        ([SIZES, EPOCHS, "trainer.repeats=2"], 48),
        ([SIZES, "trainer.epochs=9", "trainer.repeats=1,2"], None),
        ([SIZES, "trainer.epochs=${model.layer_size}"], None),
        ([SIZES, EPOCHS, "trainer.stop_after=4", NOT_NESTED], None),
        (["model.dropout=interval(0,0.5)", EPOCHS], None),
        ([SIZES, EPOCHS, "conditions={trainer.epochs: {model.layer_size: [16]}}"], None),
        ([SIZES, EPOCHS, "conditions={model.layer_size: {trainer.epochs: [5]}}"], None),
        (["model.layer_size=16,32,64", EPOCHS, "zip=[[model.layer_size,trainer.epochs]]"], None),
    ],
)
def test_the_epochs_of_a_grid(overrides: list[str], total: int | None) -> None:
    plan = plan_sweep(Recipe(), ["model=perceptron", "oracle=random", *overrides])
    assert grid_epochs(plan) == total


@pytest.mark.parametrize("oracle", ["auto", "asha", "random", "tpe"])
def test_a_search_of_a_finite_grid_names_what_the_whole_grid_would_have_taken(oracle: str) -> None:
    plan = plan_sweep(Recipe(), ["model=perceptron", "model.layer_size=16,32,64", f"oracle={oracle}", "trials=2"])
    trial = TrialRecord(0, State.COMPLETED, {}, 0, Result(0.5, 3, 3))
    records = [
        trial,
        TrialRecord(1, State.PAUSED, {}, 0, Result(0.5, 1, 1), repeated=1),
        TrialRecord(2, State.COMPLETED, {}, 0, Result(0.5, 3, 3), confirms=0),
    ]
    assert spared_epochs(plan, records) == "5 epochs trained; the whole grid would have taken up to 15"
    assert spared_epochs(plan, [trial] * 3) is None  # all were tried, and ended before their last epoch


@pytest.mark.parametrize("decides", ["function", "KerasTuner"])
def test_a_grid_where_something_else_decides_on_the_epochs_has_no_number(decides: str) -> None:
    if decides == "function":
        plan = plan_program(Recipe(("name=p",)), [Choice("x", (1, 2))], {"_target_": "builtins.len"})
    else:
        target = "oracle._target_=keras_tuner.oracles.RandomSearchOracle"
        plan = plan_sweep(Recipe(), ["model=perceptron", SIZES, target])
    assert plan.space.size() == 2
    assert spared_epochs(plan, []) is None
