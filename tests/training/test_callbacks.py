from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray

from mnistsweep.errors import ConfigError, TrialFailed
from mnistsweep.training.callbacks.best_weights import BestWeights
from mnistsweep.training.callbacks.guards import FiniteGuard
from mnistsweep.training.callbacks.history_writer import HistoryWriter
from mnistsweep.training.callbacks.objective_reporter import ObjectiveReporter
from mnistsweep.training.callbacks.stopping import Interrupted, StopOnRequest
from mnistsweep.training.callbacks.tensorboard_logger import TensorBoardLogger
from mnistsweep.training.loop import FitOptions, fit

EPOCHS = 4


def data(count: int = 32) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(count, 3)).astype(np.float32), rng.normal(size=(count, 1)).astype(np.float32)


def model(learning_rate: Any = 0.1) -> Any:
    keras.utils.set_random_seed(0)
    built = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    built.compile(keras.optimizers.SGD(learning_rate), "mse", metrics=["mae"])
    return built


def train(built: Any, *callbacks: Any, epochs: int = EPOCHS, initial_epoch: int = 0) -> list[dict[str, float]]:
    options = FitOptions(epochs=epochs, batch_size=8, seed=0, initial_epoch=initial_epoch)
    return fit(built, data(), data(16), options, callbacks)


def replay(callback: Any, values: list[float], objective: str = "val_loss", built: Any = None) -> Any:
    """Send a callback the epochs of a training that never was."""
    callback.set_model(built or model())
    for epoch, value in enumerate(values):
        callback.on_epoch_begin(epoch)
        callback.on_epoch_end(epoch, {"loss": 1.0, objective: value})
    return callback


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


class Clock:
    """Each look at it is two seconds after the last."""

    now = 0.0

    def __call__(self) -> float:
        self.now += 2
        return self.now


class TestHistoryWriter:
    def test_a_row_an_epoch_in_full_precision(self, tmp_path: Path) -> None:
        path = tmp_path / "träning 1" / "history.csv"
        records = train(model(), HistoryWriter(path, Clock()))
        rows = read(path)
        assert list(rows[0]) == ["epoch", "loss", "mae", "val_loss", "val_mae", "learning_rate", "seconds"]
        assert [row["epoch"] for row in rows] == ["1", "2", "3", "4"]
        assert [{name: float(row[name]) for name in records[0]} for row in rows] == records
        assert {row["seconds"] for row in rows} == {"2.0"}

    def test_learning_rate_is_the_one_of_the_epoch(self, tmp_path: Path) -> None:
        reducing = keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.5, min_delta=100, patience=1)
        for number, order in enumerate(([0, 1], [1, 0])):
            path = tmp_path / f"{number}.csv"
            pair = [HistoryWriter(path), reducing]
            train(model(0.5), *[pair[i] for i in order], epochs=3)
            assert [float(row["learning_rate"]) for row in read(path)] == [0.5, 0.5, 0.25]

    def test_learning_rate_of_a_schedule(self, tmp_path: Path) -> None:
        schedule = keras.optimizers.schedules.PiecewiseConstantDecay([4], [0.5, 0.25])
        train(model(schedule), HistoryWriter(tmp_path / "history.csv"), epochs=2)
        assert [float(row["learning_rate"]) for row in read(tmp_path / "history.csv")] == [0.5, 0.25]

    def test_rows_are_on_disk_when_their_epoch_ends(self, tmp_path: Path) -> None:
        path = tmp_path / "history.csv"
        seen = []
        look = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(len(read(path))))
        train(model(), HistoryWriter(path), look)
        assert seen == [1, 2, 3, 4]

    def test_continuing_drops_what_is_trained_again(self, tmp_path: Path) -> None:
        path = tmp_path / "history.csv"
        train(model(), HistoryWriter(path))
        before = read(path)
        with path.open("a", encoding="utf-8") as file:
            file.write("5,0.25")  # a line that its process did not live to finish
        train(model(), HistoryWriter(path), initial_epoch=2, epochs=3)
        after = read(path)
        assert [row["epoch"] for row in after] == ["1", "2", "3"]
        assert after[:2] == before[:2]

    def test_a_fresh_start_replaces_an_old_file(self, tmp_path: Path) -> None:
        path = tmp_path / "history.csv"
        path.write_text("something,else\n1,2\n", encoding="utf-8")
        train(model(), HistoryWriter(path), epochs=1)
        assert [row["epoch"] for row in read(path)] == ["1"]

    def test_columns_stay_those_of_the_first_epoch(self, tmp_path: Path) -> None:
        writer = HistoryWriter(tmp_path / "history.csv", Clock())
        writer.set_model(model(0.5))
        writer.on_train_begin()
        for epoch, logs in enumerate([{"loss": 0.1, "f1": 0.2}, {"loss": 0.1 + 0.2, "late": 1.0}]):
            writer.on_epoch_begin(epoch)
            writer.on_epoch_end(epoch, logs)
        text = (tmp_path / "history.csv").read_text(encoding="utf-8")
        expected = "epoch,loss,f1,learning_rate,seconds\n1,0.1,0.2,0.5,2.0\n2,0.30000000000000004,,0.5,2.0\n"
        assert text == expected


