"""Errors of predicted numbers: mean absolute error, root mean squared error, R2, with bootstrap intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mnistsweep.analysis.accuracy import sample_std
from mnistsweep.analysis.arrays import Floats, Integers, check_numbers
from mnistsweep.analysis.bootstrap import percentile_interval, resampled_means

# Variance of the targets, as a share of their mean square, below which it is rounding and the targets are equal.
MIN_VARIANCE = 1e-12


@dataclass(frozen=True, eq=False)
class Errors:
    """Errors of one model, one value for each target, ``(k,)``, with 95 % bootstrap intervals, ``(2, k)``.

    Attributes:
        mae: Mean of ``|prediction - target|``; smaller is better.
        rmse: Root of the mean of ``(prediction - target)^2``; smaller is better.
        r2: ``1 - sum (prediction - target)^2 / sum (target - mean)^2``, at most 1; 0 for the mean of the targets as
            prediction. NaN where all targets are equal.
        bias: Mean of ``prediction - target``.
        mae_interval: Interval of `mae`.
        rmse_interval: Interval of `rmse`.
        r2_interval: Interval of `r2`.
        bias_interval: Interval of `bias`.
    """

    mae: Floats
    rmse: Floats
    r2: Floats
    bias: Floats
    mae_interval: Floats
    rmse_interval: Floats
    r2_interval: Floats
    bias_interval: Floats


@dataclass(frozen=True, eq=False)
class Regression:
    """Errors of models with several seeds, and of their committee: the mean of their predictions.

    Attributes:
        seeds: Errors of each seed.
        committee: Errors of the mean prediction over seeds.
        examples: Number of examples.
        spread: Standard deviation of the targets, ``(k,)``: the RMSE of their mean as prediction.
    """

    seeds: tuple[Errors, ...]
    committee: Errors
    examples: int
    spread: Floats

    def over_seeds(self, name: str, target: int) -> tuple[float, float]:
        """Mean and sample standard deviation of an error over seeds; the latter is NaN with one seed.

        Args:
            name: Name of an attribute of `Errors`: ``mae``, ``rmse`` or ``r2``.
            target: Position of the target.
        """
        values = np.array([getattr(one, name)[target] for one in self.seeds])
        return float(values.mean()), sample_std(values)

    def __str__(self) -> str:
        """Summary in one line for each of the first targets."""
        lines = []
        for target in range(min(len(self.spread), 5)):
            prefix = f"target {target}: " if len(self.spread) > 1 else ""
            mae, spread = self.over_seeds("mae", target)
            several = f" ± {spread:.2g} over {len(self.seeds)} seeds" if len(self.seeds) > 1 else ""
            low, high = self.committee.mae_interval[:, target]
            who = "committee " if len(self.seeds) > 1 else ""
            lines.append(
                f"{prefix}test MAE: {mae:.4g}{several} ({who}{self.committee.mae[target]:.4g}, 95 %: {low:.4g} to "
                f"{high:.4g}), RMSE {self.committee.rmse[target]:.4g}, R2 {self.committee.r2[target]:.4f}"
            )
        return "\n".join(lines)


def measure_regression(predictions: Any, targets: Any) -> Regression:
    """Measure the errors of each seed and of the committee.

    Args:
        predictions: ``(seeds, n, k)``.
        targets: ``(n, k)``.

    Raises:
        DataError: The arrays do not fit together, or hold numbers that are not finite.

    Example:
        >>> found = measure_regression([[[1.0], [3.0]]], [[1.0], [2.0]])
        >>> found.committee.mae.tolist(), found.committee.r2.tolist()
        ([0.5], [-1.0])
    """
    predicted, truth = check_numbers(predictions, targets)
    models = [*predicted, predicted.mean(axis=0)] if len(predicted) > 1 else [predicted[0]]
    measured = [_measure(one, truth) for one in models]
    return Regression(tuple(measured[: len(predicted)]), measured[-1], len(truth), truth.std(axis=0))


def worst_first(predictions: Any, targets: Any) -> Integers:
    """Positions of the examples, the largest error first, ``(n,)``.

    The error of an example is the mean over targets of the absolute error, divided by the standard deviation of the
    target, so that targets in different units count equally.

    Args:
        predictions: Predictions of one model, ``(n, k)``.
        targets: ``(n, k)``.

    Example:
        >>> worst_first([[1.0], [3.0], [2.5]], [[1.0], [1.0], [2.0]]).tolist()
        [1, 2, 0]
    """
    predicted, truth = check_numbers([predictions], targets)
    spread = truth.std(axis=0)
    errors = (np.abs(predicted[0] - truth) / np.where(spread > 0, spread, 1)).mean(axis=1)
    return np.argsort(-errors, kind="stable")


def _measure(predicted: Floats, truth: Floats) -> Errors:
    error, centred = predicted - truth, truth - truth.mean(axis=0)
    columns = np.concatenate([np.abs(error), error**2, error, centred**2, centred], axis=1)
    own, drawn = _scores(columns.mean(axis=0)[None], truth.shape[1]), _scores(resampled_means(columns), truth.shape[1])
    return Errors(*(one[0] for one in own), *(percentile_interval(one) for one in drawn))


def _scores(means: Floats, targets: int) -> tuple[Floats, Floats, Floats, Floats]:
    """MAE, RMSE, R2 and bias from the means of the columns, each ``(rows, k)``."""
    mae, mse, bias, square, centre = np.split(means, [targets, 2 * targets, 3 * targets, 4 * targets], axis=1)
    variance = square - centre**2
    is_varied = variance > MIN_VARIANCE * square
    r2 = np.where(is_varied, 1 - mse / np.where(is_varied, variance, 1), np.nan)
    return mae, np.sqrt(mse), r2, bias
