"""Limit of the size of a model."""

from __future__ import annotations

from typing import Any

import numpy as np

from mnistsweep.data.structure import Structure, take
from mnistsweep.errors import TrialLimited


def check_model_size(model: Any, max_parameters: int, inputs: Structure) -> None:
    """Check that a model does not have too many parameters.

    Args:
        model: A Keras model; a model that creates its variables with the first batch is built.
        max_parameters: Maximum number of parameters, including those that are not trained.
        inputs: Inputs that the model accepts; the first example is used to build it.

    Raises:
        TrialLimited: The model has more parameters.
    """
    if not model.built:
        model(take(inputs, slice(1)))
    parameters = sum(int(np.prod(variable.shape)) for variable in model.weights)
    if parameters > max_parameters:
        raise TrialLimited(f"the model has {parameters} parameters, more than trial.max_parameters={max_parameters}")
