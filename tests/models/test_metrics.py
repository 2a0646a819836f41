"""Metrics by name: those of the installed Keras, and those that a user's module registers."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np
import pytest
from commands import command

from mnistsweep.errors import ConfigError
from mnistsweep.models import metrics


@pytest.mark.parametrize("name", metrics.names())
def test_keras_has_every_metric_that_is_named(name: str) -> None:
    if name not in ("acc", "accuracy", "ce", "crossentropy"):  # compile resolves these by the form of the labels
        assert keras.metrics.get(name) is not None


def test_names_are_those_of_keras() -> None:
    named = {"accuracy", "top_k_categorical_accuracy", "auc", "f1_score", "kl_divergence", "root_mean_squared_error"}
    assert named <= set(metrics.names())
    assert not {"mean", "sum", "metric", "mean_io_u", "recall_at_precision"} & set(metrics.names())


@pytest.mark.parametrize("name", ["accuracy", "AUC", "F1Score", "f1_score", "MSE", "Custom>Mine"])
def test_names_that_pass(name: str) -> None:
    assert metrics.check([name]) == []


@pytest.mark.parametrize(
    ("name", "nearest"), [("acuracy", "did you mean 'accuracy'"), ("mean", "Known"), ("MeanIoU", "Known")]
)
def test_names_that_keras_has_not(name: str, nearest: str) -> None:
    (message,) = metrics.check(["accuracy", name])
    assert message.startswith(f"trainer.metrics: no Keras metric is called {name!r}; ")
    assert nearest in message


UNREGISTERED = """
import keras

class Half(keras.metrics.SparseCategoricalAccuracy):
    def result(self):
        return super().result() / 2

def error(y_true, y_pred):
    return keras.metrics.mean_absolute_error(y_true, y_pred)

top = keras.metrics.SparseTopKCategoricalAccuracy(k=2, name="top_two")
number = 3
"""


def test_metrics_by_dotted_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A class, a function, and a metric, of which each model gets one of its own."""
    (tmp_path / "unregistered_metrics.py").write_text(UNREGISTERED, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    names = [f"unregistered_metrics.{name}" for name in ("Half", "error", "top")]
    assert metrics.check(["accuracy", *names]) == []
    (message,) = metrics.check(["unregistered_metrics.Halv"])
    assert "has no 'Halv'; did you mean 'Half'?" in message
    (first, error, top), second = metrics.build(names), metrics.build(names)
    assert error is second[1]
    assert top is not second[2]
    assert (top.k, top.name) == (2, "top_two")
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, "softmax")])
    model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy", first, top])
    x, y = np.random.default_rng(0).normal(size=(12, 2)), np.arange(12) % 3
    measured = model.evaluate(x, y, verbose=0, return_dict=True)
    assert measured[first.name] == pytest.approx(measured["accuracy"] / 2)
    with pytest.raises(ConfigError, match=r"trainer.metrics: a metric must be callable .*number' is 3"):
        metrics.build(["unregistered_metrics.number"])


CONFIGURED = """
import keras

class Above(keras.metrics.Metric):
    def __init__(self, threshold=0.5, name="above", **options):
        super().__init__(name=name, **options)
        self.threshold = threshold
        self.total, self.count = (self.add_weight(name=each, initializer="zeros") for each in ("total", "count"))

    def update_state(self, y_true, y_pred, sample_weight=None):
        above = keras.ops.cast(y_pred > self.threshold, "float32")
        self.total.assign_add(keras.ops.sum(above))
        self.count.assign_add(keras.ops.cast(keras.ops.size(above), "float32"))

    def result(self):
        return self.total / self.count

above = Above(threshold=0.9)
distance = keras.metrics.MeanMetricWrapper(lambda y_true, y_pred: keras.ops.abs(y_true - y_pred), name="distance")
"""


@pytest.mark.filterwarnings("ignore:The object being serialized includes a `lambda`")
def test_metrics_that_their_configuration_does_not_describe_keep_their_arguments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keras's `get_config` of a user's class has no threshold, and a lambda cannot be read back."""
    (tmp_path / "configured_metrics.py").write_text(CONFIGURED, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    x = np.linspace(0, 1, 40, dtype=np.float32)[:, None]
    for shift in (0.0, 0.25):
        model = keras.Sequential([keras.Input((1,)), keras.layers.Rescaling(1.0, offset=shift)])
        model.compile(loss="mse", metrics=metrics.build(f"configured_metrics.{name}" for name in ("above", "distance")))
        measured = model.evaluate(x, 1 - x, batch_size=8, verbose=0, return_dict=True)
        assert measured["above"] == pytest.approx(np.mean(x + shift > 0.9))
        assert measured["distance"] == pytest.approx(np.mean(np.abs(1 - x - (x + shift))), rel=1e-5)


REGISTERING = """
import keras

@keras.saving.register_keras_serializable()
class Half(keras.metrics.SparseCategoricalAccuracy):
    def __init__(self, name="half", **options):
        super().__init__(name=name, **options)

    def result(self):
        return super().result() / 2

def net(input_shape, classes):
    return keras.Sequential([
        keras.Input(input_shape), keras.layers.Flatten(), keras.layers.Dense(classes, activation="softmax")
    ])
"""


def test_a_metric_that_the_models_module_registers_is_accepted_and_others_are_refused_before_training(
    tmp_path: Path, tiny_data: list[str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "registering.py").write_text(REGISTERING, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    given = (*tiny_data, "model._target_=registering.net", "trainer.epochs=1", "trainer.threads=1")
    refused = command(capfd, "train", *given, "trainer.metrics=[accuracy,'Custom>Third']")
    assert refused.code == 2
    assert "trainer.metrics: no module of this configuration registers 'Custom>Third'" in refused.err
    assert not (tmp_path / "logs").exists()
    done = command(
        capfd, "train", *given, "trainer.metrics=[accuracy,'Custom>Half']", "objective=val_half", "direction=max"
    )
    assert done.code == 0, done.err
    (folder,) = (tmp_path / "logs" / "train").iterdir()
    header, row = (folder / "history.csv").read_text(encoding="utf-8").splitlines()
    values = dict(zip(header.split(","), row.split(","), strict=True))
    assert float(values["val_half"]) == pytest.approx(float(values["val_accuracy"]) / 2)
    assert json.loads((folder / "result.json").read_text(encoding="utf-8"))["objective"] == float(values["val_half"])
