"""Limit of the size of a model."""

from __future__ import annotations

from typing import Any

import numpy as np

from mnistsweep.data.structure import Structure
from mnistsweep.errors import TrialLimited
from mnistsweep.training.building import create_variables


def check_model_size(model: Any, max_parameters: int, inputs: Structure) -> None:
    """Check that a model does not have too many parameters.

    Args:
        model: A Keras model; a model that creates its variables with the first batch is built.
        max_parameters: Maximum number of parameters, including those that are not trained.
        inputs: Inputs of a training step, to build the model.

    Raises:
        TrialLimited: The model has more parameters.
    """
    parameters = num_parameters(model, inputs)
    if parameters > max_parameters:
        raise TrialLimited(f"the model has {parameters} parameters, more than trial.max_parameters={max_parameters}")


def num_parameters(model: Any, inputs: Structure) -> int:
    """Return the number of parameters of a model, including those that are not trained.

    Args:
        model: A Keras model; a model that creates its variables with the first batch is built.
        inputs: Inputs of a training step, to build the model.
    """
    create_variables(model, inputs)
    return sum(int(np.prod(variable.shape)) for variable in model.weights)
