"""Limit of the size of a model."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistsweep.errors import TrialLimited


def check_model_size(model: Any, max_parameters: int, images: NDArray[Any]) -> None:
    """Check that a model does not have too many parameters.

    Args:
        model: A Keras model; a model that creates its variables with the first batch is built.
        max_parameters: Maximum number of parameters, including those that are not trained.
        images: Images that the model accepts, ``(n, ...)``; the first is used to build it.

    Raises:
        TrialLimited: The model has more parameters.
    """
    if not model.built:
        model(images[:1])
    parameters = sum(int(np.prod(variable.shape)) for variable in model.weights)
    if parameters > max_parameters:
        raise TrialLimited(f"the model has {parameters} parameters, more than trial.max_parameters={max_parameters}")
