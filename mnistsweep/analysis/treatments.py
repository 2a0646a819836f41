"""Treatment of the training set by each arm of the cleaning experiment.

Removing any examples changes a model. Two control arms therefore remove nothing, and the same number at random.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mnistsweep.analysis.arrays import Integers
from mnistsweep.errors import DataError, suggest

NOTHING, RANDOM, SUSPECTS, CORRECTED, AMBIGUOUS = "nothing", "random", "suspects", "corrected", "ambiguous"

# Treatment of each arm, in the order of display. All arms treat the same number of examples.
ARMS: Mapping[str, str] = {
    NOTHING: "nothing removed",
    RANDOM: "as many removed at random",
    SUSPECTS: "suspected labels removed",
    CORRECTED: "suspected labels corrected",
    AMBIGUOUS: "the most ambiguous removed",
}


@dataclass(frozen=True, eq=False)
class TreatedTrainingSet:
    """Training set of an arm.

    Attributes:
        kept: Positions of the examples that are kept, ascending.
        labels: Labels of these examples.
    """

    kept: Integers
    labels: Integers


def apply_treatment(
    arm: str, labels: Any, suspects: Any, suggested: Any, ambiguous: Any, seed: int
) -> TreatedTrainingSet:
    """Apply the treatment of an arm to a training set. Every arm treats as many examples as there are suspects.

    Args:
        arm: Name of the arm, a key of `ARMS`.
        labels: Labels of the training set, ``(n,)``.
        suspects: Positions of the suspected labels, ``(m,)``.
        suggested: Suggested class of each example, ``(n,)``; the corrected label of a suspect.
        ambiguous: Positions of the examples, most ambiguous first; suspects are skipped, so that the two arms differ.
        seed: Seed of the random removal.

    Raises:
        DataError: The arm is unknown.

    Example:
        >>> treated = apply_treatment("corrected", [0, 0, 1], [1], suggested=[0, 1, 1], ambiguous=[2], seed=0)
        >>> treated.labels.tolist()
        [0, 1, 1]
    """
    if arm not in ARMS:
        raise DataError(f"arm: must be one of the arms, received {arm!r}; {suggest(arm, ARMS)}.")
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
