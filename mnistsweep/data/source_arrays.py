"""The arrays of a source: the loader is called, and the training set is converted and checked."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

from mnistsweep import memory, targets
from mnistsweep.data.examples import Examples
from mnistsweep.data.inputs import column_names
from mnistsweep.data.parts import Parts, convert_part, unpack
from mnistsweep.data.settings import TARGET, Settings
from mnistsweep.data.structure import Structure, describe, leaves, map_leaves, num_examples
from mnistsweep.data.task import possible_tasks
from mnistsweep.errors import ConfigError, DataError
from mnistsweep.user_code import explained

# Size of one number in the type in which the inputs are trained on.
FLOAT32_BYTES = 4


@dataclass(frozen=True, eq=False)
class Loaded:
    """Arrays of a source: the training set is converted and checked, the other parts are not.

    Attributes:
        train: Training set.
        validation: Validation set as the loader returned it; None: it is split from the training set.
        test: Test set as the loader returned it; None: the source has none.
        tasks: What the targets are possible for, see `Dataset.tasks`.
        columns: Names of the columns of a pandas table of inputs; empty for anything else.
        target_columns: Names of the columns of a pandas table of targets; empty for anything else.
    """

    train: Examples
    validation: Any
    test: Any
    tasks: Structure
    columns: tuple[str, ...] = ()
    target_columns: tuple[str, ...] = ()


def call_loader(settings: Settings) -> Parts:
    """Call the loader.

    Args:
        settings: Settings of the data.

    Returns:
        What it returned: the parts are not converted.

    Raises:
        ConfigError: The loader is no function, or does not accept its arguments.
        DataError: The loader failed, or returned something else than parts of a data set.
    """
    loader = targets.resolve(settings.loader, TARGET)
    if not callable(loader):
        raise ConfigError(f"{TARGET} must name a function; {settings.loader!r} is a {type(loader).__name__}")
    with explained(functools.partial(_loading_failed, settings)):
        returned = targets.call("data", loader, {"_target_": settings.loader, **settings.arguments}, {})
    return unpack(returned, settings.source)


def read_source(settings: Settings) -> Loaded:
    """Call the loader, then convert and check the training set, which must be arrays.

    Args:
        settings: Settings of the data.

    Raises:
        ConfigError: The loader is no function, or does not accept its arguments.
        DataError: The loader failed, its arrays do not fit together, or its data stream.
    """
    return read_parts(call_loader(settings), settings)


def read_parts(parts: Parts, settings: Settings) -> Loaded:
    """Convert and check the training set.

    Args:
        parts: What the loader returned.
        settings: Settings of the data.

    Raises:
        DataError: The arrays do not fit together, or the data stream.
    """
    if parts.is_stream:
        raise DataError(f"data: arrays are needed here; the loader returns {describe(parts.train)} ({settings.source})")
    train = convert_part(parts.train, "training", settings.source, settings.target == "input")
    tasks = map_leaves(
        lambda array: possible_tasks(array, settings.target, "training targets", settings.source), train.targets
    )
    columns, target_columns = map(column_names, parts.train[:2])
    return Loaded(train, parts.validation, parts.test, tasks, columns, target_columns)


def _loading_failed(settings: Settings, reason: str) -> DataError:
    if "MemoryError" in reason:
        reason += f"; {memory.format_bytes(memory.available_bytes())} of memory are free"
    return DataError(f"the loader failed with {reason} ({settings.source})")


def require_memory(settings: Settings, inputs: Structure, count: int) -> None:
    """Check that the memory suffices for what is made of the inputs: a copy of each split, and it as float32.

    Args:
        settings: Settings of the data.
        inputs: Inputs of the training set.
        count: Number of examples of both splits.

    Raises:
        DataError: The memory does not suffice.
    """
    num_bytes = count * sum(leaf[:1].nbytes + FLOAT32_BYTES * leaf[:1].size for leaf in leaves(inputs))
    purpose = f"the {count} examples for training and validation need {memory.format_bytes(num_bytes)} as float32"
    described = f"{num_examples(inputs)} inputs, {describe(inputs)}; {settings.source}"
    memory.require_memory(num_bytes, f"{purpose} and in their own dtype ({described})")
