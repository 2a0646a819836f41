"""The form in which targets are given to a model: class numbers, one-hot rows, or as the source has them.

A model that its builder has compiled gets the targets as `keras.Model.fit` would get them. For any other model the form
follows from the loss and the shape of the output; targets that do not fit them are refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistsweep.data import Dataset, Examples
from mnistsweep.data.streams.stream import Stream
from mnistsweep.data.structure import Structure, leaves, map_leaves
from mnistsweep.data.task import PossibleTasks, Task
from mnistsweep.errors import ConfigError
from mnistsweep.models import losses
from mnistsweep.training.building import fixed_batch_size, reset_states
from mnistsweep.training.compiled_labels import check_labels
from mnistsweep.training.engines.base import AnySplit, Split, StreamSplit
from mnistsweep.training.model_outputs import loss_name, loss_of, output_names, output_shape_of

# Losses that compare one output with a class of two.
_BINARY = ("binary_crossentropy", "binary_focal_crossentropy", "hinge", "squared_hinge")

# Losses that expect a row of class probabilities.
_ROWS = ("categorical_crossentropy", "categorical_focal_crossentropy", "categorical_hinge", "kl_divergence")


@dataclass(frozen=True)
class TargetForm:
    """Task of one output, and the form in which it gets its targets.

    Attributes:
        task: What the model predicts at this output.
        form: ``source`` (as the loader returned them), ``class_numbers``, ``one_hot`` or ``numbers`` (float32).
    """

    task: Task
    form: str

    def encode(self, targets: NDArray[Any]) -> NDArray[Any]:
        """Targets in this form.

        Args:
            targets: Targets as the loader returned them.

        Raises:
            DataError: A target does not fit the task.
        """
        is_text = targets.dtype.kind == "O"
        if self.form == "source" and not (is_text and self.task.kind == "classes"):
            return targets
        encoded = self.task.encode(targets, "targets", "the data set")
        if self.form != "one_hot":
            return encoded
        return np.take(np.eye(len(self.task.values), dtype=np.float32), encoded, axis=0)


def encode_targets(forms: Structure, targets: Structure) -> Structure:
    """Targets of all outputs in their forms.

    Args:
        forms: A `TargetForm`, or a structure of them, of the form of the targets.
        targets: Targets as the loader returned them.
    """
    return map_leaves(lambda form, array: form.encode(array), forms, targets)


def split_of(examples: Examples, forms: Any) -> Split:
    """Inputs, encoded targets and, if there are any, weights of examples.

    Args:
        examples: Examples of a data set.
        forms: Form of the targets of each output, the result of `find_forms`.
    """
    targets = encode_targets(forms, examples.targets)
    return (examples.inputs, targets) if examples.weights is None else (examples.inputs, targets, examples.weights)


def part_of(part: Examples | Stream, forms: Any, class_weights: NDArray[np.float32] | None = None) -> AnySplit:
    """Inputs, encoded targets and weights of a split, in memory or as a stream.

    Args:
        part: Split of a data set.
        forms: Form of the targets of each output, the result of `find_forms`.
        class_weights: Weight of each class of the only output, ``(K,)``, by which the sample weights are multiplied;
            None for none.
    """
    if isinstance(part, Examples):
        if class_weights is None:
            return split_of(part, forms)
        return split_of(replace(part, weights=weighted(forms, part.targets, part.weights, class_weights)), forms)
    is_unchanged = all(leaves(map_leaves(_keeps, forms, part.scan.first.targets)))
    if is_unchanged and class_weights is None:
        return StreamSplit(part)

    def encode(targets: Structure, weights: NDArray[Any] | None) -> tuple[Structure, NDArray[Any] | None]:
        if class_weights is not None:
            weights = weighted(forms, targets, weights, class_weights)
        return encode_targets(forms, targets), weights

    return StreamSplit(part, encode)


def few_of(part: Examples | Stream, forms: Any, count: int) -> AnySplit:
    """The first examples of a split in memory; a stream as a whole, which is read only as far as it is used.

    Args:
        part: Split of a data set.
        forms: Form of the targets of each output, the result of `find_forms`.
        count: Maximum number of examples.
    """
    return part_of(part.first_examples(count) if isinstance(part, Examples) else part, forms)


def weighted(
    form: TargetForm, targets: NDArray[Any], weights: NDArray[Any] | None, class_weights: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Sample weights, multiplied by the weights of the classes, ``(n,)``.

    Args:
        form: Form of the targets of the only output; its task is ``classes``.
        targets: Targets as the loader returned them.
        weights: Sample weights; None for equal weights.
        class_weights: Weight of each class, ``(K,)``.
    """
    by_class: NDArray[np.float32] = np.take(class_weights, form.task.encode(targets, "targets", "the data set"))
    return by_class if weights is None else by_class * weights


