from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from small_training import model, replay, train

from mnistsweep.errors import ConfigError, TrialFailed
from mnistsweep.training.callbacks.best_weights import BestWeights


@pytest.mark.parametrize(
    ("direction", "values", "epoch"),
    [("max", [0.1, 0.9, 0.9, 0.3], 2), ("min", [0.9, 0.1, 0.1, 0.3], 2), ("max", [0.9, 0.1], 1)],
)
def test_the_first_of_the_best_epochs_counts(direction: Any, values: list[float], epoch: int) -> None:
    best = replay(BestWeights("val_loss", direction), values)
    assert (best.value, best.epoch) == (values[epoch - 1], epoch)


def test_restores_the_weights_of_the_best_epoch() -> None:
    best, built, kept = BestWeights("val_loss", "min"), model(), []
    keep = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: kept.append(built.get_weights()))
    records = train(built, best, keep, epochs=3)
    train(built, keep, epochs=1)
    losses = [record["val_loss"] for record in records]
    assert best.epoch == int(np.argmin(losses)) + 1
    assert best.value == min(losses)
    best.restore(built)
    for restored, then in zip(built.get_weights(), kept[best.epoch - 1], strict=True):
        np.testing.assert_array_equal(restored, then)


def test_nothing_to_restore() -> None:
    with pytest.raises(TrialFailed, match="no epoch was finished"):
        BestWeights("val_loss", "min").restore(model())


def test_continues_with_restored_attributes() -> None:
    best = BestWeights("val_loss", "min")
    best.value, best.epoch, best.weights = 0.1, 7, []
    assert replay(best, [0.2]).epoch == 7


def test_an_unknown_direction_is_refused() -> None:
    with pytest.raises(ConfigError, match="'max' or 'min', received 'up'"):
        BestWeights("val_loss", "up")  # type: ignore[arg-type]
