"""Variables of models that create them with their first batch, and batches of a fixed size."""

from __future__ import annotations

from typing import Any

import keras

from mnistsweep.data.structure import Structure, num_examples, take
from mnistsweep.training.keras_internals import all_layers


def create_variables(model: Any, inputs: Structure) -> None:
    """Call a model that is not built yet, so that it creates its variables.

    Args:
        model: A Keras model.
        inputs: Inputs of a training step. The first example is used, or all where every batch must have the same size.

    Raises:
        Exception: The model does not accept the examples.
    """
    if model.built:
        return
    count = num_examples(inputs) if has_fixed_batches(model) else 1
    try:
        model(take(inputs, slice(count)))
        reset_states(model)
    except NotImplementedError:  # a model with its own training step needs no `call`; its layers may be built
        if not model.weights:
            raise
        model.built = True


def has_fixed_batches(model: Any) -> bool:
    """Whether every batch of a model must have the same size.

    This is so for stateful recurrent layers, which keep a state for each row of a batch, and where the builder has
    given ``keras.Input(batch_shape=...)``.

    Args:
        model: A Keras model.
    """
    return static_batch_size(model) is not None or has_states(model)


def has_states(model: Any) -> bool:
    """Whether a model has stateful recurrent layers, so that what it predicts depends on the batches before.

    Args:
        model: A Keras model.
    """
    return any(map(_is_stateful, all_layers(model)))


def fixed_batch_size(model: Any) -> int | None:
    """Number of examples in each batch of a model that was called before; None: any number.

    Args:
        model: A Keras model.
    """
    states = (keras.tree.flatten(getattr(layer, "states", None)) for layer in all_layers(model) if _is_stateful(layer))
    sizes = (state.shape[0] for one in states for state in one if state is not None)
    return static_batch_size(model) or next(sizes, None)


def has_own_step(model: Any, name: str = "train_step") -> bool:
    """Whether a model has a step of its own. A training step may return metrics that no other method returns.

    Args:
        model: A Keras model.
        name: ``train_step`` or ``test_step``.
    """
    return getattr(type(model), name, None) is not getattr(keras.Model, name)


def own_fit_of(model: Any) -> str:
    """Name of the `fit` of a model if it is not that of Keras; empty if it is.

    Args:
        model: A Keras model.
    """
    is_own = getattr(model.fit, "__func__", model.fit) is not keras.Model.fit
    return f"{type(model).__name__}.fit" if is_own else ""


def static_batch_size(model: Any) -> int | None:
    """Number of examples in a batch by ``keras.Input(batch_shape=...)``; None where the builder has not set it."""
    sizes = {tensor.shape[0] for tensor in getattr(model, "inputs", None) or [] if tensor.shape}
    return next((size for size in sizes if isinstance(size, int)), None)


def reset_states(model: Any) -> None:
    """Set the states of stateful recurrent layers to zero, so that predictions do not depend on earlier ones.

    Args:
        model: A Keras model.
    """
    for layer in all_layers(model):
        if _is_stateful(layer) and callable(getattr(layer, "reset_state", None)):
            layer.reset_state()


def _is_stateful(layer: Any) -> bool:
    return bool(getattr(layer, "stateful", False))
