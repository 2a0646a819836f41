"""Builders, their presets, and the way from a configuration to a model."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from omegaconf import OmegaConf

from mnistsweep.errors import ConfigError, TrialFailed
from mnistsweep.models import builders, hypermodels

PRESETS = Path(__file__).parents[2] / "conf" / "model"
NAMES = ["conv_dense", "deep_conv", "fast_conv", "perceptron", "tiny_conv"]
MNIST = (28, 28, 1)


def preset(name: str, **keys: Any) -> dict[str, Any]:
    config = OmegaConf.to_container(OmegaConf.load(PRESETS / f"{name}.yaml"))
    assert isinstance(config, dict)
    return {str(key): value for key, value in config.items()} | keys


def kinds(model: keras.Model) -> list[str]:
    return [type(layer).__name__ for layer in model.layers]


def sizes(model: keras.Model) -> list[int]:
    """Filters of the convolutions and units of the dense layers, in order."""
    return [getattr(layer, "filters", None) or layer.units for layer in model.layers if layer.weights]


def test_the_presets_are_the_builders_and_hold_exactly_their_keys() -> None:
    assert sorted(path.stem for path in PRESETS.glob("*.yaml")) == sorted([*NAMES, "custom"])
    for name in NAMES:
        assert preset(name)["_target_"] == f"mnistsweep.models.{name}"
        parameters = list(inspect.signature(builders.BUILDERS[f"mnistsweep.models.{name}"]).parameters)
        assert list(preset(name)) == ["_target_", *parameters[2:]]
        assert builders.check(preset(name)) == []


@pytest.mark.parametrize(
    ("name", "count"),
    [
        # conv 25*9+25; 26*26*25 = 16,900 features; dense 128 three times; softmax
        ("conv_dense", (225 + 25) + (16_900 * 128 + 128) + 2 * (128 * 128 + 128) + (1_280 + 10)),
        # convs 20*25+20 -> 24, 20*(4*20)+20 -> 23 -> pool 11, 50*(4*20)+50 -> 10 -> pool 5; 5*5*50 = 1,250 features
        ("deep_conv", 520 + 1_620 + 4_050 + (1_250 * 128 + 128) + (128 * 64 + 64) + (640 + 10)),
        ("perceptron", (784 * 16 + 16) + (160 + 10)),
        # conv 4*9+4; 26*26*4 = 2,704 features
        ("tiny_conv", 40 + (2_704 * 16 + 16) + (160 + 10)),
        # convs 16*9+16 -> 26 -> pool 13, 32*(9*16)+32 -> 11 -> pool 5; 5*5*32 = 800 features
        ("fast_conv", 160 + 4_640 + (800 * 64 + 64) + (640 + 10)),
    ],
)
def test_parameter_counts_of_the_presets(name: str, count: int) -> None:
    model = builders.build(preset(name), MNIST, 10)
    assert model.count_params() == count
    assert model.output_shape == (None, 10)
    assert not model.compiled


def test_layers_of_conv_dense() -> None:
    model = builders.build(preset("conv_dense"), MNIST, 10)
    assert kinds(model) == ["Conv2D", "Flatten", *["Dense", "Dropout"] * 3, "Dense"]
    assert sizes(model) == [25, 128, 128, 128, 10]
    assert [layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)] == [0.2] * 3
    assert model.layers[0].kernel_size == (3, 3)


def test_layers_of_deep_conv() -> None:
    model = builders.build(preset("deep_conv"), MNIST, 10)
    expected = ["Conv2D", "Conv2D", "MaxPooling2D", "Conv2D", "MaxPooling2D", "Dropout", "Flatten"]
    assert kinds(model) == [*expected, "Dense", "Dropout", "Dense", "Dense"]
    assert sizes(model) == [20, 20, 50, 128, 64, 10]
    kernels = [layer.kernel_size for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    assert kernels == [(5, 5), (2, 2), (2, 2)]
    assert [layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)] == [0.4, 0.2]
    regularizers = {layer.name: getattr(layer, "kernel_regularizer", None) for layer in model.layers}
    assert [name for name, value in regularizers.items() if value is not None] == ["dense_last"]
    assert float(regularizers["dense_last"].l1) == pytest.approx(0.0005)


def test_layers_of_perceptron_tiny_conv_and_fast_conv() -> None:
    perceptron = builders.build(preset("perceptron"), MNIST, 10)
    assert kinds(perceptron) == ["Flatten", "Dense", "Dense"]
    assert perceptron.layers[1].activation is keras.activations.sigmoid
    assert kinds(builders.build(preset("tiny_conv"), MNIST, 10)) == ["Conv2D", "Flatten", "Dense", "Dense"]
    fast = builders.build(preset("fast_conv"), MNIST, 10)
    assert kinds(fast) == [*["Conv2D", "MaxPooling2D"] * 2, "Flatten", "Dense", "Dense"]
    assert sizes(fast) == [16, 32, 64, 10]
    assert fast.layers[-1].activation is keras.activations.softmax


@pytest.mark.parametrize(
    ("name", "keys", "expected"),
    [
        ("conv_dense", {"conv_layers": 3, "dense_layers": 5, "layer_size": 32}, [25] * 3 + [32] * 5 + [10]),
        ("conv_dense", {"conv_layers": 0, "dense_layers": 0}, [10]),
        ("conv_dense", {"filters": 8}, [8, 128, 128, 128, 10]),
        ("deep_conv", {"layer_size": 30, "last_layer_size": 20}, [20, 20, 50, 30, 20, 10]),
        ("deep_conv", {"filters": [6], "kernel_sizes": [3], "pool_sizes": [2]}, [6, 128, 64, 10]),
        ("perceptron", {"dense_layers": 2, "layer_size": 64}, [64, 64, 10]),
        ("tiny_conv", {"filters": 2, "layer_size": 5}, [2, 5, 10]),
        ("fast_conv", {"conv_layers": 3, "filters": 4, "dense_layers": 2, "layer_size": 9}, [4, 8, 16, 9, 9, 10]),
    ],
)
def test_keys_change_the_model_as_named(name: str, keys: dict[str, Any], expected: list[int]) -> None:
    assert sizes(builders.build(preset(name, **keys), MNIST, 10)) == expected


def test_dropout_kernel_pooling_activation_and_l1_are_keys() -> None:
    model = builders.build(preset("fast_conv", dropout=0.3, kernel_size=5, pool_size=3, activation="tanh"), MNIST, 10)
    assert kinds(model)[-3:] == ["Dense", "Dropout", "Dense"]
    assert (model.layers[0].kernel_size, model.layers[1].pool_size) == ((5, 5), (3, 3))
    assert model.layers[0].activation is keras.activations.tanh
    assert "MaxPooling2D" not in kinds(builders.build(preset("fast_conv", pool_size=1), MNIST, 10))
    assert builders.build(preset("deep_conv", l1=0), MNIST, 10).losses == []


@pytest.mark.parametrize("shape", [(32, 32, 3), (28, 28)])
@pytest.mark.parametrize("name", NAMES)
def test_every_builder_trains_on_other_shapes_and_classes(name: str, shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    images = rng.random((24, *shape), dtype=np.float32)
    labels = rng.integers(0, 7, 24)
    model = builders.build(preset(name), shape, 7)
    model.compile("sgd", "sparse_categorical_crossentropy")
    history = model.fit(images, labels, batch_size=8, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    assert np.allclose(model.predict(images, verbose=0).sum(axis=1), 1, atol=1e-5)


def test_perceptron_takes_any_shape_and_convolutions_say_what_they_need() -> None:
    assert builders.build(preset("perceptron"), (12,), 3).output_shape == (None, 3)
    with pytest.raises(ConfigError, match=r"received \(784,\).*model=perceptron"):
        builders.build(preset("fast_conv"), (784,), 10)


def test_a_configuration_may_come_from_omegaconf() -> None:
    config = OmegaConf.load(PRESETS / "deep_conv.yaml")
    assert isinstance(builders.build(config, MNIST, 10), keras.Model)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"layers_size": 3}, r"model.layers_size: .* did you mean 'layer_size'\?"),
        ({"dropout": 1.0}, "model.dropout must be a number from 0 up to but not including 1; received 1.0"),
        ({"dropout": "low"}, "model.dropout must be a number"),
        ({"layer_size": 0}, "model.layer_size must be a whole number, 1 to 10,000,000; received 0"),
        ({"layer_size": 6.5}, "model.layer_size must be a whole number"),
        ({"dense_layers": True}, "model.dense_layers must be a whole number, 0 to 1,000; received True"),
        ({"activation": "rellu"}, r"no activation 'rellu'; did you mean 'relu'\?"),
        ({"hp": {"units": 3}}, "model.hp fixes hyperparameters .*fast_conv declares none"),
        ({"_target_": "mnistsweep.models.fast_cnv"}, "did you mean 'mnistsweep.models.fast_conv'"),
        ({"_target_": "fast_conv"}, "did you mean 'mnistsweep.models.fast_conv'"),
        ({"_target_": "no_such_package.net"}, "model._target_: no module 'no_such_package'"),
        ({"_target_": "???"}, "model._target_: .* is neither a built-in model"),
        ({"_target_": "a.b c"}, "model._target_: must be a dotted path"),
        ({"_target_": 3}, "model._target_: must be a dotted path .* received 3"),
    ],
)
def test_faults_name_the_key_and_the_nearest_right_one(keys: dict[str, Any], message: str) -> None:
    config = preset("fast_conv", **keys)
    assert builders.check(config)
    with pytest.raises(ConfigError, match=message):
        builders.build(config, MNIST, 10)


def test_all_faults_are_collected_and_missing_keys_are_faults() -> None:
    config = preset("fast_conv", dropout=2, layer_size=-1)
    del config["filters"]
    assert len(builders.check(config)) == 3
    assert "model.filters is missing" in builders.check(config)[0]


def test_lists_of_deep_conv_are_checked() -> None:
    assert "whole numbers, 1 to" in builders.check(preset("deep_conv", filters=20))[0]
    assert "whole numbers, 1 to" in builders.check(preset("deep_conv", filters=[20, 0, 50]))[0]
    with pytest.raises(ConfigError, match="received 2, 3 and 3 entries"):
        builders.build(preset("deep_conv", filters=[20, 50]), MNIST, 10)


def test_layers_that_do_not_fit_the_images_fail_the_trial_only() -> None:
    with pytest.raises(TrialFailed, match=r"fast_conv does not fit input of shape \(28, 28, 1\)"):
        builders.build(preset("fast_conv", conv_layers=5), MNIST, 10)


def test_known_activations_are_those_of_keras() -> None:
    for name in builders.ACTIVATIONS:
        assert keras.activations.get(name)(keras.ops.zeros((2, 4))).shape == (2, 4)


USER_MODULE = """
import keras
from keras import layers

