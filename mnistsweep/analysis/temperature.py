"""Temperature scaling: one number that corrects over- or under-confidence without changing a predicted class."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from mnistsweep.analysis import arrays
from mnistsweep.analysis.arrays import Floats, Integers
from mnistsweep.errors import DataError

# Smallest normal float32, which replaces smaller probabilities so that every logarithm is finite. A smaller probability
# has underflowed in the model's own arithmetic: its logits differ by more than 87. A larger value would clip logits
# that float32 can represent.
MIN_LOGIT_PROBABILITY = float(np.finfo(np.float32).tiny)

# Range of the search for a temperature.
MIN_TEMPERATURE, MAX_TEMPERATURE = 0.01, 100.0

# Half the 95 % quantile of chi-squared with one degree of freedom: the decrease of the log-likelihood at the ends of a
# 95 % interval (Wilks 1938).
LIKELIHOOD_DECREASE = 1.9207


@dataclass(frozen=True)
class Temperature:
    """Fitted temperature with its interval.

    Attributes:
        value: Temperature, the divisor of the logits. Above 1: the model is over-confident; below 1: under-confident.
        low: Lower end of the 95 % interval by the likelihood ratio (Wilks 1938).
        high: Upper end of that interval.
        loss_before: Log loss of the calibration data without temperature scaling, in nats.
        loss_after: Log loss of the calibration data with the fitted temperature.
        determined: Whether the data determine the temperature. They do not if a limit of the search, 0.01 or 100, is
            equally good: all predictions are right (more confidence is always better), or all classes are equally
            probable. `value` is then meaningless.
    """

    value: float
    low: float
    high: float
    loss_before: float
    loss_after: float
    determined: bool

    @property
    def is_significant(self) -> bool:
        """Whether the interval excludes 1, the temperature that changes nothing."""
        return self.determined and not self.low <= 1.0 <= self.high


def fit_temperature(probabilities: Any, labels: Any) -> Temperature:
    """Fit the temperature that calibrates a model (Guo et al. 2017).

    Use examples that the model was not trained on, and evaluate the temperature on a third set. No logits are needed:
    they are the logarithms of the probabilities, up to a constant per row that cancels in a softmax. A float32
    probability that was rounded to exactly 1 does no harm, because the small probabilities beside it keep seven digits
    each: the relative error of the temperature is about 1e-6. Only a probability of the label that underflowed to 0
    (logits that differ by more than 87) is replaced by `MIN_LOGIT_PROBABILITY`, and makes the temperature too small.

    Args:
        probabilities: ``(n, classes)``.
        labels: ``(n,)``, integers from 0 to classes - 1.

    Raises:
        DataError: The arrays do not fit together, or hold invalid probabilities or labels.

    Example:
        >>> calibrated = np.array([[0.8, 0.2], [0.2, 0.8]] * 50)
        >>> labels = np.array([0, 1, 0, 1, 0, 1, 0, 1, 1, 0] * 10)
        >>> round(fit_temperature(apply_temperature(calibrated, 1 / 3), labels).value, 4)  # sharpened by 3
        3.0
    """
    from scipy.optimize import minimize_scalar

    checked, classes = arrays.check(probabilities, labels)
    loss = _loss_of_log_temperature(checked, classes)
    limits = float(np.log(MIN_TEMPERATURE)), float(np.log(MAX_TEMPERATURE))
    best = minimize_scalar(loss, bounds=limits, method="bounded", options={"xatol": 1e-9})
    # Temperature 1 unless another one is better; all are equal if a model predicts the same for all classes.
    best_log = float(best.x) if best.fun < loss(0.0) else 0.0
    max_loss = loss(best_log) + LIKELIHOOD_DECREASE / len(classes)
    return Temperature(
        value=float(np.exp(best_log)),
        low=float(np.exp(_crossing(loss, best_log, limits[0], max_loss))),
        high=float(np.exp(_crossing(loss, best_log, limits[1], max_loss))),
        loss_before=loss(0.0),
        loss_after=loss(best_log),
        determined=bool(min(map(loss, limits)) > loss(best_log) + 1e-12),
    )


def apply_temperature(probabilities: Any, temperature: float) -> Floats:
    """Divide the logits behind probabilities by a temperature: ``softmax(log p / T)``.

    Args:
        probabilities: ``(..., classes)``, of one model or of several.
        temperature: Temperature, above 0. Above 1 it makes the model less confident.

    Returns:
        Probabilities as float64, in the same shape, with the same order of the classes within each row.

    Raises:
        DataError: The temperature is not a finite number above 0.

    Example:
        >>> apply_temperature([[0.9, 0.1]], 2.0).round(2).tolist()
        [[0.75, 0.25]]
    """
    if not (np.isfinite(temperature) and temperature > 0):
        raise DataError(f"temperature: must be a number above 0, received {temperature!r}; 1 changes nothing.")
    logits = _logits(np.asarray(probabilities, dtype=np.float64)) / temperature
    exponentials = np.exp(logits)
    return np.asarray(exponentials / exponentials.sum(axis=-1, keepdims=True))


def _logits(probabilities: Floats) -> Floats:
    """Logarithms of the probabilities, shifted so that the largest of each row is 0."""
    logits = np.log(np.maximum(probabilities, MIN_LOGIT_PROBABILITY))
    return np.asarray(logits - logits.max(axis=-1, keepdims=True))


def _loss_of_log_temperature(probabilities: Floats, labels: Integers) -> Callable[[float], float]:
    """Log loss as a function of log T. It has one minimum, because it is convex in 1 / T.

    At T = 1 it equals `log_loss`, which the tests check. It is computed from logits, once per temperature that the
    search tries; `log_loss` of scaled probabilities would lose those below 2.2e-16.
    """
    logits = _logits(probabilities)
    mean_of_label = logits[np.arange(len(labels)), labels].mean()

    def loss(log_temperature: float) -> float:
        beta = np.exp(-log_temperature)
        return float(np.log(np.exp(logits * beta).sum(axis=1)).mean() - mean_of_label * beta)

    return loss


def _crossing(loss: Callable[[float], float], best_log: float, limit: float, max_loss: float) -> float:
    """Log T between the minimum and a limit at which the loss exceeds a maximum; the limit if it never does."""
    from scipy.optimize import brentq

    if loss(limit) <= max_loss:
        return limit
    return float(brentq(lambda log_temperature: loss(log_temperature) - max_loss, best_log, limit, xtol=1e-6))
