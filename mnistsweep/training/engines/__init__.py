"""How one epoch is run: compiled over resident data where TensorFlow allows it, through `model.fit` everywhere else.

::

    base.py       Engine, the contract: `train_epoch` and `evaluate`
    resident.py   TensorFlow only: many batches a call, data kept on the device; 1.2 to 3 times `model.fit`
    portable.py   any Keras backend
"""

from __future__ import annotations

from typing import Literal

from mnistsweep.errors import ConfigError, suggest
from mnistsweep.training.engines.base import Arrays, Engine
from mnistsweep.training.engines.portable import PortableEngine
from mnistsweep.training.engines.resident import ResidentEngine, obstacle

EngineName = Literal["auto", "resident", "portable"]

_NAMES = ("auto", "resident", "portable")


def choose_engine(name: EngineName, model: object, train: Arrays, validation: Arrays | None, batch_size: int) -> Engine:
    """Build the engine that trains a model.

    Args:
        name: `auto` takes the resident engine where it can be used.
        model: A compiled Keras model.
        train: Images and labels to train on; the first axis is the example.
        validation: Images and labels to evaluate on after each epoch, if any.
        batch_size: Examples a step.

    Raises:
        ConfigError: No engine has that name, or the resident engine cannot train this model here.

    Example:
        ``choose_engine("auto", model, (x, y), None, 128).train_epoch(order, callbacks)``
    """
    if name not in _NAMES:
        raise ConfigError(f"engine: no engine is called {name!r}; {suggest(name, _NAMES)}")
    reason = obstacle(model, (train, validation)) if name != "portable" else "asked for"
    if name == "resident" and reason:
        raise ConfigError(f"engine: 'resident' cannot be used here: {reason}; use 'auto' or 'portable'")
    kind = PortableEngine if reason else ResidentEngine
    return kind(model, train, validation, batch_size)


__all__ = ["Arrays", "Engine", "EngineName", "PortableEngine", "ResidentEngine", "choose_engine"]