class Net(keras.Model):
    def __init__(self, classes, width=4):
        super().__init__()
        self.out = layers.Dense(classes, name=f"out_{width}")
    def call(self, inputs):
        return self.out(inputs)

def net(input_shape, classes, width=8):
    return keras.Sequential([keras.Input(input_shape), layers.Flatten(), layers.Dense(width), layers.Dense(classes)])

def compiled():
    model = net((4,), 3)
    model.compile("sgd", "mse")
    return model

def needs(width):
    return None

def text(width=3):
    return "no model"

def tunable(hp, classes):
    return net((4,), classes, width=hp.Int("units", 2, 8))

class Hyper:
    def __init__(self, depth=1, classes=99):
        self.depth, self.classes = depth, classes
    def build(self, hp):
        return net((4,), self.classes, width=hp.Int("units", 2, 8) * self.depth)

hyper = Hyper(3, 5)
"""


@pytest.fixture
def user_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Write a module of the user's own; each test gets another name, since imports are cached."""
    name = f"user_models_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(USER_MODULE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry])
    return name


class FixedHyperparameters:
    """Stands for `keras_tuner.HyperParameters`: every integer takes its largest value."""

    def Int(self, name: str, low: int, high: int) -> int:
        return high


def test_a_users_function_in_the_working_directory(user_module: str) -> None:
    config = {"_target_": f"{user_module}.net", "width": 6}
    assert builders.check(config) == []
    assert sizes(builders.build(config, (4, 4), 3)) == [6, 3]
    assert not hypermodels.needs_hyperparameters(config)
    assert isinstance(builders.build({"_target_": f"{user_module}:Net"}, (4,), 3), keras.Model)
    assert builders.build({"_target_": f"{user_module}.compiled"}, (4,), 3).compiled


