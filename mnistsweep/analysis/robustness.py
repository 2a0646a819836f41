"""Accuracy and confidence of models on distorted images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Response:
    """How models answer to one distortion.

    Attributes:
        name: Of the distortion, such as ``noise``.
        unit: Of its strength, such as ``amplitude`` or ``degrees``.
        strengths: ``(strengths,)``, ascending; the first is 0: the image as it is.
        accuracy: ``(seeds, strengths)``, from 0 to 1.
        confidence: Mean of the largest probability, likewise.
    """

    name: str
    unit: str
    strengths: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    confidence: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Robustness:
    """How models answer to several distortions.

    Attributes:
        responses: One a distortion.
        examples: The images at each strength, by the distortion's name: ``(strengths, height, width[, 3])``, 0 to 1.
        num_images: How many images each accuracy was measured on.
    """

    responses: Sequence[Response]
    examples: dict[str, NDArray[np.float64]]
    num_images: int
