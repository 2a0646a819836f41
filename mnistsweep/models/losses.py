"""Losses by name. Imports no Keras."""

from __future__ import annotations

import inspect
from typing import Any

from mnistsweep import target_source, targets
from mnistsweep.errors import ConfigError, suggest
from mnistsweep.models import keras_names

KEY = "trainer.loss"

SHORT_NAMES = ("bce", "kld", "mae", "mape", "mse", "msle")
"""Further names that `keras.losses.get` resolves."""


# Public classes that `keras.losses.get` does not resolve: the base class, and a loss that Keras has left out.
_UNNAMED = ("Loss", "CategoricalGeneralizedCrossEntropy")


def names() -> list[str]:
    """Names of all losses of the installed Keras, as `keras.losses.get` resolves them.

    Example:
        >>> "huber" in names(), "loss" in names()
        (True, False)
    """
    found = [keras_names.snake_case(name) for name in keras_names.class_names("losses") if name not in _UNNAMED]
    return sorted({*SHORT_NAMES, *found})


def is_path(loss: str) -> bool:
    """Whether a loss is given by its dotted path (``package.module:function``), not by the name of a Keras loss."""
    return "." in loss or ":" in loss


def short_name(loss: str) -> str:
    """Name of a loss without its module, in snake case: ``CategoricalHinge`` is ``categorical_hinge``.

    Example:
        >>> short_name("keras.losses.CategoricalHinge"), short_name("my_losses:focal")
        ('categorical_hinge', 'focal')
    """
    return keras_names.snake_case(loss.replace(":", ".").rpartition(".")[2])


def check(loss: Any) -> list[str]:
    """Check the name or the dotted path of a loss; imports neither Keras nor the user's module.

    Returns:
        Messages that name the key and the nearest known loss; empty where no fault was found.
    """
    if not isinstance(loss, str):
        return [f"{KEY} must be the name of a loss or a dotted path; received {loss!r}"]
    if is_path(loss):
        return target_source.check(loss, KEY)
    known = names()
    return [] if loss in known else [f"{KEY}: no loss of Keras is called {loss!r}; {suggest(loss, known)}"]


def check_loss(loss: Any) -> None:
    """Raise `ConfigError` with the messages of `check`, where there are any.

    Raises:
        ConfigError: The name is unknown, or the dotted path leads nowhere.
    """
    faults = check(loss)
    if faults:
        raise ConfigError("\n".join(faults))


def build_loss(loss: str) -> Any:
    """Build the argument `loss` of `keras.Model.compile`.

    Args:
        loss: A name in `names`, or the dotted path of a function ``f(y_true, y_pred)``, of a `keras.losses.Loss` or of
            an instance of one. A class is called without arguments.

    Raises:
        ConfigError: The name is unknown, or the object at the dotted path is not callable.
    """
    check_loss(loss)
    if not is_path(loss):
        return loss
    found = targets.resolve(loss, KEY)
    if inspect.isclass(found):
        found = found()
    if not callable(found):
        kind = type(found).__name__
        raise ConfigError(f"{KEY}: a loss must be callable with labels and predictions; {loss!r} is of type {kind}")
    return found
