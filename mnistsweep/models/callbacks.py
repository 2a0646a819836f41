"""Callbacks by dotted path: checks without an import of Keras or of the user's module."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mnistsweep import target_source, targets
from mnistsweep.errors import suggest
from mnistsweep.models import keras_names

KEY = "trainer.callbacks"

_KERAS = "keras.callbacks."


def check(entries: Sequence[Any]) -> list[str]:
    """Find callbacks whose dotted path leads nowhere, or that take no such argument.

    Args:
        entries: Value of ``trainer.callbacks``; entries without a `_target_` are left out.

    Returns:
        A message for each fault, with the nearest right name.

    Example:
        >>> check([{"_target_": "keras.callbacks.EarlyStoping"}])[0].partition(";")[0]
        "trainer.callbacks[0]._target_: Keras has no callback 'EarlyStoping'"
    """
    targeted = [(f"{KEY}[{i}]", entry) for i, entry in enumerate(entries) if isinstance(entry, Mapping)]
    return [fault for key, entry in targeted if "_target_" in entry for fault in _faults(key, entry)]


def may_add_metrics(entries: Sequence[Any]) -> bool:
    """Whether a callback may add values to the logs of an epoch: any but those of Keras, which do not.

    Args:
        entries: Value of ``trainer.callbacks``.

    Example:
        >>> may_add_metrics([{"_target_": "keras.callbacks.EarlyStopping"}]), may_add_metrics([{"_target_": "a.F1"}])
        (False, True)
    """
    named = [str(entry.get("_target_")) for entry in entries if isinstance(entry, Mapping)]
    return any(name == f"{_KERAS}LambdaCallback" or not name.startswith(_KERAS) for name in named)


def may_read_epochs(entries: Sequence[Any]) -> int | None:
    """Return the index of the first callback that may read how many epochs a training has; None if there is none.

    Keras gives this number to every callback (``params["epochs"]``). No callback of Keras changes a training by it.

    Args:
        entries: Value of ``trainer.callbacks``.

    Example:
        >>> may_read_epochs([{"_target_": "keras.callbacks.EarlyStopping"}, {"_target_": "a.Decay"}])
        1
    """
    named = [str(entry.get("_target_")) if isinstance(entry, Mapping) else "" for entry in entries]
    return next((index for index, name in enumerate(named) if not name.startswith(_KERAS)), None)


def _faults(key: str, entry: Mapping[str, Any]) -> list[str]:
    dotted = entry["_target_"]
    if isinstance(dotted, str) and dotted.startswith(_KERAS):
        known, name = keras_names.class_names("callbacks"), dotted.removeprefix(_KERAS)
        return [] if name in known else [f"{key}._target_: Keras has no callback {name!r}; {suggest(name, known)}"]
    if faults := target_source.check(dotted, f"{key}._target_"):
        return faults
    arguments = target_source.declared_arguments(dotted)
    received = [name for name in entry if name not in targets.RESERVED]
    if arguments is None:
        return []
    return targets.unknown_keys(key, dotted, received, [name for name in arguments if name != "self"])
