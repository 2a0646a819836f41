"""Which sweeps pause and continue their trials."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from mnistsweep.config.recipe import Recipe
from mnistsweep.errors import ConfigError
from mnistsweep.planning.opening import open_sweep
from mnistsweep.planning.plan import Plan
from mnistsweep.planning.plan_file import plan_from_json, plan_to_json
from mnistsweep.planning.planner import plan_sweep
from mnistsweep.search.asha import Asha
from mnistsweep.search.freeze_thaw import FreezeThaw
from mnistsweep.search.whole_trials import WholeTrials

SELDOM = """
import keras

class Every2(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch % 2 and logs is not None:
            logs["val_custom"] = logs["val_accuracy"]
"""

RANGES = ("model.dropout=interval(0,0.6)", "trials=5", "trainer.epochs=4")


@pytest.fixture(autouse=True)
def _module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A callback of the user, which is not imported before a training."""
    (tmp_path / "seldom.py").write_text(SELDOM)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))


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


def test_an_objective_that_a_callback_may_report_seldom_is_a_reason_for_whole_trials() -> None:
    callback = "trainer.callbacks=[{_target_: seldom.Every2}]"
    added = [callback, "objective=val_custom", "direction=max"]
    assert type(planned(callback).scheduler()) is FreezeThaw  # val_accuracy is in each epoch
    assert type(planned(*added).scheduler()) is WholeTrials
    chosen = planned(*added, "oracle=asha")
    assert type(chosen.scheduler()) is Asha
    assert chosen.warnings == (
        "oracle: asha compares unfinished trainings; a trial fails if a callback does not add val_custom to the logs "
        "of each epoch",
    )


def test_a_sweep_of_an_earlier_version_goes_on_with_whole_trials() -> None:
    record = plan_to_json(planned())
    assert type(plan_from_json(record).scheduler()) is FreezeThaw
    del record["auto_pauses"]
    earlier = plan_from_json(record)
    assert type(earlier.scheduler()) is WholeTrials
    assert type(plan_from_json(plan_to_json(earlier)).scheduler()) is WholeTrials


def test_a_sweep_that_continues_keeps_the_oracle_of_its_first_start() -> None:
    choices = "model.dropout=0,0.2,0.4"
    assert open_sweep(planned(choices, "trials=2")).oracle_name == "freeze_thaw"
    more = planned(choices, "trials=3")
    assert more.oracle_name == "grid"  # a new sweep
    assert open_sweep(more).oracle_name == "freeze_thaw"