@pytest.mark.parametrize(
    ("name", "keys", "message"),
    [
        ("nett", {}, r"has no 'nett'; did you mean 'net'\?"),
        ("net", {"witdh": 3}, r"model.witdh: .*did you mean 'width'\?"),
        ("needs", {}, "missing a required argument: 'width'"),
        ("text", {}, r"must return a keras.Model; it returned str$"),
        ("net", {"hp": {"units": 3}}, "declares none"),
    ],
)
def test_faults_of_a_users_function(user_module: str, name: str, keys: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        builders.build({"_target_": f"{user_module}.{name}"} | keys, (4,), 3)


@pytest.mark.parametrize(
    ("name", "keys", "expected"),
    [("tunable", {}, [8, 3]), ("Hyper", {"depth": 2}, [16, 3]), ("hyper", {}, [24, 5])],
)
def test_targets_that_declare_hyperparameters(
    user_module: str, name: str, keys: dict[str, Any], expected: list[int]
) -> None:
    config = {"_target_": f"{user_module}.{name}", "hp": {"units": 4}} | keys
    assert hypermodels.needs_hyperparameters(config)
    assert sizes(hypermodels.build_hypermodel(config, FixedHyperparameters(), (4,), 3)) == expected
    with pytest.raises(ConfigError, match=r"nodes: .* takes no such key"):
        hypermodels.build_hypermodel(config | {"nodes": 3}, FixedHyperparameters(), (4,), 3)


def test_hypermodels_of_keras_tuner_are_recognised() -> None:
    import keras_tuner

    class Own(keras_tuner.HyperModel):  # type: ignore[misc]
        def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
            return builders.build(preset("perceptron", layer_size=hp.Int("units", 4, 9, default=7)), (2, 2), 3)

    def annotated(search: keras_tuner.HyperParameters) -> None:
        return None

    assert hypermodels.is_hypermodel(Own)
    assert hypermodels.is_hypermodel(Own())
    assert hypermodels.is_hypermodel(keras_tuner.applications.HyperResNet)
    assert hypermodels.is_hypermodel(annotated)
    assert not hypermodels.is_hypermodel(keras.Sequential)
    assert not hypermodels.is_hypermodel(keras.layers.Dense)
    assert not hypermodels.is_hypermodel(3)
    assert sizes(Own().build(keras_tuner.HyperParameters())) == [7, 3]


def test_checking_imports_no_keras(user_module: str) -> None:
    code = f"""
import sys
from mnistsweep.models import builders, losses, optimizers
assert builders.check({{"_target_": "{user_module}.nett"}})
assert builders.check({{"_target_": "{user_module}.net", "witdh": 3}})
assert builders.check({{"_target_": "mnistsweep.models.fast_conv"}})
assert optimizers.check({{"name": "adm"}}, {{"name": "cosine"}}, 3)
assert losses.check("poison")
assert not {{"keras", "tensorflow", "keras_tuner"}} & set(sys.modules), "a check imported Keras"
"""
    subprocess.run([sys.executable, "-c", code], check=True)
