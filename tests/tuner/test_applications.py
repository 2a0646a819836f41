"""KerasTuner's own hypermodels by name."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest
from fakes import RunSweep
from keras import layers

from mnistsweep.config.recipe import Recipe
from mnistsweep.data.task import PossibleTasks, Task
from mnistsweep.errors import ConfigError
from mnistsweep.models.hypermodels import make_hypermodel
from mnistsweep.planning.planner import plan_sweep
from mnistsweep.tuner.applications import compile_for_class_numbers

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