class TestFiniteGuard:
    @pytest.mark.parametrize(("value", "named"), [(math.nan, "nan"), (math.inf, "inf"), (-math.inf, "-inf")])
    def test_a_metric_that_is_not_finite_fails_the_trial(self, value: float, named: str) -> None:
        with pytest.raises(TrialFailed, match=f"^val_loss became {named} in epoch 3$"):
            replay(FiniteGuard("val_loss"), [1.0, 0.5, value])

    def test_finite_epochs_pass(self) -> None:
        replay(FiniteGuard("val_loss"), [1.0, 0.5, 1e300])

    def test_a_diverging_training_stops_within_its_epoch(self) -> None:
        built = model(1e30)
        with pytest.raises(TrialFailed, match=r"^loss became (nan|inf) in epoch 1$"):
            train(built, FiniteGuard("val_loss"))
        assert int(built.optimizer.iterations) < 4

    def test_the_loss_is_named_first(self) -> None:
        guard = FiniteGuard("accuracy")
        guard.on_epoch_begin(2)
        with pytest.raises(TrialFailed, match=r"^loss became nan in epoch 3$"):
            guard.on_epoch_end(2, {"accuracy": math.nan, "loss": math.nan})


@pytest.mark.parametrize(
    "callback",
    [
        FiniteGuard("val_accuracy"),
        BestWeights("val_accuracy", "max"),
        ObjectiveReporter(lambda *_: False, "val_accuracy"),
    ],
)
def test_an_objective_that_is_not_measured_names_the_nearest(callback: Any) -> None:
    with pytest.raises(ConfigError, match=r"objective: .* 'val_accuracy'; did you mean 'val_acc'\?"):
        replay(callback, [1.0], objective="val_acc")


class TestBestWeights:
    @pytest.mark.parametrize(
        ("direction", "values", "epoch"),
        [("max", [0.1, 0.9, 0.9, 0.3], 2), ("min", [0.9, 0.1, 0.1, 0.3], 2), ("max", [0.9, 0.1], 1)],
    )
    def test_first_of_the_best_epochs_wins(self, direction: Any, values: list[float], epoch: int) -> None:
        best = replay(BestWeights("val_loss", direction), values)
        assert (best.value, best.epoch) == (values[epoch - 1], epoch)

    def test_restores_the_weights_of_the_best_epoch(self) -> None:
        best, built, kept = BestWeights("val_loss", "min"), model(), []
        keep = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: kept.append(built.get_weights()))
        records = train(built, best, keep, epochs=3)
        train(built, keep, epochs=1)
        losses = [record["val_loss"] for record in records]
        assert best.epoch == int(np.argmin(losses)) + 1
        assert best.value == min(losses)
        best.restore(built)
        for ours, then in zip(built.get_weights(), kept[best.epoch - 1], strict=True):
            np.testing.assert_array_equal(ours, then)

    def test_nothing_to_restore(self) -> None:
        with pytest.raises(TrialFailed, match="no epoch was finished"):
            BestWeights("val_loss", "min").restore(model())

    def test_continues_from_what_it_knew(self) -> None:
        best = BestWeights("val_loss", "min")
        best.value, best.epoch, best.weights = 0.1, 7, []
        assert replay(best, [0.2]).epoch == 7

    def test_direction_must_be_known(self) -> None:
        with pytest.raises(ConfigError, match="'max' or 'min', received 'up'"):
            BestWeights("val_loss", "up")  # type: ignore[arg-type]


