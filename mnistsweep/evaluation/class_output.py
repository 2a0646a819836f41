"""The output of a data set that has class labels: the only one, or the one of several that is not numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistsweep.data import Dataset, Examples
from mnistsweep.data.structure import leaves_by_name, map_leaves
from mnistsweep.data.task import PossibleTasks, Task
from mnistsweep.errors import DataError


@dataclass(frozen=True)
class ClassOutput:
    """An output with class labels.

    Attributes:
        name: Name of the output; empty where the targets are one array.
        position: Position of its target among the targets' leaves.
        task: Task with the classes.
    """

    name: str
    position: int
    task: Task

    def labels(self, examples: Examples) -> NDArray[np.int64]:
        """Class numbers of examples, ``(n,)``.

        Args:
            examples: Examples of the data set.

        Raises:
            DataError: A target is no class of the training set.
        """
        targets = list(leaves_by_name(examples.targets).values())[self.position]
        return self.task.encode(targets, "targets", "the data set").astype(np.int64)

    def with_labels(self, examples: Examples, labels: NDArray[Any]) -> Examples:
        """The same examples with other labels, in the form that the source has.

        Args:
            examples: Examples of the data set.
            labels: Class numbers, ``(n,)``.
        """
        positions = iter(range(len(leaves_by_name(examples.targets))))

        def changed(targets: NDArray[Any]) -> NDArray[Any]:
            if next(positions) != self.position:
                return targets
            return self.task.decode(labels).astype(targets.dtype).reshape(targets.shape)

        return replace(examples, targets=map_leaves(changed, examples.targets))


def find_class_output(dataset: Dataset) -> ClassOutput:
    """Find the output with class labels.

    Args:
        dataset: Data set.

    Raises:
        DataError: There is none, or there are several.
    """
    tasks: dict[str, PossibleTasks] = leaves_by_name(dataset.tasks)
    if list(tasks) == [""]:
        return ClassOutput("", 0, tasks[""].of_classes())
    found = [
        ClassOutput(name, position, possible.first)
        for position, (name, possible) in enumerate(tasks.items())
        if possible.first.kind == "classes"
    ]
    if len(found) != 1:
        kinds = ", ".join(f"{name}: {possible.first.kind}" for name, possible in tasks.items())
        raise DataError(
            f"data.target: the labels of one output are cleaned, so one output must have classes; received {kinds}; "
            "let the loader return the targets of one output."
        )
    return found[0]
