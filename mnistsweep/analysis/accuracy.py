"""How good models are: accuracy and log-loss of each seed and of the committee, each with the interval it deserves.

Two things can vary, and each has its own interval. Other test images of the same kind would give another accuracy:
`ModelScore.interval` and `Accuracy.interval` cover that. Another seed would give another model: `Accuracy.std` and
`Accuracy.seeds_interval` cover that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistsweep.analysis.arrays import Floats, Integers, check_seeds

# A probability of 0 for the true class has no logarithm; scikit-learn's `log_loss` clips there, too.
MIN_PROBABILITY = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Interval:
    """A confidence interval.

    Attributes:
        low: Its lower end.
        high: Its upper end.
    """

    low: float
    high: float


@dataclass(frozen=True)
class ModelScore:
    """One model, or one committee, on the test set.

    Attributes:
        correct: How many images are right.
        examples: Of how many.
        accuracy: Their share, from 0 to 1.
        interval: Wilson's, 95 %: covers the sampling of the test images.
        log_loss: Mean of ``-log p[label]`` in nats; smaller is better.
    """

    correct: int
    examples: int
    accuracy: float
    interval: Interval
    log_loss: float


@dataclass(frozen=True)
class Accuracy:
    """Models of several seeds, and what they say together.

    Attributes:
        seeds: One a seed.
        committee: The mean of the probabilities over seeds.
        mean: Mean of the seeds' accuracies.
        std: Their standard deviation (divisor: seeds - 1); NaN with one seed.
        interval: Of `mean`, 95 %: covers the sampling of the test images, for these models. Wilson's at the mean;
            a little wide, since an average over seeds varies less from image to image than one model does.
        seeds_interval: Of `mean`, 95 %: covers the luck of the seeds, for these images. Student's t; None with one
            seed.
        log_loss: Mean over seeds.
        log_loss_std: Likewise; NaN with one seed.
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
        """Two lines: the seeds and the committee."""
        spread = f" ± {100 * self.std:.2f} % over {len(self.seeds)} seeds" if len(self.seeds) > 1 else " %"
        together = self.committee
        return (
            f"test accuracy: {100 * self.mean:.2f}{spread} "
            f"(test images: {100 * self.interval.low:.2f} to {100 * self.interval.high:.2f} %)\n"
            f"committee: {100 * together.accuracy:.2f} % "
            f"(test images: {100 * together.interval.low:.2f} to {100 * together.interval.high:.2f} %)"
        )


def measure_accuracy(probabilities: Any, labels: Any) -> Accuracy:
    """Measure accuracy and log-loss of each seed and of the committee.

    Args:
        probabilities: ``(seeds, n, classes)``; ``(n, classes)`` is taken for one seed.
        labels: ``(n,)``, whole numbers from 0 to classes - 1.

    Returns:
        Shares from 0 to 1 and losses in nats, with their intervals.

    Raises:
        DataError: The arrays do not fit together, or hold what is no probability or no label.

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


def wilson(successes: Any, trials: Any, level: float = 0.95) -> tuple[Floats, Floats]:
    """Give the confidence interval of a share, element by element (Wilson 1927).

    It stays within 0 to 1 and is sound near both ends, where the interval of the normal approximation is not. Where
    nothing was tried it is 0 to 1: nothing is known.

    Args:
        successes: Counts, any shape.
        trials: Of how many, likewise.
        level: Share of the intervals that cover the truth.

    Returns:
        Lower and upper ends.

    Example:
        >>> low, high = wilson(9930, 10_000)
        >>> f"{100 * low:.2f} to {100 * high:.2f} %"
        '99.12 to 99.45 %'
    """
    from scipy.special import ndtri

    hits, number = np.asarray(successes, np.float64), np.asarray(trials, np.float64)
    z2 = float(ndtri((1 + level) / 2)) ** 2
    centre = (hits + z2 / 2) / (number + z2)
    half = np.sqrt(z2 * (hits * (number - hits) / np.maximum(number, 1) + z2 / 4)) / (number + z2)
    low = np.where(hits <= 0, 0.0, centre - half)  # exact at the ends, where rounding would leave 1e-17
    high = np.where(hits >= number, 1.0, centre + half)
    return low, high


def sample_std(values: NDArray[np.float64]) -> float:
    """Give the standard deviation of a sample (divisor: n - 1); NaN where there is one value.

    Example:
        >>> sample_std(np.array([1.0, 2.0, 3.0]))
        1.0
    """
    return float(values.std(ddof=1)) if len(values) > 1 else float("nan")


def _measure(probabilities: Floats, labels: Integers) -> ModelScore:
    correct, examples = int((probabilities.argmax(axis=1) == labels).sum()), len(labels)
    given = np.clip(probabilities[np.arange(examples), labels], MIN_PROBABILITY, 1.0)
    return ModelScore(correct, examples, correct / examples, _interval(correct, examples), float(-np.log(given).mean()))


def _interval(successes: float, trials: int) -> Interval:
    low, high = wilson(successes, trials)
    return Interval(float(low), float(high))


def _over_seeds(accuracies: Floats) -> Interval | None:
    """Student's t for the mean over all seeds there might be (Student 1908), kept within 0 to 1."""
    from scipy.special import stdtrit

    number = len(accuracies)
    if number < 2:
        return None
    half = float(stdtrit(number - 1, 0.975)) * sample_std(accuracies) / number**0.5
    mean = float(accuracies.mean())
    return Interval(max(mean - half, 0.0), min(mean + half, 1.0))
