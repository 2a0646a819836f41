"""Epochs as a dimension that an oracle of KerasTuner sets."""

from __future__ import annotations

from typing import Any

import pytest

from mnistsweep.config.schema import Config, TrainerConfig
from mnistsweep.dimensions import Choice, Condition, Int
from mnistsweep.errors import SpaceError
from mnistsweep.space import SearchSpace
from mnistsweep.tuner.hyperband import max_epochs, sets_epochs, with_epochs

OWN = "keras_tuner.oracles."

# 2 x 2 x 3 points with sgd, 2 x 3 without its momentum.
SMALL = SearchSpace(
    (
        Choice("optimizer", ("adam", "sgd")),
        Choice("optimizer.momentum", (0.0, 0.9), (Condition("optimizer", ("sgd",)),)),
        Choice("data.stratify", (False, True)),
        Int("model.dense_layers", 1, 3),
    )
)


def configured(name: str, trials: int | None = 100, **keys: Any) -> Config:
    return Config(trials=trials, oracle={"_target_": OWN + name, **keys}, trainer=TrainerConfig(epochs=9))


def test_hyperband_uses_trainer_epochs_without_max_epochs() -> None:
    config = configured("HyperbandOracle")
    assert (sets_epochs(config), max_epochs(config)) == (True, 9)
    assert with_epochs(config, SMALL)["trainer.epochs"] == Int("trainer.epochs", 1, 9)
    assert max_epochs(configured("HyperbandOracle", max_epochs=4)) == 4
    assert not sets_epochs(configured("RandomSearchOracle"))
    assert with_epochs(configured("RandomSearchOracle"), SMALL) is SMALL


def test_epochs_that_hyperband_sets_cannot_be_swept() -> None:
    space = SearchSpace((Int("trainer.epochs", 1, 5),))
    with pytest.raises(SpaceError, match=r"trainer.epochs: .*HyperbandOracle sets .*cannot be swept too.*1, 5"):
        with_epochs(configured("HyperbandOracle"), space)
