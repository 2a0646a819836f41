"""The state of a training as plain values and arrays: taken from a model and its callbacks, and given to new ones."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

import keras
import numpy as np
from keras.src.backend.common.global_state import get_global_attribute  # Keras has no public name for these
from keras.src.random.seed_generator import global_seed_generator
from numpy.typing import NDArray

from mnistsweep.errors import TrialFailed

State = dict[str, Any]
"""Plain values, lists and dictionaries with texts as keys; numpy arrays anywhere among them."""

_ARRAY = "__array__"

# Where Keras keeps the generator of `keras.random` for calls without a seed, once there was one.
_SEEDS = "global_seed_generator"


def capture(model: Any, callbacks: Sequence[keras.callbacks.Callback]) -> State:
    """Take the state of a training.

    Args:
        model: A compiled Keras model: its variables (random seeds too, metrics not), and those of its optimizers.
        callbacks: See `resuming.ResumePoint` for what is taken from them.

    Returns:
        Arrays of its own, with the state of Python's and of numpy's random numbers.

    Raises:
        TrialFailed: A callback's `get_state` returns what cannot be written.
    """
    version, numbers, gauss = random.getstate()
    seeds = get_global_attribute(_SEEDS)
    return {
        "variables": _values(model.variables),
        "optimizers": {name: _optimizer_state(model, optimizer) for name, optimizer in _optimizers(model).items()},
        "callbacks": [{"class": _class(callback), "state": _callback_state(callback)} for callback in callbacks],
        "keras_random": None if seeds is None else _values([seeds.state]),
        "python_random": [version, np.array(numbers, np.uint32), gauss],
        "numpy_random": np.random.get_state(legacy=False),
    }


def restore(state: State, model: Any, callbacks: Sequence[keras.callbacks.Callback]) -> None:
    """Put back what `capture` took; the random numbers last, for all before may draw some.

    Args:
        state: What was taken.
        model: Of the same architecture; its optimizers need not be built.
        callbacks: Of the same classes in the same order.

    Raises:
        ValueError: The state is that of another training.
    """
    _assign(model.variables, state["variables"], "the model")
    optimizers, variables = _optimizers(model), model.variables
    _agree("the optimizers", list(state["optimizers"]), list(optimizers))
    for name, own in state["optimizers"].items():
        if own["trained"] and not optimizers[name].built:
            optimizers[name].build([variables[index] for index in own["trained"]])
        _assign(optimizers[name].variables, own["variables"], name)
    _agree("the callbacks", [own["class"] for own in state["callbacks"]], [_class(one) for one in callbacks])
    for callback, own in zip(callbacks, state["callbacks"], strict=True):
        _set_callback_state(callback, own["state"])
    if state["keras_random"] is not None:
        _assign([global_seed_generator().state], state["keras_random"], "Keras's random numbers")
    version, numbers, gauss = state["python_random"]
    random.setstate((version, tuple(numbers.tolist()), gauss))
    np.random.set_state(state["numpy_random"])


def curves(model: Any, epoch: int, logs: Mapping[str, Any]) -> State:
    """What `model.fit` will return, with the epoch that ends now: Keras adds it after all callbacks were called."""
    found = getattr(model, "history", None)
    if not isinstance(found, keras.callbacks.History):
        return {"epoch": [], "history": {}}
    epochs, history = list(found.epoch), {name: list(values) for name, values in found.history.items()}
    if epoch not in epochs:
        epochs.append(epoch)
        for name, value in logs.items():
            history.setdefault(name, []).append(value)
    return {"epoch": epochs, "history": {name: own for name, own in history.items() if all(map(_is_plain, own))}}


def give_curves(model: Any, state: State) -> None:
    """Put back what `curves` took, as the beginning of what `model.fit` will return."""
    found = getattr(model, "history", None)
    if isinstance(found, keras.callbacks.History):
        found.epoch = list(state["epoch"])
        found.history = {name: list(values) for name, values in state["history"].items()}


def pack(value: Any, arrays: list[NDArray[np.uint8]]) -> Any:
    """A state as JSON has it.

    Args:
        value: The state, or a part of it.
        arrays: The bytes of its arrays are appended here; their type, shape and number of bytes stay in the state.

    Example:
        >>> found = []
        >>> pack({"weights": [np.float32([1, 2])], "epoch": 3}, found)
        {'weights': [{'__array__': ['<f4', [2], 8]}], 'epoch': 3}
    """
    if isinstance(value, dict):
        return {key: pack(item, arrays) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [pack(item, arrays) for item in value]
    if not _is_array(value):
        return value
    arrays.append(np.ascontiguousarray(value).reshape(-1).view(np.uint8))
    # By its name where numpy does not know the type (bfloat16).
    kind = value.dtype.name if value.dtype.kind == "V" else value.dtype.str
    return {_ARRAY: [kind, list(value.shape), arrays[-1].size]}


def unpack(value: Any, data: NDArray[np.uint8]) -> Any:
    """Undo `pack`.

    Args:
        value: What it returned.
        data: The bytes of all arrays, one after the other.
    """
    return _Unpacking(data).of(value)


class _Unpacking:
    """Meets the arrays in the order in which they were packed."""

    def __init__(self, data: NDArray[np.uint8]) -> None:
        self._data = data
        self._first = 0

    def of(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self.of(item) for item in value]
        if not isinstance(value, dict):
            return value
        return self._array(*value[_ARRAY]) if _ARRAY in value else {key: self.of(item) for key, item in value.items()}

    def _array(self, kind: str, shape: list[int], size: int) -> Any:
        first, self._first = self._first, self._first + size
        array = self._data[first : self._first].copy().view(np.dtype(kind)).reshape(shape)
        return array if shape else array[()]


def _values(variables: Sequence[Any]) -> list[NDArray[Any]]:
    """Copies: what PyTorch gives is the memory that it trains."""
    arrays = [keras.ops.convert_to_numpy(variable.value) for variable in variables]
    return [array if array.flags.owndata else array.copy() for array in arrays]


def _assign(variables: Sequence[Any], values: Sequence[Any], where: str) -> None:
    """Give variables their values, of the same shapes and types."""
    saved = [f"{value.dtype.name}{list(value.shape)}" for value in values]
    _agree(where, saved, [f"{keras.backend.standardize_dtype(one.dtype)}{list(one.shape)}" for one in variables])
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _agree(where: str, saved: list[str], found: list[str]) -> None:
    """Raise with the first difference between two lists."""
    for one, other in zip_longest(saved, found, fillvalue="nothing"):
        if one != other:
            raise ValueError(f"{where}: {one} was saved, there is {other}")


def _optimizers(model: Any) -> dict[str, Any]:
    """The optimizer of a model, and those that a training step of the user's own keeps beside it, by attribute."""
    return {name: one for name, one in vars(model).items() if isinstance(one, keras.optimizers.Optimizer)}


