"""A training outside of a sweep."""

from __future__ import annotations

from pathlib import Path

import pytest

from mnistsweep.config.compose import compose, to_config
from mnistsweep.config.recipe import Recipe
from mnistsweep.errors import SweepStopped, TrialLimited, WriteRefused
from mnistsweep.paths import TrialPaths
from mnistsweep.study.records import State
from mnistsweep.training.outcome import Outcome
from mnistsweep.training.trainer import Hooks
from mnistsweep.tuner.hypermodel_training import train_once

ACCURACY = "objective=val_accuracy"


def test_limits_apply_to_a_single_training_too(tiny_data: list[str], tmp_path: Path) -> None:
    def train(*overrides: str) -> Outcome:
        config = to_config(compose(Recipe((*tiny_data, "model=perceptron", "trainer.epochs=1", ACCURACY, *overrides))))
        return train_once(config, "max", TrialPaths(tmp_path / "one"), Hooks())

    with pytest.raises(TrialLimited, match=r"more than trial.max_parameters=659"):
        train("trial.max_parameters=659")
    with pytest.raises(TrialLimited, match=r"timed out .* \(trial.timeout_minutes=1e-05\)"):
        train("trial.timeout_minutes=0.00001")
    assert train("trial.max_parameters=660", "trial.timeout_minutes=60").state is State.COMPLETED
    assert not TrialPaths(tmp_path / "one").resume.exists()
    assert issubclass(WriteRefused, SweepStopped)
