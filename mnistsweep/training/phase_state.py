"""The state of one phase of a training: captured from a model and its callbacks, and restored to new ones.

A phase is one call of `model.fit`.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from mnistsweep.training.callback_state import capture_callbacks, class_name, is_plain, restore_callback
from mnistsweep.training.keras_internals import (
    create_global_seed_generator,
    find_global_seed_generator,
    optimizer_variables,
    trained_variables,
)

PhaseState = dict[str, Any]
"""Plain values, lists and dictionaries with texts as keys; numpy arrays anywhere among them."""


def capture_phase(model: Any, callbacks: Sequence[keras.callbacks.Callback]) -> PhaseState:
    """Copy the state of a training.

    Args:
        model: A compiled Keras model. Its variables (including random seeds, excluding metrics) and those of its
            optimizers are copied.
        callbacks: Callbacks to copy the state of, see `callback_state`.

    Returns:
        Copies of all arrays, and the state of the random number generators of Python, numpy and Keras.

    Raises:
        TrialFailed: The `get_state` of a callback returns something that cannot be written.
    """
    return {
        "variables": _copy_values(model.variables),
        "optimizers": {name: _optimizer_state(model, optimizer) for name, optimizer in optimizers_of(model).items()},
        "callbacks": capture_callbacks(callbacks),
        **_capture_random(),
    }


def restore_phase(state: PhaseState, model: Any, callbacks: Sequence[keras.callbacks.Callback]) -> None:
    """Set a model, its optimizers, the callbacks and the random number generators to a captured state.

    Args:
        state: State that `capture_phase` returned.
        model: Model of the same architecture; its optimizers need not be built.
        callbacks: Callbacks of the same classes in the same order.

    Raises:
        ValueError: The state belongs to another training.
    """
    _assign(model.variables, state["variables"], "the model")
    _restore_optimizers(model, state["optimizers"])
    stored = state["callbacks"]
    _check_equal("the callbacks", [one["class"] for one in stored], [class_name(one) for one in callbacks])
    for callback, one in zip(callbacks, stored, strict=True):
        restore_callback(callback, one["state"])
    _restore_random(state)  # last, because the steps before may draw random numbers


def capture_history(model: Any, epoch: int, logs: Mapping[str, Any]) -> dict[str, Any]:
    """Copy the history that `model.fit` will return, including the epoch that ends now.

    Keras adds an epoch to the history only after it has called all callbacks.

    Args:
        model: The model in training.
        epoch: Index of the epoch that ends, from 0.
        logs: Metrics of that epoch.

    Returns:
        The epochs, and the values of each metric; metrics with other values than plain ones are left out.
    """
    found = getattr(model, "history", None)
    if not isinstance(found, keras.callbacks.History):
        return {"epoch": [], "history": {}}
    epochs, history = list(found.epoch), {name: list(values) for name, values in found.history.items()}
    if epoch not in epochs:
        epochs.append(epoch)
        for name, value in logs.items():
            history.setdefault(name, []).append(value)
    return {"epoch": epochs, "history": {name: own for name, own in history.items() if all(map(is_plain, own))}}


def restore_history(model: Any, state: Mapping[str, Any]) -> None:
    """Set the history of a model to a captured one; `model.fit` appends the following epochs to it.

    Args:
        model: The model in training.
        state: History that `capture_history` returned.
    """
    found = getattr(model, "history", None)
    if isinstance(found, keras.callbacks.History):
        found.epoch = list(state["epoch"])
        found.history = {name: list(values) for name, values in state["history"].items()}


def _capture_random() -> dict[str, Any]:
    version, numbers, gauss = random.getstate()
    generator = find_global_seed_generator()
    return {
        "keras_random": None if generator is None else _copy_values([generator.state]),
        "python_random": [version, np.array(numbers, np.uint32), gauss],
        "numpy_random": np.random.get_state(legacy=False),
    }


def _restore_random(state: PhaseState) -> None:
    if state["keras_random"] is not None:
        _assign([create_global_seed_generator().state], state["keras_random"], "the random numbers of Keras")
    version, numbers, gauss = state["python_random"]
    random.setstate((version, tuple(numbers.tolist()), gauss))
    np.random.set_state(state["numpy_random"])


def optimizers_of(model: Any) -> dict[str, Any]:
    """Return the optimizers of a model by attribute; a model with its own training step may have several."""
    return {name: one for name, one in vars(model).items() if isinstance(one, keras.optimizers.Optimizer)}


def _optimizer_state(model: Any, optimizer: Any) -> dict[str, Any]:
    """Return the variables of an optimizer, and the positions of the model's variables that it trains.

    The positions are needed to build an optimizer that is not built yet.
    """
    positions = {id(variable): index for index, variable in enumerate(model.variables)}
    trained = trained_variables(optimizer)
    known = [positions[id(variable)] for variable in trained if id(variable) in positions]
    return {
        "trained": known if len(known) == len(trained) else [],
        "variables": _copy_values(optimizer_variables(optimizer)),
    }


def _restore_optimizers(model: Any, stored: Mapping[str, Any]) -> None:
    optimizers, variables = optimizers_of(model), model.variables
    _check_equal("the optimizers", list(stored), list(optimizers))
    for name, one in stored.items():
        if one["trained"] and not optimizers[name].built:
            optimizers[name].build([variables[index] for index in one["trained"]])
        _assign(optimizer_variables(optimizers[name]), one["variables"], name)


def _copy_values(variables: Sequence[Any]) -> list[NDArray[Any]]:
    """Copy the values of variables; a backend may return a view of the memory that it trains."""
    arrays = [variable.numpy() for variable in variables]
    return [array if array.flags.owndata else array.copy() for array in arrays]


def _assign(variables: Sequence[Any], values: Sequence[Any], owner: str) -> None:
    """Set variables to stored values of the same shapes and types."""
    stored = [f"{value.dtype.name}{list(value.shape)}" for value in values]
    found = [f"{keras.backend.standardize_dtype(one.dtype)}{list(one.shape)}" for one in variables]
    _check_equal(owner, stored, found)
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _check_equal(owner: str, stored: list[str], found: list[str]) -> None:
    """Raise a `ValueError` with the first difference between two lists."""
    for one, other in zip_longest(stored, found, fillvalue="nothing"):
        if one != other:
            raise ValueError(f"{owner}: the file contains {one}, the training has {other}")
