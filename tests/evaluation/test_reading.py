"""Models that come back from their files: built by their configuration, with the weights of the file."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import pytest
from own_models import OWN_MODELS
from user_modules import write_module

from mnistsweep import data
from mnistsweep.config.compose import compose, to_config
from mnistsweep.config.recipe import Recipe
from mnistsweep.config.schema import Config
from mnistsweep.errors import StudyError
from mnistsweep.evaluation import inference
from mnistsweep.evaluation.reading import read_model
from mnistsweep.paths import TrialPaths, saved_model
from mnistsweep.training.trainer import Hooks
from mnistsweep.tuner.hypermodel_training import train_once


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Name of a user's module."""
    return write_module(tmp_path, monkeypatch, OWN_MODELS)


def make_config(tiny_data: Sequence[str], target: str, *more: str) -> Config:
    own = (f"model._target_={target}", "objective=val_accuracy", "direction=max")
    fixed = ("trainer.batch_size=16", "trainer.epochs=2", *own)
    return to_config(compose(Recipe((*tiny_data, "model=perceptron", *fixed, *more))))


CASES = {
    "layer": (),
    "uncompiled": ("optimizer.learning_rate=0.01", "trainer.metrics=[accuracy,SparseTopKCategoricalAccuracy]"),
    "lambdas": (),
    "subclassed": (),
    "stepping": (),
    "opaque": (),
    "losses": ("objective=val_hits",),
    "functions": ("objective=val_hits",),
    "normalized": (),
    "random_constants": (),
}


# The others run with the slow tests.
FAST = ("uncompiled", "lambdas", "opaque", "losses")

# Of these, Keras cannot write the architecture.
UNSAVED = ("opaque", "subclassed", "stepping")


@pytest.mark.filterwarnings("ignore:The object being serialized includes a `lambda`:UserWarning")
@pytest.mark.parametrize(
    "kind", [kind if kind in FAST else pytest.param(kind, marks=pytest.mark.slow) for kind in CASES]
)
def test_every_model_comes_back_with_the_objective_of_its_trial(
    kind: str, own: str, tiny_data: list[str], tmp_path: Path
) -> None:
    config = make_config(tiny_data, f"{own}.{kind}", *CASES[kind])
    paths, dataset = TrialPaths(tmp_path / "trial"), data.load(config.data)
    result = train_once(config, "max", paths, Hooks()).result
    file = saved_model(paths.model)
    assert file.name == ("best.weights.h5" if kind in UNSAVED else "best.keras")
    model = read_model(file, config, dataset)
    assert result.objective == pytest.approx(inference.measure_objective(model, config, dataset), abs=1e-6)
    labels = dataset.labels(dataset.validation)
    probabilities = inference.class_probabilities(model, dataset.validation.inputs)
    assert (probabilities.argmax(axis=1) == labels).mean() == pytest.approx(result.objective)
    measured = model.evaluate(dataset.validation.inputs, labels, verbose=0, return_dict=True)
    assert measured[config.objective.removeprefix("val_")] == pytest.approx(result.objective, abs=1e-6)


def test_weights_take_the_place_of_a_model_that_keras_cannot_save(
    own: str, tiny_data: list[str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    paths = TrialPaths(tmp_path / "trial")
    with caplog.at_level(logging.WARNING, "mnistsweep"):
        train_once(make_config(tiny_data, f"{own}.opaque", "trainer.repeats=2"), "max", paths, Hooks())
    assert [path.name for path in paths.folder.glob("*best*")] == ["best.weights.h5"]
    line = f"{paths.folder / 'best.weights.h5'}: Keras cannot write this model as a whole, so this file has its weights"
    assert caplog.messages[0].startswith(line)
    assert "Opaque" in caplog.messages[0]


def test_a_model_of_changed_code_comes_back_from_its_architecture(tiny_data: list[str], tmp_path: Path) -> None:
    config = make_config(tiny_data, "mnistsweep.models.perceptron", "model.layer_size=8", "model.dense_layers=1")
    dataset, images = data.load(config.data), np.zeros((2, 6, 6, 1), "float32")
    other = keras.Sequential([keras.Input((6, 6, 1)), keras.layers.Flatten(), keras.layers.Dense(4, "softmax")])
    other.compile("sgd", "sparse_categorical_crossentropy")
    other.save(tmp_path / "other.keras")
    found = read_model(tmp_path / "other.keras", config, dataset).predict(images, verbose=0)
    np.testing.assert_array_equal(found, other.predict(images, verbose=0))


def test_files_that_hold_another_model_are_refused(tiny_data: list[str], tmp_path: Path) -> None:
    config = make_config(tiny_data, "mnistsweep.models.perceptron", "model.layer_size=8", "model.dense_layers=1")
    dataset = data.load(config.data)
    other = keras.Sequential([keras.Input((6, 6, 1)), keras.layers.Flatten(), keras.layers.Dense(4)])
    other.save_weights(tmp_path / "other.weights.h5")
    (tmp_path / "broken.keras").write_bytes(b"no model")
    for name in ("other.weights.h5", "broken.keras"):
        with pytest.raises(StudyError, match=rf"{name}: the model cannot be loaded: "):
            read_model(tmp_path / name, config, dataset)


def test_code_in_a_file_is_not_executed(tiny_data: list[str], tmp_path: Path) -> None:
    mark = str(tmp_path / "executed")
    layer = keras.layers.Lambda(lambda x: open(mark, "w").close() or x, output_shape=(6, 6, 1))  # noqa: PTH123
    model = keras.Sequential([keras.Input((6, 6, 1)), layer, keras.layers.Flatten(), keras.layers.Dense(4)])
    model.save(tmp_path / "model.keras")
    (tmp_path / "executed").unlink(missing_ok=True)  # building the model may have called it
    config = make_config(tiny_data, "mnistsweep.models.perceptron", "model.layer_size=8", "model.dense_layers=1")
    with pytest.raises(StudyError, match=r"model\.keras: the model cannot be loaded"):
        read_model(tmp_path / "model.keras", config, data.load(config.data))
    assert not (tmp_path / "executed").exists()


def test_a_vocabulary_comes_back_that_the_builder_does_not_know(tmp_path: Path) -> None:
    """As where the `fit` of a user adapts a layer: the vocabulary is in the file only."""
    from mnistsweep.training.keras_internals import load_assets

    def build() -> keras.Model:
        words = keras.layers.TextVectorization(output_mode="int", max_tokens=9, output_sequence_length=2)
        return keras.Sequential([keras.Input((), dtype="string"), words, keras.layers.Embedding(9, 2)])

    model = build()
    model.layers[0].adapt(np.array(["red green", "blue red"], object))
    model.save(tmp_path / "model.keras")
    again = build()
    again.load_weights(tmp_path / "model.keras")
    load_assets(again, tmp_path / "model.keras")
    assert again.layers[0].get_vocabulary() == model.layers[0].get_vocabulary()
