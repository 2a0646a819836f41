"""Refusal of models with variables that an earlier training of this process has changed.

Such a model does not start from its initial weights, so its results would depend on the order of the trials. A builder
returns one if it returns the same model again, or if it adds layers of its module, which are created once.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any
from weakref import WeakValueDictionary

from mnistsweep.errors import ConfigError

# Living variables by their `id`, because they cannot be hashed.
_TRAINED: MutableMapping[int, Any] = WeakValueDictionary()


def check_is_new(model: Any) -> None:
    """Check that no earlier training has changed a variable of a model. Frozen layers may be shared.

    Args:
        model: A Keras model that is about to be trained.

    Raises:
        ConfigError: The model has such a variable.
    """
    found = [variable.path for variable in model.variables if id(variable) in _TRAINED]
    if found:
        raise ConfigError(
            f"model: must be built from new layers for each training; received one with the variable {found[0]!r}, "
            "which an earlier training has changed; create the model and its layers within the builder (frozen layers "
            "may be shared)"
        )


def remember_training(model: Any) -> None:
    """Remember that a training may have changed the trainable variables of a model.

    Args:
        model: A Keras model.
    """
    _TRAINED.update({id(variable): variable for variable in model.trainable_variables})