def _keeps(form: TargetForm, targets: NDArray[Any]) -> bool:
    """Whether targets of a type are in a form already, so that a dataset is passed on unchanged."""
    task, kind = form.task, targets.dtype.kind
    if form.form == "source":
        return kind != "O" or task.kind != "classes"
    if form.form == "numbers":
        return kind == "f"
    are_numbers = task.values == tuple(range(len(task.values)))
    if form.form == "one_hot":
        return task.is_one_hot and are_numbers
    return are_numbers and not task.is_one_hot and kind in "ui" and targets.ndim == 1


def find_forms(model: Any, dataset: Dataset, loss: str | None, is_compiled: bool) -> Any:
    """Find the task and the form of the targets for each output of a model.

    Args:
        model: A Keras model.
        dataset: Data set of the trial.
        loss: Name or dotted path of the loss; None: unknown.
        is_compiled: Whether the builder has compiled the model.

    Returns:
        A `TargetForm`; for several outputs a dictionary or list of them, of the form of the targets.

    Raises:
        ConfigError: The targets do not fit the output or the loss of a model that is not compiled.
    """
    tasks = dataset.tasks
    if not isinstance(tasks, PossibleTasks):
        if not is_compiled:
            raise ConfigError("model: a model with several outputs must be compiled by its builder (model.compile)")
        return _forms_of_outputs(model, tasks)
    few = dataset.train.first_examples(fixed_batch_size(model) or 1)
    shape = output_shape(model, few.inputs, is_compiled)
    if is_compiled:
        if getattr(model.loss, "ignore_class", None) is None:
            check_labels(tasks, loss, shape)
        return TargetForm(_likely_task(tasks, loss, shape), "source")
    return choose_form(tasks, loss or "", shape)


def _forms_of_outputs(model: Any, tasks: Structure) -> Structure:
    """Form of the targets of each output of a compiled model: as in the source; the task follows from its loss."""
    names = iter(enumerate(output_names(model, tasks)))

    def form(possible: PossibleTasks) -> TargetForm:
        position, name = next(names)
        loss, shape = loss_name(loss_of(model, name, position)), output_shape_of(model, name, position)
        return TargetForm(_likely_task(possible, loss, shape), "source")

    return map_leaves(form, tasks)


def output_shape(model: Any, inputs: Structure, is_compiled: bool) -> tuple[int | None, ...] | None:
    """Shape of the output without the axis of the examples; None for several outputs, or where it is unknown.

    Args:
        model: A Keras model. A model whose layers are not built yet is called with the inputs, unless it is compiled.
        inputs: Inputs to call it with.
        is_compiled: Whether the builder has compiled the model.
    """
    try:
        shape = model.output_shape
    except (AttributeError, ValueError, RuntimeError):  # a subclassed model has no shape before its first call
        if is_compiled:
            return None
        shape = getattr(model(inputs, training=False), "shape", None)
        shape = None if shape is None else tuple(shape)  # TensorFlow has a type of its own
        reset_states(model)
    if isinstance(shape, Sequence) and all(size is None or isinstance(size, int) for size in shape):
        return tuple(shape)[1:]
    return None


