"""The task of a model and the form of its targets, from the targets, the loss and the output."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from mnistsweep.data import Dataset, Examples
from mnistsweep.data.task import PossibleTasks, possible_tasks
from mnistsweep.errors import ConfigError
from mnistsweep.training.target_form import TargetForm, choose_form, find_forms

LABELS = {
    "digits": np.arange(20, dtype=np.uint8) % 10,
    "from one": np.arange(20) % 5 + 1,
    "ratings": np.arange(20) % 5,
    "binary": np.arange(20) % 2,
    "booleans": np.arange(20) % 2 == 1,
    "signs": np.arange(20) % 2 * 2 - 1,
    "float classes": np.arange(20) % 3 + 0.0,
    "texts": np.array(["cat", "dog", "owl", "cat"] * 5, object),
    "one-hot": np.eye(4)[np.arange(20) % 4],
    "labels": np.array([[1, 1, 0], [0, 0, 1]] * 10),
    "prices": np.linspace(0.5, 9.5, 20),
    "columns": np.linspace(0.5, 9.5, 40).reshape(20, 2),
    "masks": np.zeros((20, 4, 4, 1)),
}


def tasks(name: str, kind: str = "auto") -> PossibleTasks:
    return possible_tasks(LABELS[name], kind, "targets", "here")


@pytest.mark.parametrize(
    ("name", "loss", "shape", "kind", "form"),
    [
        ("digits", "sparse_categorical_crossentropy", (10,), "classes", "class_numbers"),
        ("digits", "categorical_crossentropy", (10,), "classes", "one_hot"),
        ("digits", "mean_squared_error", (10,), "classes", "one_hot"),
        ("digits", "binary_crossentropy", (10,), "classes", "one_hot"),
        ("digits", "mean_squared_error", (1,), "regression", "numbers"),
        ("digits", "my.losses:focal", (10,), "classes", "one_hot"),
        ("from one", "sparse_categorical_crossentropy", (5,), "classes", "class_numbers"),
        ("ratings", "mean_squared_error", (1,), "regression", "numbers"),
        ("ratings", "poisson", (1,), "regression", "numbers"),
        ("binary", "binary_crossentropy", (1,), "classes", "class_numbers"),
        ("binary", "my.losses:focal", (1,), "classes", "class_numbers"),
        ("binary", "hinge", (1,), "classes", "class_numbers"),
        ("binary", "sparse_categorical_crossentropy", (2,), "classes", "class_numbers"),
        ("booleans", "binary_crossentropy", (1,), "classes", "class_numbers"),
        ("signs", "hinge", (1,), "classes", "class_numbers"),
        ("float classes", "sparse_categorical_crossentropy", (3,), "classes", "class_numbers"),
        ("float classes", "mean_squared_error", (1,), "regression", "numbers"),
        ("texts", "sparse_categorical_crossentropy", (3,), "classes", "class_numbers"),
        ("one-hot", "sparse_categorical_crossentropy", (4,), "classes", "class_numbers"),
        ("one-hot", "categorical_crossentropy", (4,), "classes", "one_hot"),
        ("labels", "binary_crossentropy", (3,), "multi_label", "numbers"),
        ("prices", "mean_absolute_error", (1,), "regression", "numbers"),
        ("columns", "mean_squared_error", (2,), "regression", "numbers"),
        ("masks", "binary_crossentropy", (4, 4, 1), "array", "source"),
    ],
)
def test_loss_and_output_decide(name: str, loss: str, shape: tuple[int, ...], kind: str, form: str) -> None:
    chosen = choose_form(tasks(name), loss, shape)
    assert (chosen.task.kind, chosen.form) == (kind, form)


@pytest.mark.parametrize(
    ("name", "loss", "shape", "message"),
    [
        ("prices", "sparse_categorical_crossentropy", (10,), "real numbers, .* trainer.loss=mean_squared_error"),
        ("digits", "sparse_categorical_crossentropy", (1,), r"classes \(10: 0, 1, .* a classifier has 10 outputs"),
        ("digits", "categorical_crossentropy", (9,), "does not fit the targets"),
        ("ratings", "binary_crossentropy", (1,), "a classifier has 5 outputs, or one for two classes"),
        ("labels", "sparse_categorical_crossentropy", (3,), "rows of 3 labels"),
        ("columns", "mean_squared_error", (1,), "use 2 outputs"),
        ("digits", "binary_crossentropy", (8, 8, 1), r"an output of shape \(8, 8, 1\)"),
    ],
)
def test_targets_that_do_not_fit_are_refused(name: str, loss: str, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        choose_form(tasks(name), loss, shape)


def test_a_kind_that_the_user_sets_counts() -> None:
    assert choose_form(tasks("digits", "regression"), "mean_squared_error", (1,)).task.kind == "regression"
    with pytest.raises(ConfigError, match="real numbers"):
        choose_form(tasks("digits", "regression"), "sparse_categorical_crossentropy", (10,))


@pytest.mark.parametrize(
    ("name", "form", "expected"),
    [
        ("from one", "class_numbers", [0, 1, 2, 3, 4]),
        ("texts", "class_numbers", [0, 1, 2, 0, 0]),
        ("signs", "class_numbers", [0, 1, 0, 1, 0]),
        ("booleans", "source", [False, True, False, True, False]),
        ("from one", "source", [1, 2, 3, 4, 5]),
        ("texts", "source", [0, 1, 2, 0, 0]),
        ("ratings", "one_hot", np.eye(5).tolist()),
    ],
)
def test_encoded_targets(name: str, form: str, expected: list[Any]) -> None:
    encoded = TargetForm(tasks(name).first, form).encode(LABELS[name])
    assert encoded[:5].tolist() == expected


def dataset(name: str) -> Dataset:
    examples = Examples(np.zeros((20, 3), np.float32), LABELS[name])
    return Dataset(examples, examples, tasks(name))


def test_a_compiled_model_gets_the_targets_of_the_source() -> None:
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    form = find_forms(model, dataset("ratings"), "mean_squared_error", is_compiled=True)
    assert (form.task.kind, form.form) == ("regression", "source")
    assert form.encode(LABELS["ratings"]) is LABELS["ratings"]


class Subclassed(keras.Model):  # type: ignore[misc]
    """A model whose output shape is not known before it is called."""

    def __init__(self, units: int = 5) -> None:
        super().__init__()
        self.dense = keras.layers.Dense(units, activation="sigmoid")

    def call(self, inputs: Any) -> Any:
        return self.dense(inputs)


def test_a_subclassed_model_is_called_to_find_its_output() -> None:
    form = find_forms(Subclassed(), dataset("ratings"), "categorical_crossentropy", is_compiled=False)
    assert (form.task.kind, form.form) == ("classes", "one_hot")
    binary = find_forms(Subclassed(1), dataset("binary"), "my.losses:focal", is_compiled=False)
    assert (binary.task.kind, binary.form) == ("classes", "class_numbers"), "never one-hot rows for one column"


@pytest.mark.parametrize(
    ("name", "outputs", "message"),
    [
        ("from one", 5, r"with 5 outputs .*, must be 0 to 4; received the classes 1, 2, 3, 4, 5; number them from 0"),
        ("signs", 2, r"must be 0 to 1; received the classes -1, 1"),
        ("texts", 2, r"must be 0 to 1; received the classes cat, dog, owl"),
        ("from one", 6, None),
        ("texts", 3, None),
    ],
)
def test_labels_of_a_compiled_classifier_are_numbers_of_its_outputs(
    name: str, outputs: int, message: str | None
) -> None:
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(outputs, "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    if message is None:
        assert find_forms(model, dataset(name), "sparse_categorical_crossentropy", is_compiled=True).form == "source"
        return
    with pytest.raises(ConfigError, match=message):
        find_forms(model, dataset(name), "sparse_categorical_crossentropy", is_compiled=True)
