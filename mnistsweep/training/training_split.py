"""What a model is trained on: the training split with encoded targets, sample weights and weights of classes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistsweep.config.schema import Config
from mnistsweep.data import Dataset
from mnistsweep.data.class_weights import class_weights
from mnistsweep.data.task import Task
from mnistsweep.training.engines import AnySplit
from mnistsweep.training.target_form import part_of


def training_split(dataset: Dataset, forms: Any, config: Config) -> AnySplit:
    """The training split, as the model gets it.

    Args:
        dataset: Data set of the trial.
        forms: Form of the targets of each output, the result of `target_form.find_forms`.
        config: Configuration of the trial, of which `trainer.class_weight` is used.

    Raises:
        ConfigError: The weights of classes do not fit the targets.
    """
    return part_of(dataset.train, forms, find_class_weights(dataset, forms, config))


def find_class_weights(dataset: Dataset, forms: Any, config: Config) -> NDArray[np.float32] | None:
    """Weight of each class, ``(K,)``; None without `trainer.class_weight`.

    Args:
        dataset: Data set of the trial.
        forms: Form of the targets of each output.
        config: Configuration of the trial.

    Raises:
        ConfigError: The weights of classes do not fit the targets.
    """
    value = config.trainer.class_weight
    if value is None:
        return None
    task: Task | None = getattr(forms, "task", None)
    labels = None
    if task is not None and task.kind == "classes":
        labels = task.encode(dataset.train.targets, "training targets", "the data set")
    return class_weights(value, task, labels)