def choose_form(possible: PossibleTasks, loss: str, shape: tuple[int | None, ...] | None) -> TargetForm:
    """Choose the task and the form of the targets of one output.

    Args:
        possible: What the targets are possible for.
        loss: Name or dotted path of the loss.
        shape: Shape of the output without the axis of the examples; None: unknown.

    Raises:
        ConfigError: No task fits the loss and the output.

    Example:
        >>> ratings = PossibleTasks((Task("classes", (0, 1, 2, 3, 4)), Task("regression")))
        >>> choose_form(ratings, "mean_squared_error", (1,)).task.kind
        'regression'
        >>> choose_form(ratings, "sparse_categorical_crossentropy", (5,)).form
        'class_numbers'
    """
    kinds = tuple(task.kind for task in possible.tasks)
    for task in possible.tasks:
        form = _fitting_form(task, loss, shape, kinds)
        if form is not None:
            return TargetForm(task, form)
    raise ConfigError(_mismatch(possible.first, loss, shape))


def _fitting_form(task: Task, loss: str, shape: tuple[int | None, ...] | None, kinds: tuple[str, ...]) -> str | None:
    """Form in which a task fits a loss and an output; None if it does not."""
    name = losses.short_name(loss)
    width = shape[-1] if shape else None
    is_vector = shape is None or len(shape) == 1
    if task.kind == "input" or kinds == ("array",):
        return "source"
    if not is_vector or task.kind == "array":
        return "source" if task.kind == "array" and not is_vector and task.width > 1 else None
    if task.kind == "classes":
        return _form_of_classes(task, name, width, kinds)
    takes_numbers = not name.startswith("sparse") and (name not in _ROWS or task.width > 1)
    if task.kind == "multi_label":
        return "numbers" if takes_numbers and width in (None, task.width) else None
    return "numbers" if takes_numbers and name not in _BINARY and width in (None, task.width) else None


def _form_of_classes(task: Task, name: str, width: int | None, kinds: tuple[str, ...]) -> str | None:
    num_classes = len(task.values)
    if name.startswith("sparse"):
        return "class_numbers" if width is None or width >= num_classes else None
    if width == 1:
        is_binary = num_classes <= 2 and name not in _ROWS
        return "class_numbers" if is_binary and (name in _BINARY or task.values == (0, 1) or len(kinds) == 1) else None
    return "one_hot" if width in (None, num_classes) else None


def _likely_task(possible: PossibleTasks, loss: str | None, shape: tuple[int | None, ...] | None) -> Task:
    """Task of a compiled model: the one that fits its loss and output, or else the most likely one."""
    try:
        return choose_form(possible, loss or "", shape).task
    except ConfigError:
        return possible.first


def _mismatch(first: Task, loss: str, shape: tuple[int | None, ...] | None) -> str:
    described = {
        "classes": f"classes ({len(first.values)}: {', '.join(first.class_names[:10])})",
        "multi_label": f"rows of {first.width} labels",
        "regression": "real numbers" if first.width == 1 else f"rows of {first.width} real numbers",
    }[first.kind]
    output = "an output of unknown shape" if shape is None else f"an output of shape {shape}"
    advice = {
        "classes": f"a classifier has {len(first.values)} outputs, or one for two classes",
        "multi_label": f"use {first.width} outputs with trainer.loss=binary_crossentropy",
        "regression": f"use {first.width} output{'s' if first.width > 1 else ''} with trainer.loss=mean_squared_error "
        "trainer.metrics=[mean_absolute_error] objective=val_loss",
    }[first.kind]
    return (
        f"trainer.loss: {loss} does not fit the targets, {described}, and {output}; {advice}; data.target sets what "
        "the targets are"
    )
