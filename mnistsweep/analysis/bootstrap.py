"""Bootstrap intervals of scores that are functions of means over examples (Efron 1979).

The examples are drawn with replacement. The interval covers the choice of the test examples, not the training seed.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mnistsweep.analysis.arrays import Floats

# Numbers of resamples. Of many examples fewer resamples suffice: their means hardly vary.
MAX_RESAMPLES, MIN_RESAMPLES = 1000, 200

# Number of draws above which there are fewer resamples; 20 million take about a second.
MAX_DRAWS = 20_000_000


def resampled_means(columns: Any, seed: int = 0) -> Floats:
    """Means of columns over examples that are drawn with replacement, the same draws for all columns.

    Args:
        columns: Values of each example, ``(n, columns)``.
        seed: Seed of the draws.

    Returns:
        One row of means for each resample, ``(resamples, columns)``.

    Example:
        >>> resampled_means([[1.0, 2.0], [1.0, 2.0]])[0].tolist()
        [1.0, 2.0]
    """
    values = np.asarray(columns, np.float64)
    count, rng = len(values), np.random.default_rng(seed)
    resamples = int(np.clip(MAX_DRAWS // count, MIN_RESAMPLES, MAX_RESAMPLES))
    rows = max(1, min(resamples, 4_000_000 // count))  # of the matrix of counts that is in memory at once
    parts = []
    for start in range(0, resamples, rows):
        draws = [rng.integers(0, count, count) for _ in range(min(rows, resamples - start))]
        counts = np.stack([np.bincount(one, minlength=count) for one in draws]).astype(np.float64)
        parts.append(counts @ values / count)
    return np.concatenate(parts)


def percentile_interval(values: Any, level: float = 0.95) -> Floats:
    """Percentile interval of a bootstrap distribution.

    Args:
        values: Values of the score in each resample, ``(resamples, ...)``; NaN where it is not defined.
        level: Confidence level.

    Returns:
        Lower and upper ends, ``(2, ...)``.

    Example:
        >>> percentile_interval(np.arange(101.0)).tolist()
        [2.5, 97.5]
    """
    drawn, ends = np.asarray(values, np.float64), [50 - 50 * level, 50 + 50 * level]
    missing = np.isnan(drawn).all(axis=0)
    found = np.nanpercentile(np.where(missing, 0.0, drawn), ends, axis=0)
    return np.where(missing, np.nan, found)
