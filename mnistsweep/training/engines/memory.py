"""Giving back the memory of a model that has been trained."""

from __future__ import annotations

import gc
from typing import Any

import keras


def free_graphs(model: Any) -> None:
    """Take apart the TensorFlow graphs that hold on to a model's variables; it is not trained after this.

    A graph and its operations refer to one another through C++, where Python's garbage collector does not see it. So a
    compiled training step, `model.fit`'s own too, would keep the weights and the optimizer's state in memory for as
    long as the process lives: with TensorFlow 2.21 about 20 MB a training of a model of 1.6 million weights.

    Args:
        model: Any Keras model; with another backend than TensorFlow there is nothing to do.
    """
    if keras.backend.backend() != "tensorflow":
        return
    try:
        from tensorflow.python.framework.func_graph import FuncGraph, dismantle_func_graph
    except ImportError:  # no public interface; a version without it only takes more memory
        return
    variables = [*model.variables, *getattr(getattr(model, "optimizer", None), "variables", [])]
    handles = {id(variable.value.handle) for variable in variables}
    for graph in [found for found in gc.get_objects() if isinstance(found, FuncGraph)]:
        if any(id(captured) in handles for captured, _ in graph.captures):
            dismantle_func_graph(graph)
