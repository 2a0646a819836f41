"""Names of metrics that do not depend on what else a process has created.

Keras calls a metric without a name after its class, and numbers it over the whole process: the second
`keras.metrics.AUC` is ``auc_1``, although the model has no other one. A builder or a `fit` that creates further
metrics, in some trials only, would thus change the name of an objective and of the columns of ``history.csv``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mnistsweep.models.keras_names import snake_case
from mnistsweep.training.keras_internals import compiled_metrics, num_generated_names


def with_stable_names(model: Any, logs: Mapping[str, Any]) -> dict[str, Any]:
    """Add the values of numbered metrics under the names that they have in a new process.

    Names that the user has given to metrics stay as they are, and so do all entries of the logs.

    Args:
        model: The compiled model that was measured.
        logs: Metrics by name, as Keras passes them to callbacks or returns them.

    Example:
        A model with a metric ``auc_1`` and no ``auc``: ``{"val_auc_1": 0.9}`` becomes
        ``{"val_auc_1": 0.9, "val_auc": 0.9}``.
    """
    added = dict[str, Any]()
    for name, stable in _stable_names(model).items():
        for key, value in logs.items():
            if key == name or key.endswith(f"_{name}"):  # after ``val_`` and the name of an output
                added.setdefault(key.removesuffix(name) + stable, value)
    return {**added, **logs}


def _stable_names(model: Any) -> dict[str, str]:
    """Names in a new process of the metrics that have another one now."""
    named = dict[str, list[tuple[int, str]]]()
    for metric in compiled_metrics(model):
        base = snake_case(type(metric).__name__)
        found = re.fullmatch(rf"{re.escape(base)}(?:_(\d+))?", metric.name)
        if found and int(found[1] or 0) < num_generated_names(base):
            named.setdefault(base, []).append((int(found[1] or 0), metric.name))
    return {
        name: base if index == 0 else f"{base}_{index}"
        for base, metrics in named.items()
        for index, (number, name) in enumerate(sorted(set(metrics)))
        if number != index
    }
