"""Outputs of a model, and which of them belongs to which target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mnistsweep.data.structure import Structure, leaves_by_name


def output_names(model: Any, targets: Structure) -> list[str]:
    """Name of the output of each target, in the order of the targets' leaves; one empty name for a single array.

    Targets in a dictionary have their keys. Targets in a list have the names that Keras gives the outputs.

    Args:
        model: A Keras model.
        targets: Targets, or any structure of their form.
    """
    names = list(leaves_by_name(targets))
    of_model = list(getattr(model, "output_names", None) or [])
    if isinstance(targets, list | tuple) and len(of_model) == len(names) == len(set(of_model)):
        return of_model
    return names


def output_of(model: Any, outputs: Structure, name: str, position: int) -> Any:
    """What belongs to one target among values for all outputs.

    Args:
        model: A Keras model.
        outputs: Values for all outputs: predictions or symbolic tensors, in the structure that the model returns.
        name: Name of the output, from `output_names`.
        position: Position of the target among the targets' leaves.

    Returns:
        The value; None where there is none, or where one target faces several outputs.
    """
    found = leaves_by_name(outputs)
    values, of_model = list(found.values()), list(getattr(model, "output_names", None) or [])
    if name in found:
        return found[name]
    if not name:
        return values[0] if len(values) == 1 else None
    if name in of_model and len(of_model) == len(values) and not isinstance(outputs, Mapping):
        return values[of_model.index(name)]
    return values[position] if position < len(values) else None


def output_shape_of(model: Any, name: str, position: int) -> tuple[int | None, ...] | None:
    """Shape of one output without the axis of the examples; None where it is unknown.

    Args:
        model: A Keras model.
        name: Name of the output, from `output_names`.
        position: Position of the target among the targets' leaves.
    """
    try:
        symbolic = model.output
    except (AttributeError, ValueError, RuntimeError):  # a subclassed model has no symbolic outputs
        return None
    shape = getattr(output_of(model, symbolic, name, position), "shape", None)
    return None if shape is None else tuple(shape)[1:]


def loss_of(model: Any, name: str, position: int) -> Any:
    """Compiled loss of one output: a name, a function, a `keras.losses.Loss`, or None.

    Args:
        model: A compiled Keras model.
        name: Name of the output, from `output_names`.
        position: Position of the target among the targets' leaves.
    """
    loss = getattr(model, "loss", None)
    if isinstance(loss, Mapping):
        return loss.get(name, next(iter(loss.values())) if len(loss) == 1 else None)
    if isinstance(loss, Sequence) and not isinstance(loss, str):
        return loss[position] if position < len(loss) else None
    return loss


def loss_name(loss: Any) -> str | None:
    """Name of a compiled loss; None where it has none."""
    name = loss if isinstance(loss, str) else getattr(loss, "name", None) or getattr(loss, "__name__", None)
    return None if name is None else str(name)
