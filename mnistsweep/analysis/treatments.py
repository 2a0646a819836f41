"""What the arms of the cleaning experiment do to a training set.

Taking examples away changes a model in any case; so one arm removes nothing, and one as many at random.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mnistsweep.analysis.arrays import Integers
from mnistsweep.errors import DataError, suggest

NOTHING, RANDOM, SUSPECTS, CORRECTED, AMBIGUOUS = "nothing", "random", "suspects", "corrected", "ambiguous"

# What each arm does with the M examples that it is about, in reading order.
ARMS: Mapping[str, str] = {
    NOTHING: "nothing removed",
    RANDOM: "as many removed at random",
    SUSPECTS: "suspected labels removed",
    CORRECTED: "suspected labels corrected",
    AMBIGUOUS: "the most ambiguous removed",
}


@dataclass(frozen=True, eq=False)
class TreatedTrainingSet:
    """What an arm is trained on.

    Attributes:
        kept: Positions of the examples, ascending.
        labels: Theirs.
    """

    kept: Integers
    labels: Integers


def apply_treatment(
    arm: str, labels: Any, suspects: Any, suggested: Any, ambiguous: Any, seed: int
) -> TreatedTrainingSet:
    """Apply a treatment to a training set; every arm is about the same number of examples, that of the suspects.

    Args:
        arm: One of `ARMS`.
        labels: Of the training set, ``(n,)``.
        suspects: Positions of the suspected labels, ``(m,)``.
        suggested: A class for each example, ``(n,)``; what the suspects are corrected to.
        ambiguous: Positions, most ambiguous first; suspects among them are passed over, so that the two arms differ.
        seed: Decides which examples are removed at random.

    Raises:
        DataError: There is no such arm.

    Example:
        >>> treated = apply_treatment("corrected", [0, 0, 1], [1], suggested=[0, 1, 1], ambiguous=[2], seed=0)
        >>> treated.labels.tolist()
        [0, 1, 1]
    """
    if arm not in ARMS:
        raise DataError(f"arm: there is no {arm!r}; {suggest(arm, ARMS)}.")
    treated, suspected = np.array(labels, dtype=np.int64), np.asarray(suspects, dtype=np.int64)
    if arm == CORRECTED:
        treated[suspected] = np.asarray(suggested)[suspected]
    kept = np.ones(len(treated), dtype=bool)
    if arm == RANDOM:
        kept[np.random.default_rng(seed).choice(len(treated), size=len(suspected), replace=False)] = False
    elif arm == SUSPECTS:
        kept[suspected] = False
    elif arm == AMBIGUOUS:
        order = np.asarray(ambiguous, dtype=np.int64)
        kept[order[~np.isin(order, suspected)][: len(suspected)]] = False
    positions = np.flatnonzero(kept)
    return TreatedTrainingSet(positions, treated[positions])
