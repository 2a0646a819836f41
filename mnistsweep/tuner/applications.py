"""KerasTuner's own hypermodels: `HyperResNet`, `HyperXception` and `HyperEfficientNet`, with `HyperImageAugment`."""

from __future__ import annotations

import inspect
from typing import Any

from keras_tuner import applications

from mnistsweep.data import Dataset
from mnistsweep.data.task import PossibleTasks
from mnistsweep.errors import ConfigError

CLASSIFIERS = (applications.HyperResNet, applications.HyperXception, applications.HyperEfficientNet)
"""Hypermodels that classify images."""


def check_application(target: Any) -> None:
    """Check that a target is not the one application that predicts nothing.

    Args:
        target: Hypermodel of the configuration, an object.

    Raises:
        ConfigError: It is `HyperImageAugment`.
    """
    if type(target) is applications.HyperImageAugment:
        raise ConfigError(
            "model._target_: must be a model that predicts the targets; received HyperImageAugment, which changes "
            "images; use it inside of HyperEfficientNet: "
            "+model.augmentation_model={_target_: keras_tuner.applications.HyperImageAugment, augment_layers: 0}"
        )


def is_classifier(hypermodel: Any) -> bool:
    """Whether a hypermodel is one of KerasTuner's own classifiers, and not a class that a user derived from it.

    Args:
        hypermodel: Hypermodel of the configuration, an object.
    """
    return not inspect.isclass(hypermodel) and type(hypermodel) in CLASSIFIERS


def warnings_of(hypermodel: Any) -> list[str]:
    """Return a warning where a hypermodel of KerasTuner's is built without the weights that Keras would download.

    Args:
        hypermodel: Hypermodel of the configuration, an object.
    """
    if type(hypermodel) is not applications.HyperEfficientNet:
        return []
    return [
        "model._target_: HyperEfficientNet starts from random weights, because a sweep downloads nothing; to start "
        "from those of ImageNet, use a build function that calls "
        "keras.applications.EfficientNetB0(weights='imagenet')"
    ]


def compile_for_class_numbers(model: Any, dataset: Dataset) -> None:
    """Compile a model of KerasTuner's classifiers for class numbers, if the data set has these.

    KerasTuner compiles it with the categorical cross-entropy, for one-hot rows. The sparse form is the same loss.

    Args:
        model: Compiled model; its optimizer is kept.
        dataset: Data set of the trial.

    Raises:
        ConfigError: The targets are no classes, or their numbers do not start at 0.
    """
    tasks = dataset.tasks
    task = tasks.first if isinstance(tasks, PossibleTasks) else None
    if task is None or task.kind != "classes":
        rule = "the hypermodels of keras_tuner.applications classify images"
        raise ConfigError(f"model._target_: {rule}; the targets are no classes")
    if task.is_one_hot or not model.compiled:
        return
    is_text = any(isinstance(value, str) for value in task.values)
    if not is_text and tuple(task.values) != tuple(range(len(task.values))):
        raise ConfigError(
            "model._target_: the hypermodels of keras_tuner.applications need classes that are numbered from 0; "
            f"received the classes {', '.join(task.class_names[:10])}; return numbers from 0, or texts, from the loader"
        )
    model.compile(model.optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
