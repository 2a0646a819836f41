from __future__ import annotations

import keras
import numpy as np
import pytest
from image_training import TRAIN, VALIDATION, model, options

from mnistsweep.errors import ConfigError, DataError
from mnistsweep.training.loop import epoch_order, fit

pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="the reference is TensorFlow's fit")


def test_each_seed_and_epoch_has_another_order() -> None:
    orders = [epoch_order(50, seed, epoch).tolist() for seed in (0, 1) for epoch in (0, 1)]
    assert all(sorted(order) == list(range(50)) for order in orders)
    assert len({tuple(order) for order in orders}) == 4


@pytest.mark.parametrize(("key", "value"), [("epochs", 0), ("batch_size", 0), ("seed", -1), ("initial_epoch", -1)])
def test_options_out_of_range_name_their_key(key: str, value: int) -> None:
    with pytest.raises(ConfigError, match=f"^{key}: must be at least .*, received {value}$"):
        options(**{key: value})


def test_invalid_models_and_data_are_refused() -> None:
    x, y = TRAIN
    with pytest.raises(DataError, match="train: must have one target for each input; received 69 and 70"):
        fit(model(), (x, y[1:]), VALIDATION, options())
    with pytest.raises(DataError, match="validation: must have at least one example"):
        fit(model(), TRAIN, (x[:0], y[:0]), options())
    with pytest.raises(ConfigError, match="is not compiled"):
        fit(keras.Sequential([keras.layers.Dense(1)]), TRAIN, VALIDATION, options())


def test_augmentation_must_keep_the_shape() -> None:
    class Crop:
        def apply(self, images: np.ndarray, seed: int, epoch: int) -> np.ndarray:
            return images[:, :3]

    with pytest.raises(DataError, match=r"must keep the shape \(70, 4, 4, 1\)"):
        fit(model(), TRAIN, VALIDATION, options(augmentation=Crop()))
