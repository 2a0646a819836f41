"""Number of epochs of a training in the label-cleaning experiment."""

from __future__ import annotations

from typing import Any

import pytest

from mnistsweep.config.schema import Config, TrainerConfig
from mnistsweep.evaluation.cleaning_trainer import training_epochs
from mnistsweep.study.records import Result


@pytest.mark.parametrize(
    ("trainer", "result", "epochs"),
    [
        ({"epochs": 6}, Result(0.9, best_epoch=2, epochs=6), 6),
        ({"epochs": 6, "patience": 5}, Result(0.9, best_epoch=2, epochs=6), 6),  # it never ran out
        ({"epochs": 6, "patience": 1}, Result(0.9, best_epoch=2, epochs=3), 2),
        ({"epochs": 6, "repeats": 2}, Result(0.9, best_epoch=2, epochs=12), 6),
        ({"epochs": 6, "repeats": 2}, Result(0.9, best_epoch=2, epochs=9), 2),
    ],
)
def test_models_are_trained_to_the_end_unless_the_trial_ended_early(
    trainer: dict[str, Any], result: Result, epochs: int
) -> None:
    config = Config(trainer=TrainerConfig(**trainer), model={"_target_": "mnistsweep.models.perceptron"}, data={})
    assert training_epochs(config, result, threads=1) == epochs


@pytest.mark.parametrize(("trained", "epochs"), [(18, 6), (9, 2)])
def test_the_epochs_of_all_folds_are_counted(trained: int, epochs: int) -> None:
    model, data = {"_target_": "mnistsweep.models.perceptron"}, {"folds": 3}
    config = Config(trainer=TrainerConfig(epochs=6), model=model, data=data)
    assert training_epochs(config, Result(0.9, best_epoch=2, epochs=trained), threads=1) == epochs