def _optimizer_state(model: Any, optimizer: Any) -> State:
    """An optimizer's variables, and which variables of the model it trains: one that is not built yet is built so."""
    places = {id(variable): index for index, variable in enumerate(model.variables)}
    trained = getattr(optimizer, "_trainable_variables", None) or []
    known = [places[id(variable)] for variable in trained if id(variable) in places]
    return {"trained": known if len(known) == len(trained) else [], "variables": _values(optimizer.variables)}


def _class(instance: Any) -> str:
    return f"{type(instance).__module__}.{type(instance).__qualname__}"


def _callback_state(callback: Any) -> State:
    if not _speaks(callback):
        learnt = {name: _own(value) for name, value in vars(callback).items() if _is_learnt(value)}
        if hasattr(
            callback, "monitor_op"
        ):  # Keras changes the sign of `min_delta` as it makes this function, once more
            learnt.pop("min_delta", None)
        return learnt
    state: State = callback.get_state()
    try:
        json.dumps(pack(state, []))
    except TypeError as error:
        rule = "must return a dictionary of plain values, lists and arrays"
        raise TrialFailed(f"{_class(callback)}.get_state(): {rule}: {error}") from error
    return state


def _set_callback_state(callback: Any, state: State) -> None:
    if _speaks(callback):
        callback.set_state(state)
        return
    for name, value in state.items():
        if _is_learnt(getattr(callback, name, None)):  # not in place of a function or a file that it has opened since
            setattr(callback, name, value)


def _speaks(callback: Any) -> bool:
    """Whether a callback has a state of its own making."""
    return callable(getattr(callback, "get_state", None)) and callable(getattr(callback, "set_state", None))


def _is_learnt(value: Any) -> bool:
    """Whether an attribute of a callback is something that it has learnt: a plain value, an array, a list of arrays."""
    if isinstance(value, list):
        return bool(value) and all(isinstance(item, np.ndarray) and _is_array(item) for item in value)
    return _is_plain(value)


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, bool | int | float | str) or _is_array(value)


def _is_array(value: Any) -> bool:
    """Whether a value is a numpy array, or a scalar of numpy's, of plain numbers or texts."""
    return isinstance(value, np.ndarray | np.generic) and not value.dtype.hasobject and value.dtype.names is None


def _own(value: Any) -> Any:
    """An array that the callback may change in place is copied."""
    return value.copy() if isinstance(value, np.ndarray) else value
