"""Keras's private API: a test fails when a new version of Keras changes what `keras_internals` relies on."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
from small_training import data, model

from mnistsweep.training.keras_internals import (
    create_global_seed_generator,
    find_global_seed_generator,
    pop_initial_epoch,
    set_initial_epoch,
    trained_variables,
)


def test_the_global_seed_generator_exists_once_a_number_is_drawn_without_a_seed() -> None:
    keras.utils.clear_session()
    assert find_global_seed_generator() is None
    first = keras.ops.convert_to_numpy(keras.random.normal((3,)))
    found = find_global_seed_generator()
    assert found is not None
    assert create_global_seed_generator() is found
    state = keras.ops.convert_to_numpy(found.state.value).copy()
    second = keras.ops.convert_to_numpy(keras.random.normal((3,)))
    assert not np.array_equal(first, second)
    found.state.assign(state)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(keras.random.normal((3,))), second)


def test_trained_variables_are_those_that_the_optimizer_was_built_for() -> None:
    built = model()
    assert trained_variables(built.optimizer) == []
    built.optimizer.build(built.trainable_variables[:1])
    assert [id(one) for one in trained_variables(built.optimizer)] == [id(built.trainable_variables[0])]


def test_fit_starts_with_the_initial_epoch() -> None:
    built = model()
    started: list[int] = []
    setter = keras.callbacks.LambdaCallback(
        on_train_begin=lambda logs: set_initial_epoch(built, 3),
        on_epoch_begin=lambda epoch, logs: started.append(epoch),
    )
    built.fit(*data(), epochs=5, verbose=0, callbacks=[setter])
    assert started == [3, 4]


def test_backup_and_restore_sets_the_initial_epoch(tmp_path: Path) -> None:
    built = model()
    built.fit(
        *data(), epochs=2, verbose=0, callbacks=[keras.callbacks.BackupAndRestore(tmp_path, delete_checkpoint=False)]
    )
    restoring = keras.callbacks.BackupAndRestore(tmp_path)
    restoring.set_model(built)
    restoring.on_train_begin()
    assert pop_initial_epoch(built) == 2
    assert pop_initial_epoch(built) is None
