"""Models that are frozen at first: unfrozen by a callback, or in a second stage of a user's own `fit`."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from interrupted_trainings import MODULE, make_training, read_state
from small_training import data

from mnistsweep.training.callbacks.backup_and_resume import ResumeMismatch
from mnistsweep.training.loop import FitOptions, fit


class Unfreeze(keras.callbacks.Callback):
    """Trains the backbone from an epoch on, with another optimizer, as plain Keras allows it."""

    def __init__(self, epoch: int, compiles: bool = True) -> None:
        super().__init__()
        self.at, self.compiles = epoch, compiles

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if epoch == self.at:
            self.model.layers[0].trainable = True
            if self.compiles:
                self.model.compile(keras.optimizers.SGD(0.2), "mse", metrics=measured(type(self.model)))
                self.model.make_train_function()


def measured(kind: type) -> list[str] | None:
    """Metrics: none for a model with a training step of its own, which would have to update them."""
    return None if kind is Doubled else ["mae"]


def frozen(kind: type = keras.Sequential) -> Any:
    keras.utils.set_random_seed(0)
    backbone = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, "tanh")], name="backbone")
    backbone.trainable = False
    model = kind([keras.Input((3,)), backbone, keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(0.1), "mse", metrics=measured(kind))
    return model


class Doubled(keras.Sequential):
    """Has a training step of its own."""

    def train_step(self, data: Any) -> Any:
        import tensorflow as tf

        x, y = data
        with tf.GradientTape() as tape:
            loss = 2 * self.compute_loss(x, y, self(x, training=True))
        self.optimizer.apply(tape.gradient(loss, self.trainable_variables), self.trainable_variables)
        return {"twice": loss}


# The fast run has each engine, each kind of model and each kind of callback; the slow one all combinations.
FAST = [("resident", keras.Sequential, True), ("resident", Doubled, False), ("portable", Doubled, True)]
ALL = itertools.product(("resident", "portable"), (keras.Sequential, Doubled), (True, False))


@pytest.mark.parametrize(
    ("engine", "kind", "compiles"),
    [case if case in FAST else pytest.param(*case, marks=pytest.mark.slow) for case in ALL],
)
def test_a_backbone_that_a_callback_unfreezes(engine: Any, kind: type, compiles: bool) -> None:
    """One batch is an epoch, so that the order of the examples does not matter."""
    train, validation = data(32), data(16)
    ours, theirs = frozen(kind), frozen(kind)
    before = ours.get_weights()
    records = fit(ours, train, validation, FitOptions(4, 32, seed=0, engine=engine), [Unfreeze(2, compiles)])
    history = theirs.fit(
        *train, 32, epochs=4, verbose=0, shuffle=False, validation_data=validation, callbacks=[Unfreeze(2, compiles)]
    ).history
    for epoch, record in enumerate(records):
        assert record == pytest.approx({name: values[epoch] for name, values in history.items()}, abs=1e-5)
    for one, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    assert np.array_equal(ours.get_weights()[0], before[0]) is not compiles, "Keras trains it after compile only"


def test_a_training_that_a_callback_compiled_again_restarts(tmp_path: Path, tiny_data: list[str]) -> None:
    (tmp_path / "trial").mkdir()
    small = ["trainer.epochs=3", "trainer.batch_size=64"]
    callback = f"trainer.callbacks=[{{_target_: {MODULE}.Compiling}}]"
    overrides = [*tiny_data, "model=perceptron", "objective=val_accuracy", *small, callback]
    with pytest.raises(KeyboardInterrupt):
        make_training(overrides, tmp_path / "trial").run()
    state = read_state(overrides, tmp_path / "trial")
    assert state is not None
    with pytest.raises(ResumeMismatch, match="a callback has compiled or unfrozen the model"):
        make_training(overrides, tmp_path / "trial").run(state)
