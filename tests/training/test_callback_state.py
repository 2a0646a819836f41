from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import pytest

from mnistsweep.training.callback_state import class_name
from mnistsweep.training.callbacks.best_weights import BestWeights
from mnistsweep.training.callbacks.epoch_counter import EpochCounter
from mnistsweep.training.callbacks.guards import FiniteGuard, OwnershipCheck
from mnistsweep.training.callbacks.history_writer import HistoryWriter
from mnistsweep.training.callbacks.objective_reporter import ObjectiveReporter
from mnistsweep.training.callbacks.tensorboard_logger import TensorBoardLogger
from mnistsweep.training.phase_state import capture_phase, restore_phase
from mnistsweep.training.resume_file import TrainingState, read_resume_file, write_resume_file

LOSSES = [0.9, 0.7, 0.74, 0.69, 0.5, 0.52, 0.51, 0.505, 0.3, 0.31, 0.2, 0.21]
CALLBACKS: dict[str, Callable[[], Any]] = {
    "early stopping": lambda: keras.callbacks.EarlyStopping(
        "val_loss", patience=3, min_delta=0.05, restore_best_weights=True
    ),
    "plateau": lambda: keras.callbacks.ReduceLROnPlateau("val_loss", patience=2, cooldown=2, min_delta=0.05),
    "best weights": lambda: BestWeights("val_loss", "min"),
    "reporter": lambda: ObjectiveReporter(lambda epoch, value: epoch == 4, "val_loss"),
    "counter": EpochCounter,
}


def begin(name: str) -> tuple[Any, Any]:
    """A model and a callback at the start of a training."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="ones")])
    model.compile("sgd", "mse")
    model.optimizer.build(model.trainable_variables)
    callback = CALLBACKS[name]()
    callback.set_model(model)
    callback.on_train_begin()
    return model, callback


def send(model: Any, callback: Any, epochs: range) -> list[bool]:
    """Send epochs to a callback; after which of them it stops the training."""
    stops = []
    for epoch in epochs:
        model.layers[0].bias.assign([epoch])
        model.stop_training = False
        callback.on_epoch_end(epoch, {"val_loss": LOSSES[epoch]})
        stops.append(model.stop_training)
    return stops


@pytest.mark.parametrize("epochs", [1, 4, 7])
@pytest.mark.parametrize("name", CALLBACKS)
def test_a_callback_continues_with_its_state(tmp_path: Path, name: str, epochs: int) -> None:
    whole = begin(name)
    stops = send(*whole, range(len(LOSSES)))
    first = begin(name)
    earlier = send(*first, range(epochs))
    write_resume_file(tmp_path / "resume.npy", TrainingState("mine", phases=[capture_phase(first[0], [first[1]])]))
    state = read_resume_file(tmp_path / "resume.npy", "mine")
    assert state is not None
    second = begin(name)
    restore_phase(state.phases[0], second[0], [second[1]])
    assert earlier + send(*second, range(epochs, len(LOSSES))) == stops
    ends = [repr(capture_phase(model, [callback])["callbacks"]) for model, callback in (whole, second)]
    assert ends[0] == ends[1]
    assert float(second[0].optimizer.learning_rate) == float(whole[0].optimizer.learning_rate)


def test_names_in_resume_files_are_those_of_every_version_before(tmp_path: Path) -> None:
    callbacks = [
        OwnershipCheck(lambda: None),
        FiniteGuard("val_loss"),
        EpochCounter(),
        HistoryWriter(tmp_path / "history.csv"),
        BestWeights("val_loss", "min"),
        ObjectiveReporter(lambda *_: False, "val_loss"),
        TensorBoardLogger(tmp_path),
    ]
    assert [class_name(callback) for callback in callbacks] == [
        "mnistsweep.callbacks.Ownership",
        "mnistsweep.callbacks.FiniteGuard",
        "mnistsweep.training.EpochCounter",
        "mnistsweep.callbacks.HistoryWriter",
        "mnistsweep.callbacks.BestWeights",
        "mnistsweep.callbacks.Reporter",
        "mnistsweep.callbacks.TensorBoardLogger",
    ]
    assert class_name(keras.callbacks.EarlyStopping()) == ("keras.src.callbacks.early_stopping.EarlyStopping"), (
        "of another library as it is"
    )
