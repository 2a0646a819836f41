"""KerasTuner's own hypermodels by name."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest
from fakes import RunSweep
from keras import layers
from keras_tuner.src.applications import efficientnet
from user_modules import write_module

from mnistsweep.config.compose import compose, to_config
from mnistsweep.config.recipe import Recipe
from mnistsweep.data import load
from mnistsweep.data.task import PossibleTasks, Task
from mnistsweep.errors import ConfigError
from mnistsweep.models.hypermodels import make_hypermodel
from mnistsweep.paths import TrialPaths
from mnistsweep.planning.planner import plan_sweep
from mnistsweep.study.records import State
from mnistsweep.training.trainer import Hooks
from mnistsweep.tuner.applications import compile_for_class_numbers
from mnistsweep.tuner.hypermodel import ConfiguredHyperModel
from mnistsweep.tuner.hypermodel_training import train_once

PACKAGE = "keras_tuner.applications."


def compiled() -> Any:
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3, "softmax")])
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    return model


def dataset(*tasks: Task) -> Any:
    return SimpleNamespace(tasks=PossibleTasks(tasks))


def test_class_numbers_get_the_same_loss_as_one_hot_rows() -> None:
    keras.utils.set_random_seed(0)
    model = compiled()
    optimizer = model.optimizer
    inputs, labels = np.random.default_rng(0).normal(size=(6, 4)), np.array([0, 1, 2, 2, 1, 0])
    expected = model.test_on_batch(inputs, np.eye(3)[labels])
    compile_for_class_numbers(model, dataset(Task("classes", (0, 1, 2), is_one_hot=True)))
    assert model.loss == "categorical_crossentropy"
    compile_for_class_numbers(model, dataset(Task("classes", (0, 1, 2))))
    assert model.test_on_batch(inputs, labels) == pytest.approx(expected)
    assert model.optimizer is optimizer


def test_targets_that_the_hypermodels_cannot_classify_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"numbered from 0; received the classes 1, 2, 3;"):
        compile_for_class_numbers(compiled(), dataset(Task("classes", (1, 2, 3))))
    with pytest.raises(ConfigError, match=r"classify images; the targets are no classes"):
        compile_for_class_numbers(compiled(), dataset(Task("regression")))


def test_a_hypermodel_gets_shape_and_classes_from_the_data_and_an_argument_by_its_target() -> None:
    augmentation = {"_target_": f"{PACKAGE}HyperImageAugment", "augment_layers": 0}
    config = {"_target_": f"{PACKAGE}HyperEfficientNet", "augmentation_model": augmentation}
    made = make_hypermodel(config, (8, 8, 3), 4)
    assert (made.input_shape, made.classes) == ((8, 8, 3), 4)
    assert (made.augmentation_model.input_shape, made.augmentation_model.model_name) == ((8, 8, 3), "image_augment")


def test_a_hypermodel_that_only_changes_images_is_refused(tiny_data: list[str]) -> None:
    with pytest.raises(ConfigError, match=r"received HyperImageAugment, which changes images; use it inside of"):
        plan_sweep(Recipe(), [*tiny_data, f"model._target_={PACKAGE}HyperImageAugment", "name=x"])


def test_nothing_is_downloaded(tiny_data: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Keras would read the weights of ImageNet from the network; a warning says so."""
    weights: list[Any] = []

    def network(include_top: bool, input_tensor: Any, weights: Any = "imagenet", found: Any = weights) -> Any:
        found.append(weights)
        return keras.Model(keras.utils.get_source_inputs(input_tensor), layers.Conv2D(2, 3, strides=50)(input_tensor))

    networks = {"B0": network}
    monkeypatch.setattr(efficientnet, "EFFICIENTNET_MODELS", networks)
    config = to_config(compose(Recipe((*tiny_data, f"model._target_={PACKAGE}HyperEfficientNet"))))
    hypermodel = ConfiguredHyperModel(config, load(config.data))
    hypermodel.build(hypermodel.hyperparameters)
    assert weights == [None]
    assert efficientnet.EFFICIENTNET_MODELS is networks
    (warning,) = hypermodel.warnings
    assert warning.startswith("model._target_: HyperEfficientNet starts from random weights")


RESNET = ("version:v1", "conv3_depth:4", "conv4_depth:6", "pooling:avg", "optimizer:adam", "learning_rate:0.01")
EFFICIENTNET = ("version:B0", "pooling:avg", "top_dropout_rate:0.2", "learning_rate:0.01")
AUGMENTED = f"+model.augmentation_model={{_target_:{PACKAGE}HyperImageAugment,augment_layers:0}}"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "values", "more"),
    [
        ("HyperResNet", RESNET, []),
        ("HyperEfficientNet", EFFICIENTNET, []),
        ("HyperEfficientNet", EFFICIENTNET, [AUGMENTED]),
    ],
)
def test_each_hypermodel_trains_an_epoch(
    name: str, values: tuple[str, ...], more: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = """
import numpy as np
def few():
    y = np.arange(18) % 3
    x = np.random.default_rng(0).integers(0, 200, (18, 8, 8, 3), dtype=np.uint8)
    return (x[:12], y[:12]), (x[12:], y[12:])
"""
    module = write_module(tmp_path, monkeypatch, source)
    own = ["data=custom", f"data._target_={module}.few", "data.validation=4", "trainer.batch_size=8"]
    hp = [f"model._target_={PACKAGE}{name}", f"+model.hp={{{','.join(values)}}}", "trainer.epochs=1"]
    config = to_config(compose(Recipe((*own, *hp, "objective=val_accuracy", *more))))
    outcome = train_once(config, "max", TrialPaths(tmp_path / "trial"), Hooks())
    assert outcome.state is State.COMPLETED, outcome.result.reason
    assert outcome.result.objective in (0.0, 0.25, 0.5, 0.75, 1.0)


@pytest.mark.slow
def test_xception_is_swept(run_sweep: RunSweep) -> None:
    fixed = {
        "activation": "relu", "conv2d_num_filters": 32, "kernel_size": 3, "sep_num_filters": 128,
        "num_residual_blocks": 2, "pooling": "avg", "num_dense_layers": 1, "dropout_rate": 0, "dense_use_bn": "false",
    }  # fmt: skip
    sweep = run_sweep(
        [
            *(f"model.hp.{name}={value}" for name, value in fixed.items()),
            *(f"model._target_={PACKAGE}HyperXception", "trials=1", "name=xception"),
        ]
    )
    assert list(sweep.trials["state"]) == ["completed"], list(sweep.trials["reason"])
    assert [key for key in sweep.trials if key.startswith("model.hp")] == ["model.hp.learning_rate"]
