"""Accuracy and log loss of each seed and of the committee, with confidence intervals.

There are two sources of variation, each with its own interval. Other test images of the same kind would give another
accuracy: `ModelScore.interval` and `Accuracy.interval` cover that. Another seed would give another model:
`Accuracy.std` and `Accuracy.seeds_interval` cover that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistsweep.analysis.arrays import Floats, Integers, check_seeds
from mnistsweep.analysis.log_loss import log_loss


@dataclass(frozen=True)
class Interval:
    """A confidence interval.

    Attributes:
        low: Lower end.
        high: Upper end.
    """

    low: float
    high: float


@dataclass(frozen=True)
class ModelScore:
    """Score of one model, or of the committee, on the test set.

    Attributes:
        correct: Number of correctly predicted images.
        examples: Number of images.
        accuracy: Share of correctly predicted images, from 0 to 1.
        interval: Wilson 95 % interval of the accuracy: covers the sampling of the test images.
        log_loss: Mean of ``-log p[label]`` in nats; smaller is better.
    """

    correct: int
    examples: int
    accuracy: float
    interval: Interval
    log_loss: float


@dataclass(frozen=True)
class Accuracy:
    """Scores of models with several seeds, and of their committee: the model that averages their probabilities.

    Attributes:
        seeds: Score of each seed.
        committee: Score of the mean of the probabilities over seeds.
        mean: Mean accuracy over seeds.
        std: Sample standard deviation of the accuracy over seeds (divisor: seeds - 1); NaN with one seed.
        interval: 95 % interval of `mean` that covers the sampling of the test images, for these models: Wilson's
            interval at the mean. It is a little wide, because an average over seeds varies less over images than one
            model does.
        seeds_interval: 95 % interval of `mean` that covers the variation over seeds, for these images: Student's t;
            None with one seed.
        log_loss: Mean log loss over seeds, in nats.
        log_loss_std: Sample standard deviation of the log loss over seeds; NaN with one seed.
    """

    seeds: tuple[ModelScore, ...]
    committee: ModelScore
    mean: float
    std: float
    interval: Interval
    seeds_interval: Interval | None
    log_loss: float
    log_loss_std: float

    def __str__(self) -> str:
        """Summary in two lines: the seeds and the committee."""
        return self.describe("images")

    def describe(self, many: str) -> str:
        """Return a summary in two lines: the seeds and the committee.

        Args:
            many: Word for several examples: ``rows``.
        """
        spread = f" ± {100 * self.std:.2f} % over {len(self.seeds)} seeds" if len(self.seeds) > 1 else " %"
        committee = self.committee
        return (
            f"test accuracy: {100 * self.mean:.2f}{spread} "
            f"(test {many}: {100 * self.interval.low:.2f} to {100 * self.interval.high:.2f} %)\n"
            f"committee: {100 * committee.accuracy:.2f} % "
            f"(test {many}: {100 * committee.interval.low:.2f} to {100 * committee.interval.high:.2f} %)"
        )


def measure_accuracy(probabilities: Any, labels: Any) -> Accuracy:
    """Measure accuracy and log loss of each seed and of the committee.

    Args:
        probabilities: ``(seeds, n, classes)``; ``(n, classes)`` counts as one seed.
        labels: ``(n,)``, integers from 0 to classes - 1.

    Returns:
        Accuracies from 0 to 1 and log losses in nats, with their intervals.

    Raises:
        DataError: The arrays do not fit together, or hold invalid probabilities or labels.

    Example:
        >>> found = measure_accuracy([[[0.75, 0.25], [0.5, 0.5]], [[0.75, 0.25], [0.25, 0.75]]], [0, 1])
        >>> [one.accuracy for one in found.seeds], found.committee.accuracy
        ([0.5, 1.0], 1.0)
    """
    checked, truth = check_seeds(probabilities, labels)
    seeds = tuple(_measure(one, truth) for one in checked)
    accuracies = np.array([one.accuracy for one in seeds])
    losses = np.array([one.log_loss for one in seeds])
    mean = float(accuracies.mean())
    return Accuracy(
        seeds=seeds,
        committee=_measure(checked.mean(axis=0), truth),
        mean=mean,
        std=sample_std(accuracies),
        interval=_interval(mean * len(truth), len(truth)),
        seeds_interval=_over_seeds(accuracies),
        log_loss=float(losses.mean()),
        log_loss_std=sample_std(losses),
    )


def wilson_interval(successes: Any, trials: Any, level: float = 0.95) -> tuple[Floats, Floats]:
    """Confidence interval of a proportion, element by element (Wilson 1927).

    It stays within 0 to 1 and is accurate near both ends, unlike the interval of the normal approximation. With 0
    trials it is 0 to 1.

    Args:
        successes: Numbers of successes, any shape.
        trials: Numbers of trials, in the same shape.
        level: Confidence level.

    Returns:
        Lower and upper ends, in the same shape.

    Example:
        >>> low, high = wilson_interval(9930, 10_000)
        >>> f"{100 * low:.2f} to {100 * high:.2f} %"
        '99.12 to 99.45 %'
    """
    from scipy.special import ndtri

    hits, number = np.asarray(successes, np.float64), np.asarray(trials, np.float64)
    z2 = float(ndtri((1 + level) / 2)) ** 2
    centre = (hits + z2 / 2) / (number + z2)
    half = np.sqrt(z2 * (hits * (number - hits) / np.maximum(number, 1) + z2 / 4)) / (number + z2)
    low = np.where(hits <= 0, 0.0, centre - half)  # exact at the ends; rounding would leave 1e-17
    high = np.where(hits >= number, 1.0, centre + half)
    return low, high


def sample_std(values: NDArray[np.float64]) -> float:
    """Sample standard deviation (divisor: n - 1); NaN for a single value.

    Example:
        >>> sample_std(np.array([1.0, 2.0, 3.0]))
        1.0
    """
    return float(values.std(ddof=1)) if len(values) > 1 else float("nan")


def _measure(probabilities: Floats, labels: Integers) -> ModelScore:
    correct, examples = int((probabilities.argmax(axis=1) == labels).sum()), len(labels)
    interval = _interval(correct, examples)
    return ModelScore(correct, examples, correct / examples, interval, log_loss(probabilities, labels))


def _interval(successes: float, trials: int) -> Interval:
    low, high = wilson_interval(successes, trials)
    return Interval(float(low), float(high))


def _over_seeds(accuracies: Floats) -> Interval | None:
    """Student's t interval for the mean over all possible seeds (Student 1908), limited to 0 to 1."""
    from scipy.special import stdtrit

    number = len(accuracies)
    if number < 2:
        return None
    half = float(stdtrit(number - 1, 0.975)) * sample_std(accuracies) / number**0.5
    mean = float(accuracies.mean())
    return Interval(max(mean - half, 0.0), min(mean + half, 1.0))