class TestObjectiveReporter:
    def test_reports_each_epoch_from_one(self) -> None:
        heard: list[tuple[int, float]] = []
        reporter = ObjectiveReporter(lambda epoch, value: heard.append((epoch, value)) or False, "val_loss")
        records = train(model(), reporter)
        assert heard == [(epoch, record["val_loss"]) for epoch, record in enumerate(records, 1)]
        assert reporter.pruned_at is None

    def test_prunes(self) -> None:
        reporter = ObjectiveReporter(lambda epoch, value: epoch == 2, "val_loss")
        assert len(train(model(), reporter)) == 2
        assert reporter.pruned_at == 2


class TestStopOnRequest:
    def test_interrupts_within_an_epoch(self) -> None:
        built = model()
        answers = iter([False, True])
        with pytest.raises(Interrupted):
            train(built, StopOnRequest(lambda: next(answers)))
        assert 0 < int(built.optimizer.iterations) < 4

    def test_interrupts_an_evaluation(self) -> None:
        asked: list[bool] = []
        callback = StopOnRequest(lambda: asked.append(True) or True)
        with pytest.raises(Interrupted):
            callback.on_test_batch_end(0)
        assert asked == [True]

    def test_an_epoch_that_ended_is_recorded_first(self, tmp_path: Path) -> None:
        path = tmp_path / "history.csv"
        with pytest.raises(Interrupted):
            train(model(), HistoryWriter(path), StopOnRequest(path.exists))
        assert [row["epoch"] for row in read(path)] == ["1"]

    def test_lets_training_go_on(self) -> None:
        assert len(train(model(), StopOnRequest(lambda: False))) == EPOCHS


def curves(folder: Path) -> dict[str, dict[int, float]]:
    accumulator = EventAccumulator(str(folder))
    accumulator.Reload()
    tags = [tag for tag in accumulator.Tags()["tensors"] if tag.startswith("epoch_")]
    return {tag: {e.step: make_ndarray(e.tensor_proto).item() for e in accumulator.Tensors(tag)} for tag in tags}


class TestTensorBoardLogger:
    def test_writes_the_curves_of_keras_s_own_callback(self, tmp_path: Path) -> None:
        records = train(
            model(0.5), TensorBoardLogger(tmp_path / "trial"), keras.callbacks.TensorBoard(tmp_path / "keras")
        )
        for run in ("train", "validation"):
            ours, theirs = curves(tmp_path / "trial" / run), curves(tmp_path / "keras" / run)
            assert {tag: list(points.values()) for tag, points in ours.items()} == {
                tag: list(points.values()) for tag, points in theirs.items()
            }
            assert list(ours["epoch_loss"]) == [1, 2, 3, 4]
        losses = curves(tmp_path / "trial" / "validation")["epoch_loss"]
        assert list(losses.values()) == [np.float32(record["val_loss"]) for record in records]
        assert curves(tmp_path / "trial" / "train")["epoch_learning_rate"] == dict.fromkeys([1, 2, 3, 4], 0.5)

    def test_continuing_voids_what_is_trained_again(self, tmp_path: Path) -> None:
        train(model(), TensorBoardLogger(tmp_path), epochs=4)
        old = curves(tmp_path / "train")["epoch_loss"]
        train(model(), TensorBoardLogger(tmp_path), initial_epoch=2, epochs=3)
        new = curves(tmp_path / "train")["epoch_loss"]
        assert list(new) == [1, 2, 3]
        assert [new[step] for step in (1, 2)] == [old[step] for step in (1, 2)]
        assert new[3] != old[3]
