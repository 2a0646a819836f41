"""`mnistsweep.sweep` of functions that build Keras models, with functions and arrays of this module.

Pytest imports this module in such a way that no other process can import it, as the cells of a notebook.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mnistsweep as ms
from mnistsweep import cli
from mnistsweep.errors import StudyError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 3)).astype("float32")
Y = X @ np.array([1.0, 2.0, -1.0]) + 0.1 * RNG.normal(size=200)
LABELS = (Y > 0).astype(int)
ARRAYS = (X[:150], Y[:150]), (X[150:], Y[150:])


def build_model(units: int, activation: str, dropout: float = 0.0) -> Any:
    import keras

    layers = keras.layers
    hidden = [layers.Dense(units, activation), layers.Dropout(dropout)]
    model = keras.Sequential([keras.Input((3,)), *hidden, layers.Dense(1, dtype="float32")])
    model.compile("adam", "mse", metrics=["mae"])
    return model


def uncompiled(input_shape: Any, classes: int, units: int) -> Any:
    import keras

    layers = [keras.layers.Dense(units, "relu"), keras.layers.Dense(classes, "softmax")]
    return keras.Sequential([keras.Input(input_shape), *layers])


def hypermodel(hp: Any) -> Any:
    import keras

    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(hp.Int("units", 2, 8)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(hp.Float("rate", 1e-3, 1e-1, sampling="log")), "mse")
    return model


def load_labels() -> Any:
    return (X[:120], LABELS[:120]), (X[120:150], LABELS[120:150]), (X[150:], LABELS[150:])


def tripled(truth: Any, predicted: Any) -> Any:
    import keras

    truth = keras.ops.reshape(truth, keras.ops.shape(predicted))  # Keras does this for losses, and not for metrics
    return 3 * keras.ops.mean(keras.ops.square(truth - predicted), axis=-1)


@pytest.fixture(autouse=True)
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


SPACE = {"units": ms.Int(4, 16, log=True), "activation": ["relu", "tanh"], "trainer.batch_size": 16}


def search(data: Any = ARRAYS, **changed: Any) -> ms.SweepResult:
    arguments: dict[str, Any] = {"objective": "val_mae", "trials": 2, "epochs": 2, "progress": False, **changed}
    return ms.sweep(build_model, data, SPACE, **arguments)


def test_the_best_model_has_the_objective_that_keras_measures(capsys: pytest.CaptureFixture[str]) -> None:
    import keras

    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        found = search()
        model = found.best_model()
        assert keras.config.dtype_policy().name == "mixed_bfloat16", "the check of the model clears Keras's session"
    finally:
        keras.config.set_dtype_policy("float32")
    best = found.best
    assert best is not None
    assert set(best.values) == {"units", "activation"}
    assert model.layers[0].compute_dtype == "bfloat16"
    error = np.abs(model.predict(X[120:150], verbose=0)[:, 0] - Y[120:150]).mean()
    assert error == pytest.approx(best.objective, rel=1e-2)
    assert X.flags.writeable
    assert Y.flags.writeable
    assert len(search(trials=2).trials) == 2, "the same call finds the sweep complete"
    with pytest.raises(StudyError, match="data: not the data that logs/build_model was started with"):
        search(((X[:150] + 1, Y[:150]), ARRAYS[1]))
    capsys.readouterr()
    for command in (
        ["report", "logs/build_model"],
        ["train", "--config-dir", "logs/build_model", "--config-name=best"],
    ):
        assert cli.main(command) == 2
        (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("mnistsweep: ")]
        assert "is part of the Python program that called mnistsweep.sweep" in line


@pytest.mark.slow
def test_an_uncompiled_model_with_a_validation_part_and_its_report() -> None:
    space = {"units": [4, 8], "optimizer": ["adam", "sgd"], "optimizer.learning_rate": ms.Float(1e-3, 1e-1, log=True)}
    arrays = load_labels()
    found = ms.sweep(uncompiled, arrays, space, trials=2, epochs=2, workers=2, oracle="random",
                     progress=False)  # fmt: skip
    assert list(found.trials["state"]) == ["completed"] * 2
    assert found.best is not None
    predicted = found.best_model().predict(arrays[1][0], verbose=0).argmax(axis=1)
    assert (predicted == arrays[1][1]).mean() == pytest.approx(found.best.objective)
    assert all(array.flags.writeable for part in arrays for array in part)
    assert found.report(seeds=1, robustness=False).read_text(encoding="utf-8").startswith("<!doctype html>")


@pytest.mark.slow
def test_a_hypermodel_declares_its_ranges() -> None:
    found = ms.sweep(hypermodel, ARRAYS, {"units": [2, 4]}, objective="val_loss", trials=2, epochs=1, progress=False)
    assert found.best is not None
    assert set(found.best.values) == {"units", "rate"}
    assert set(found.trials["units"]) <= {2, 4}


@pytest.mark.slow
def test_a_function_that_loads_the_data_and_a_loss_and_metrics_of_this_module() -> None:
    import keras

    def regression(units: int) -> Any:
        import keras

        return keras.Sequential([keras.Input((3,)), keras.layers.Dense(units), keras.layers.Dense(1)])

    def load() -> Any:
        return ARRAYS

    found = ms.sweep(
        regression, load, {"units": [2, 4]}, objective="val_loss", loss=tripled,
        metrics=["mse", tripled, keras.metrics.MeanAbsoluteError, keras.metrics.MeanSquaredError(name="squared")],
        trials=1, epochs=2, progress=False,
    )  # fmt: skip
    curves = found.curves
    assert list(curves["val_tripled"]) == pytest.approx(list(3 * curves["val_mse"]), rel=1e-5)
    assert list(curves["val_squared"]) == pytest.approx(list(curves["val_mse"]), rel=1e-5)
    assert (curves["val_mean_absolute_error"] > 0).all()
    assert list(curves["val_loss"]) == pytest.approx(list(3 * curves["val_mse"]), rel=1e-5)
    assert found.best is not None
    assert found.best.objective == curves["val_loss"].min()


@pytest.mark.slow
def test_presets_by_name() -> None:
    found = ms.sweep(
        "perceptron", "mnist", {"layer_size": [4, 8]}, trials=1, epochs=1, train_limit=500, validation=500,
        progress=False,
    )  # fmt: skip
    assert found.name == "perceptron"
    assert found.best is not None
    assert set(found.best.values) == {"layer_size"}
