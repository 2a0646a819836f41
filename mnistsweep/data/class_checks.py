"""Checks that each class has examples on both sides of a split."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistsweep.data.task import Task
from mnistsweep.errors import DataError
from mnistsweep.text import listed

# Maximum number of classes that a message lists.
MAX_LISTED = 5

STRATIFY = "data.stratify=true keeps the class proportions"
"""Advice for a class without examples on one side of a split."""


def missing_classes(labels: NDArray[Any], task: Task) -> list[str]:
    """Names of the classes without an example.

    Args:
        labels: Class numbers, ``(n,)``.
        task: Task of the kind ``classes``.

    Example:
        >>> missing_classes(np.array([0, 2]), Task("classes", ("cat", "dog", "owl")))
        ['dog']
    """
    present = np.bincount(labels, minlength=len(task.values)) > 0
    return [str(value) for value, is_present in zip(task.values, present, strict=True) if not is_present]


def require_classes(labels: NDArray[Any], task: Task, where: str, source: str, advice: str = STRATIFY) -> None:
    """Check that every class has an example.

    Args:
        labels: Class numbers, ``(n,)``.
        task: Task of the kind ``classes``.
        where: Part of the data, for messages, such as ``the training split``.
        source: Description of the source, for messages.
        advice: What a user can do.

    Raises:
        DataError: A class has no example; the message names them.
    """
    missing = missing_classes(labels, task)
    if missing:
        raise DataError(f"{_have_none(missing)} in {where}; {advice} ({source})")


def validation_warning(labels: NDArray[Any], task: Task, source: str, advice: str = STRATIFY) -> str | None:
    """Warning about classes without an example in the validation split; None where there is no such class.

    Args:
        labels: Class numbers of the validation split, ``(n,)``.
        task: Task of the kind ``classes``.
        source: Description of the source.
        advice: What a user can do.
    """
    missing = missing_classes(labels, task)
    if not missing:
        return None
    return (
        f"data: {_have_none(missing)} in the validation split, so validation scores do not measure "
        f"{'this class' if len(missing) == 1 else 'these classes'}; the data may be sorted by class: "
        f"{advice} ({source})."
    )


def _have_none(missing: Sequence[str]) -> str:
    shown = listed(missing, MAX_LISTED)
    return f"class {shown} has no example" if len(missing) == 1 else f"classes {shown} have no example"
