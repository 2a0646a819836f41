"""Which sweeps pause and continue their trials."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from mnistsweep.config.recipe import Recipe
from mnistsweep.errors import ConfigError
from mnistsweep.planning.plan import Plan
from mnistsweep.planning.planner import plan_sweep
from mnistsweep.search.asha import Asha
from mnistsweep.search.freeze_thaw import FreezeThaw
from mnistsweep.search.whole_trials import WholeTrials

RANGES = ("model.dropout=interval(0,0.6)", "trials=5", "trainer.epochs=4")


def planned(*overrides: str) -> Plan:
    return plan_sweep(Recipe(), (*RANGES, *overrides))


@pytest.mark.parametrize(
    ("overrides", "kind"),
    [
        ([], FreezeThaw),
        (["oracle=freeze_thaw", "objective=val_loss"], FreezeThaw),
        (["oracle=asha", "oracle.reduction_factor=3"], Asha),
        (["oracle=tpe"], WholeTrials),
        (["trainer.repeats=2"], WholeTrials),
        (["data.folds=3"], WholeTrials),
        (["trainer.epochs=1"], WholeTrials),
        (["pruner=median"], WholeTrials),
        (["model.dropout=0,0.5"], WholeTrials),  # the grid fits the budget
    ],
)
def test_auto_pauses_where_it_can(overrides: Sequence[str], kind: type) -> None:
    assert type(planned(*overrides).scheduler()) is kind


@pytest.mark.parametrize("oracle", ["freeze_thaw", "asha"])
@pytest.mark.parametrize("override", ["trainer.repeats=2", "data.folds=3", "trainer.epochs=1", "pruner=hyperband"])
def test_an_oracle_that_pauses_is_refused_where_trials_cannot_be_paused(oracle: str, override: str) -> None:
    with pytest.raises(ConfigError, match=f"oracle: {oracle} pauses and continues trainings, so each trial is one"):
        planned(f"oracle={oracle}", override)


def test_a_sweep_of_an_earlier_version_goes_on_with_whole_trials() -> None:
    record = planned().to_json()
    assert type(Plan.from_json(record).scheduler()) is FreezeThaw
    del record["auto_pauses"]
    earlier = Plan.from_json(record)
    assert type(earlier.scheduler()) is WholeTrials
    assert type(Plan.from_json(earlier.to_json()).scheduler()) is WholeTrials
