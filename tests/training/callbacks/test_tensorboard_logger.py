from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
from small_training import model, train
from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray

from mnistsweep.training.callbacks.tensorboard_logger import TensorBoardLogger


def curves(folder: Path) -> dict[str, dict[int, float]]:
    accumulator = EventAccumulator(str(folder))
    accumulator.Reload()
    tags = [tag for tag in accumulator.Tags()["tensors"] if tag.startswith("epoch_")]
    return {tag: {e.step: make_ndarray(e.tensor_proto).item() for e in accumulator.Tensors(tag)} for tag in tags}


def test_writes_the_curves_of_keras_s_own_callback(tmp_path: Path) -> None:
    (tmp_path / "trial").mkdir()
    records = train(model(0.5), TensorBoardLogger(tmp_path / "trial"), keras.callbacks.TensorBoard(tmp_path / "keras"))
    for run in ("train", "validation"):
        ours, theirs = curves(tmp_path / "trial" / run), curves(tmp_path / "keras" / run)
        assert {tag: list(points.values()) for tag, points in ours.items()} == {
            tag: list(points.values()) for tag, points in theirs.items()
        }
        assert list(ours["epoch_loss"]) == [1, 2, 3, 4]
    losses = curves(tmp_path / "trial" / "validation")["epoch_loss"]
    assert list(losses.values()) == [np.float32(record["val_loss"]) for record in records]
    assert curves(tmp_path / "trial" / "train")["epoch_learning_rate"] == dict.fromkeys([1, 2, 3, 4], 0.5)


def test_a_resumed_training_invalidates_the_points_that_it_trains_again(tmp_path: Path) -> None:
    train(model(), TensorBoardLogger(tmp_path), epochs=4)
    old = curves(tmp_path / "train")["epoch_loss"]
    train(model(), TensorBoardLogger(tmp_path), initial_epoch=2, epochs=3)
    new = curves(tmp_path / "train")["epoch_loss"]
    assert list(new) == [1, 2, 3]
    assert [new[step] for step in (1, 2)] == [old[step] for step in (1, 2)]
    assert new[3] != old[3]
