"""Release of the memory of a trained model, and errors for lack of memory."""

from __future__ import annotations

import gc
from typing import Any

import keras

from mnistsweep.printable import message_of


def free_graphs(model: Any) -> None:
    """Dismantle the TensorFlow graphs that reference a model's variables; the model cannot be trained afterwards.

    A graph and its operations reference one another through C++, where Python's garbage collector does not see it. A
    compiled training step, including that of `model.fit`, would therefore keep the weights and the optimizer's state in
    memory until the process ends: about 20 MB a training for a model of 1.6 million weights with TensorFlow 2.21.

    Args:
        model: A Keras model. With another backend than TensorFlow the function does nothing.
    """
    if keras.backend.backend() != "tensorflow":
        return
    try:  # private API, checked against TensorFlow 2.21; without it a process only uses more memory
        from tensorflow.python.framework.func_graph import FuncGraph, dismantle_func_graph
    except ImportError:
        return
    variables = [*model.variables, *getattr(getattr(model, "optimizer", None), "variables", [])]
    handles = {id(variable.value.handle) for variable in variables}
    # By type: `isinstance` reads the attribute `__class__` of all objects, for which those of PyTorch may warn.
    for graph in [found for found in gc.get_objects() if issubclass(type(found), FuncGraph)]:
        if any(id(captured) in handles for captured, _ in graph.captures):
            dismantle_func_graph(graph)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that the memory of the machine or of a GPU did not suffice, with any backend.

    Args:
        error: Error of a training.
    """
    names = {kind.__name__ for kind in type(error).__mro__}
    is_named = not names.isdisjoint({"MemoryError", "ResourceExhaustedError", "OutOfMemoryError"})
    return is_named or "RESOURCE_EXHAUSTED" in message_of(error)
