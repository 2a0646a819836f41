"""Labels of a model that its builder has compiled: it gets them as the loader returns them."""

from __future__ import annotations

from mnistsweep.data.task import PossibleTasks
from mnistsweep.errors import ConfigError
from mnistsweep.models import losses


def check_labels(tasks: PossibleTasks, loss: str | None, shape: tuple[int | None, ...] | None) -> None:
    """Check that the labels of a compiled classifier are numbers of its outputs: a GPU would compute NaN from others.

    Args:
        tasks: What the targets are possible for.
        loss: Name of the loss; None: unknown.
        shape: Shape of the output without the axis of the examples; None: unknown.

    Raises:
        ConfigError: A label is not the number of an output.
    """
    task = next((task for task in tasks.tasks if task.kind == "classes" and not task.is_one_hot), None)
    width = shape[-1] if shape else None
    if task is None or width is None or losses.short_name(loss or "") != "sparse_categorical_crossentropy":
        return
    are_texts = any(isinstance(value, str) for value in task.values)
    labels = range(len(task.values)) if are_texts else task.values  # texts are numbered
    if min(labels) < 0 or max(labels) >= width:
        raise ConfigError(
            f"model: labels of the compiled model, with {width} outputs and {loss}, must be 0 to {width - 1}; received "
            f"the classes {', '.join(task.class_names[:10])}; number them from 0 in the loader, or leave out "
            "model.compile: a model that the sweep compiles takes any labels"
        )
