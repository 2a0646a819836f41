"""Temperature scaling: one number that takes a model's over- or under-confidence away, and changes no prediction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from mnistsweep.analysis import arrays
from mnistsweep.analysis.arrays import Floats, Integers
from mnistsweep.errors import DataError

# The smallest normal float32: a probability below it has underflowed in the model's own arithmetic, where the logits
# of a softmax are more than 87 apart. It stands in for such zeros, so that every logarithm is finite; a larger one
# would cut logits that float32 still tells.
FLOOR = float(np.finfo(np.float32).tiny)

# Temperatures are looked for between these.
MIN_TEMPERATURE, MAX_TEMPERATURE = 0.01, 100.0

# Half the 95 % quantile of chi-squared with one degree of freedom: how far the log-likelihood may fall (Wilks 1938).
WILKS = 1.9207


@dataclass(frozen=True)
class Temperature:
    """The temperature that fits, and how surely.

    Attributes:
        value: Divides the logits. Above 1: the model was over-confident; below 1: under-confident.
        low: Lower end of its 95 % interval, by the likelihood ratio (Wilks 1938).
        high: Upper end.
        loss_before: Log loss of the data that it was fitted on, as the model was.
        loss_after: The same with the temperature.
        determined: Whether the data say which. Not where a limit of the search, 0.01 or 100, is as good: all
            predictions right (more confidence is always better), or all classes equally probable. `value` then says
            nothing.
    """

    value: float
    low: float
    high: float
    loss_before: float
    loss_after: float
    determined: bool

    @property
    def is_significant(self) -> bool:
        """Whether the data rule out that the model needs none."""
        return self.determined and not self.low <= 1.0 <= self.high


def fit_temperature(probabilities: Any, labels: Any) -> Temperature:
    """Find the temperature that makes a model's confidence true (Guo et al. 2017).

    Fit it on examples that the model was not trained on, and judge it on others still. The logits of a softmax are the
    logarithms of its probabilities, up to a constant a row that a softmax forgets; so no logits are needed. A float32
    probability that was rounded to exactly 1 loses nothing that matters (the small probabilities beside it keep seven
    digits each): the temperature is true to about 1e-6 of itself. Only a label's probability that underflowed to 0
    (logits more than 87 apart) is read as `FLOOR`, and makes the temperature too small.

    Args:
        probabilities: ``(n, classes)``.
        labels: ``(n,)``.

    Raises:
        DataError: The arrays do not fit together, or hold what is no probability or no label.

    Example:
        >>> true = np.array([[0.8, 0.2], [0.2, 0.8]] * 50)
        >>> labels = np.array([0, 1, 0, 1, 0, 1, 0, 1, 1, 0] * 10)
        >>> round(fit_temperature(apply_temperature(true, 1 / 3), labels).value, 4)  # sharpened by 3
        3.0
    """
    from scipy.optimize import minimize_scalar

    checked, classes = arrays.check(probabilities, labels)
    loss = _loss_of_log_temperature(checked, classes)
    limits = float(np.log(MIN_TEMPERATURE)), float(np.log(MAX_TEMPERATURE))
    best = minimize_scalar(loss, bounds=limits, method="bounded", options={"xatol": 1e-9})
    # Where no temperature is better than none, as for a model that says the same of all classes, it is none.
    place = float(best.x) if best.fun < loss(0.0) else 0.0
    allowed = loss(place) + WILKS / len(classes)
    return Temperature(
        value=float(np.exp(place)),
        low=float(np.exp(_crossing(loss, place, limits[0], allowed))),
        high=float(np.exp(_crossing(loss, place, limits[1], allowed))),
        loss_before=loss(0.0),
        loss_after=loss(place),
        determined=bool(min(map(loss, limits)) > loss(place) + 1e-12),
    )


def apply_temperature(probabilities: Any, temperature: float) -> Floats:
    """Divide the logits behind probabilities by a temperature: ``softmax(log p / T)``.

    Args:
        probabilities: ``(..., classes)``, of one model or of several.
        temperature: Above 0. More than 1 makes the model less sure.

    Returns:
        As float64, in the same shape, with the same order within each row.

    Raises:
        DataError: The temperature is no number above 0.

    Example:
        >>> apply_temperature([[0.9, 0.1]], 2.0).round(2).tolist()
        [[0.75, 0.25]]
    """
    if not (np.isfinite(temperature) and temperature > 0):
        raise DataError(f"temperature: must be a number above 0, received {temperature!r}; 1 changes nothing.")
    logits = _logits(np.asarray(probabilities, dtype=np.float64)) / temperature
    raised = np.exp(logits)
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True))


def _logits(probabilities: Floats) -> Floats:
    """Logarithms, the largest of each row 0."""
    logits = np.log(np.maximum(probabilities, FLOOR))
    return np.asarray(logits - logits.max(axis=-1, keepdims=True))


def _loss_of_log_temperature(probabilities: Floats, labels: Integers) -> Callable[[float], float]:
    """The log loss as a function of log T: it has one minimum, for it is convex in 1 / T."""
    logits = _logits(probabilities)
    mean = logits[np.arange(len(labels)), labels].mean()

    def loss(log_temperature: float) -> float:
        beta = np.exp(-log_temperature)
        return float(np.log(np.exp(logits * beta).sum(axis=1)).mean() - mean * beta)

    return loss


def _crossing(loss: Callable[[float], float], inside: float, limit: float, allowed: float) -> float:
    """Where the loss rises above what is allowed, between the best place and a limit; the limit if it never does."""
    from scipy.optimize import brentq

    if loss(limit) <= allowed:
        return limit
    return float(brentq(lambda place: loss(place) - allowed, inside, limit, xtol=1e-6))
