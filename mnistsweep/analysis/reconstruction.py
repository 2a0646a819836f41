"""Errors of predicted arrays, such as the reconstructions of an autoencoder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mnistsweep.analysis.arrays import Floats
from mnistsweep.analysis.bootstrap import percentile_interval, resampled_means
from mnistsweep.errors import DataError


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """Errors of one model, means over all elements of all examples, with 95 % bootstrap intervals over examples.

    Attributes:
        mae: Mean absolute error; smaller is better.
        mse: Mean squared error; smaller is better.
        rmse: Root of the mean squared error.
        explained: ``1 - mse / variance``, at most 1; the variance is that of each element over the examples. 0 for the
            mean example as prediction, NaN where all examples are equal.
        mae_interval: Interval of `mae`, ``(2,)``.
        mse_interval: Interval of `mse`, ``(2,)``.
        rmse_interval: Interval of `rmse`, ``(2,)``.
        mse_of_examples: Mean squared error of each example, ``(n,)``.
    """

    mae: float
    mse: float
    rmse: float
    explained: float
    mae_interval: Floats
    mse_interval: Floats
    rmse_interval: Floats
    mse_of_examples: Floats


def measure_reconstruction(predicted: Any, truth: Any) -> Reconstruction:
    """Measure the errors of predicted arrays.

    Args:
        predicted: ``(n, ...)``.
        truth: Arrays to be predicted, in the same shape.

    Raises:
        DataError: The arrays have different shapes.

    Example:
        >>> measure_reconstruction([[1.0, 2.0], [3.0, 4.0]], [[1.0, 2.0], [3.0, 6.0]]).mse
        1.0
    """
    guess, value = np.asarray(predicted), np.asarray(truth)
    if guess.shape != value.shape:
        raise DataError(f"predicted arrays: must have the shape of the targets, {value.shape}, not {guess.shape}.")
    guess, value = guess.reshape(len(guess), -1), value.reshape(len(value), -1)
    error = guess.astype(np.float64) - value
    columns = np.stack([np.abs(error).mean(axis=1), (error**2).mean(axis=1)], axis=1)
    mae, mse = columns.mean(axis=0)
    drawn = resampled_means(columns)
    ends = percentile_interval(drawn)
    variance = float(value.astype(np.float64).var(axis=0).mean())
    return Reconstruction(
        mae=float(mae),
        mse=float(mse),
        rmse=float(mse**0.5),
        explained=1 - float(mse) / variance if variance > 0 else float("nan"),
        mae_interval=ends[:, 0],
        mse_interval=ends[:, 1],
        rmse_interval=np.sqrt(ends[:, 1]),
        mse_of_examples=columns[:, 1],
    )
