"""The state of Keras callbacks as plain values and arrays.

A callback with the methods `get_state()`, which returns a dictionary of plain values, lists and arrays, and
`set_state(state)` decides what is stored. Of any other callback, the attributes are stored that hold plain values,
arrays or lists of arrays.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from mnistsweep.errors import TrialFailed
from mnistsweep.training.callbacks.best_weights import BestWeights
from mnistsweep.training.callbacks.epoch_counter import EpochCounter
from mnistsweep.training.callbacks.guards import FiniteGuard, OwnershipCheck
from mnistsweep.training.callbacks.history_writer import HistoryWriter
from mnistsweep.training.callbacks.objective_reporter import ObjectiveReporter
from mnistsweep.training.callbacks.tensorboard_logger import TensorBoardLogger
from mnistsweep.training.packing import is_array, pack

# Names of mnistsweep's own callbacks in resume files. A name stays the same when its class moves or is renamed, so that
# every version can resume a training that another version started.
_STORED_NAMES: dict[type, str] = {
    OwnershipCheck: "mnistsweep.callbacks.Ownership",
    FiniteGuard: "mnistsweep.callbacks.FiniteGuard",
    EpochCounter: "mnistsweep.training.EpochCounter",
    HistoryWriter: "mnistsweep.callbacks.HistoryWriter",
    BestWeights: "mnistsweep.callbacks.BestWeights",
    ObjectiveReporter: "mnistsweep.callbacks.Reporter",
    TensorBoardLogger: "mnistsweep.callbacks.TensorBoardLogger",
}


def capture_callbacks(callbacks: Sequence[keras.callbacks.Callback]) -> list[dict[str, Any]]:
    """Copy the state of callbacks.

    Args:
        callbacks: Keras callbacks.

    Returns:
        For each callback its class name and its state.

    Raises:
        TrialFailed: The `get_state` of a callback returns something that cannot be written.
    """
    return [{"class": class_name(callback), "state": _read_state(callback)} for callback in callbacks]


def restore_callback(callback: keras.callbacks.Callback, state: dict[str, Any]) -> None:
    """Set the state of a callback to a captured one.

    Args:
        callback: Callback of the same class as the captured one.
        state: Its state, see `capture_callbacks`.
    """
    if _has_own_state(callback):
        callback.set_state(state)
        return
    for name, value in state.items():
        if _is_state(getattr(callback, name, None)):  # do not overwrite a function or a file that it has opened since
            setattr(callback, name, value)


def class_name(callback: Any) -> str:
    """Return the full name of a callback's class; for mnistsweep's own callbacks the name in resume files."""
    kind = type(callback)
    return _STORED_NAMES.get(kind, f"{kind.__module__}.{kind.__qualname__}")


def is_plain(value: Any) -> bool:
    """Return whether a value is None, a bool, a number, a text or an array."""
    return value is None or isinstance(value, bool | int | float | str) or is_array(value)


def _read_state(callback: Any) -> dict[str, Any]:
    return _read_own_state(callback) if _has_own_state(callback) else _read_attributes(callback)


def _read_own_state(callback: Any) -> dict[str, Any]:
    """Return what the `get_state` of a callback returns, after a check that it can be written."""
    state: dict[str, Any] = callback.get_state()
    try:
        json.dumps(pack(state, []))
    except TypeError as error:
        rule = "must return a dictionary of plain values, lists and arrays"
        raise TrialFailed(f"{class_name(callback)}.get_state(): {rule}: {error}") from error
    return state


def _read_attributes(callback: Any) -> dict[str, Any]:
    """Return the attributes of a callback that are state; arrays are copied, for the callback may change them."""
    state = {
        name: value.copy() if isinstance(value, np.ndarray) else value
        for name, value in vars(callback).items()
        if _is_state(value)
    }
    if hasattr(callback, "monitor_op"):
        state.pop("min_delta", None)  # Keras changes its sign whenever it creates `monitor_op`
    return state


def _has_own_state(callback: Any) -> bool:
    """Return whether a callback has the methods `get_state` and `set_state`."""
    return callable(getattr(callback, "get_state", None)) and callable(getattr(callback, "set_state", None))


def _is_state(value: Any) -> bool:
    """Return whether an attribute is part of a callback's state: a plain value, an array or a list of arrays."""
    if isinstance(value, list):
        return bool(value) and all(isinstance(item, np.ndarray) and is_array(item) for item in value)
    return is_plain(value)
