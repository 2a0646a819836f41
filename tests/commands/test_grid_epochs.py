"""What the whole grid would have taken, beside what a search has trained."""

from __future__ import annotations

import pytest

from mnistsweep.commands.grid_epochs import grid_epochs, spared_epochs
from mnistsweep.config.recipe import Recipe
from mnistsweep.dimensions import Choice, Condition, Float, Int
from mnistsweep.planning.planner import plan_sweep
from mnistsweep.space import SearchSpace
from mnistsweep.study.records import Result, State, TrialRecord
from mnistsweep.zips import Zip

RATES = Choice("rate", (1, 2))
EPOCHS = Choice("trainer.epochs", (3, 4, 5))
MOMENTUM = Choice("momentum", (0.1, 0.9), conditions=(Condition("rate", (2,)),))


@pytest.mark.parametrize(
    ("dimensions", "total"),
    [
        ((RATES,), 18),
        ((RATES, EPOCHS), 24),
        ((RATES, Int("trainer.epochs", 1, 4)), 20),
        ((RATES, MOMENTUM, EPOCHS), 36),
        ((Float("rate", 0.0, 1.0), EPOCHS), None),
        ((RATES, Choice("trainer.epochs", (3, 4), conditions=(Condition("rate", (2,)),))), None),
        ((EPOCHS, Choice("patience", (1, 2), conditions=(Condition("trainer.epochs", (5,)),))), None),
        ((RATES, Zip(("trainer.epochs", "x"), ((1, 2), (3, 4)))), None),
    ],
)
def test_the_epochs_of_a_grid(dimensions: tuple[Choice, ...], total: int | None) -> None:
    assert grid_epochs(SearchSpace(dimensions), 9) == total


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        ([], "5 epochs trained; the whole grid would have taken 3,240"),
        (["oracle=random"], None),
        (["model.dropout=interval(0,0.5)"], None),
    ],
)
def test_a_search_that_pauses_names_what_its_grid_would_have_taken(overrides: list[str], sentence: str | None) -> None:
    plan = plan_sweep(Recipe(), ["+sweeps=quickstart", *overrides])
    records = [
        TrialRecord(0, State.COMPLETED, {}, 0, Result(0.5, 3, 3)),
        TrialRecord(1, State.PAUSED, {}, 0, Result(0.5, 1, 1), repeated=1),
        TrialRecord(2, State.COMPLETED, {}, 0, Result(0.5, 3, 3), confirms=0),
    ]
    assert spared_epochs(plan, records) == sentence
