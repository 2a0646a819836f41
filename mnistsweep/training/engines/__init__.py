"""Engines, which run one epoch: compiled over data on the device where TensorFlow allows it, else with `model.fit`.

::

    base.py         Engine, the interface: `train_epoch` and `evaluate`
    resident.py     TensorFlow only: many batches a call, data kept on the device; 1.2 to 3 times as fast as `model.fit`
    device_data.py  copies of arrays on the device, shared by engines
    portable.py     any Keras backend
    streams.py      data that stream, by one call of `model.fit`
    announcement.py the log line that names the engine
    slot.py         EngineSlot: the engine of a model between two trainings
memory.py       free_graphs: release the memory of a trained model
"""

from __future__ import annotations

from typing import Literal

from mnistsweep.data.structure import num_bytes
from mnistsweep.errors import ConfigError, suggest
from mnistsweep.memory import format_bytes
from mnistsweep.training.engines.base import AnySplit, Engine, Split, StreamSplit
from mnistsweep.training.engines.portable import PortableEngine
from mnistsweep.training.engines.resident import ResidentEngine, find_obstacle
from mnistsweep.training.engines.slot import EngineSlot

EngineName = Literal["auto", "resident", "portable"]

_NAMES = ("auto", "resident", "portable")


def choose_engine(name: EngineName, model: object, train: Split, validation: Split | None, batch_size: int) -> Engine:
    """Create the engine that trains a model.

    Args:
        name: `resident`, `portable`, or `auto` for the resident engine where it can be used.
        model: A compiled Keras model.
        train: Images and labels to train on; the first axis is the example.
        validation: Images and labels to evaluate on after each epoch; None for no evaluation.
        batch_size: Number of examples in a training step.

    Raises:
        ConfigError: The name is unknown, or the resident engine cannot train this model on this machine.

    Example:
        ``choose_engine("auto", model, (x, y), None, 128).train_epoch(order, callbacks)``
    """
    if name not in _NAMES:
        raise ConfigError(f"engine: must be the name of an engine, received {name!r}; {suggest(name, _NAMES)}")
    reason = "as requested" if name == "portable" else find_obstacle(model, (train, validation))
    if name == "resident" and reason is not None:
        raise ConfigError(f"engine: 'resident' cannot be used here: {reason}; use 'auto' or 'portable'")
    engine: Engine
    if reason is None:
        engine = ResidentEngine(model, train, validation, batch_size)
        size = sum(num_bytes(list(split)) for split in (train, validation) if split is not None)
        engine.reason = f"arrays of {format_bytes(size)} fit the device"
    else:
        engine = PortableEngine(model, train, validation, batch_size)
        engine.reason = reason
    return engine


__all__ = [
    "AnySplit",
    "Engine",
    "EngineName",
    "EngineSlot",
    "PortableEngine",
    "ResidentEngine",
    "Split",
    "StreamSplit",
    "choose_engine",
]
