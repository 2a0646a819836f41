"""All that sections may use: arrays and tables, nothing that trains, nothing that is fetched.

A section takes what it needs and gives None where that is not there: a sweep of tables has no images, a report with
`report.refit=false` has one seed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mnistsweep.analysis.robustness import Robustness
from mnistsweep.space import Point, SearchSpace

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Winner:
    """The trial that won by validation.

    Attributes:
        number: Of the trial.
        point: Its values.
        objective: Name of the objective, such as ``val_accuracy``.
        value: The objective at the best epoch; the mean over repeats.
        best_epoch: Counted from 1; of the best repeat.
        epochs: For how many it was configured.
        refitted: Whether the models of the report were trained anew, on training and validation data together.
        examples: How many examples the models of the report were trained on.
        parameters: Of the model.
        repeats: How often the trial was trained (`trainer.repeats`); its learning curve is the first one's.
        augmentation: What its training images were distorted by (`data.augmentation`).
    """

    number: int
    point: Point
    objective: str
    value: float
    best_epoch: int
    epochs: int
    refitted: bool
    examples: int
    parameters: int
    repeats: int = 1
    augmentation: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """What a trial's own checkpoint says: a model that has seen the training side, but not the validation side.

    Attributes:
        validation: Probabilities on the validation side, ``(m, classes)``.
        validation_labels: ``(m,)``.
        test: Probabilities on the test set, ``(n, classes)``.
    """

    validation: NDArray[np.float64]
    validation_labels: NDArray[np.int64]
    test: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Search:
    """What the sweep left.

    Attributes:
        space: What was searched.
        objective: Its name.
        direction: ``max`` or ``min``.
        trials: The columns of ``results.csv``, a row a finished trial: `trial`, `state` (completed, pruned, failed),
            `objective`, `best_epoch`, `seconds`, `seed`, `reason`, then a column a dimension (missing where inactive).
        curves: A row an epoch of a trial: `trial`, `epoch`, then a column a metric (`accuracy`, `val_accuracy`, ...).
    """

    space: SearchSpace
    objective: str
    direction: str
    trials: pd.DataFrame
    curves: pd.DataFrame


@dataclass(frozen=True, eq=False)
class Evidence:
    """All that is known when the page is made.

    Attributes:
        name: Of the sweep.
        class_names: One a class.
        labels: Of the test set, ``(n,)``.
        probabilities: On the test set, ``(seeds, n, classes)``: one model a seed.
        losses: The loss that the models were trained with, on the test set, ``(seeds,)``; NaN where it is not known.
        winner: The trial behind the models.
        images: The test set to look at, ``(n, height, width)`` or ``(n, height, width, 3)`` from 0 to 1; None where the
            inputs are no images.
        top: How many images a ranking shows (`report.top`).
        against: The hyperparameter that time and accuracy are held against (`report.against`); None: the most
            important one.
        search: What the sweep left.
        refit_curves: As `Search.curves`, with `seed` (from 0) in place of `trial`; None where nothing was refitted.
        checkpoint: Of the winner; None where its file is missing.
        others: Test probabilities of the next best trials' checkpoints, by the trial's number (`report.top_trials`).
        robustness: Accuracy under distortions; None where there are no images.
        commands: What made the page, one a line.
        cleaning: The folder of the cleaning experiment's results; None where there was none.
        notes: What is missing, a sentence each: the page shows them at its top.
    """

    name: str
    class_names: Sequence[str]
    labels: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    losses: NDArray[np.float64]
    winner: Winner
    images: NDArray[Any] | None = None
    top: int = 10
    against: str | None = None
    search: Search | None = None
    refit_curves: pd.DataFrame | None = None
    checkpoint: Checkpoint | None = None
    others: Mapping[int, NDArray[np.float64]] = field(default_factory=dict)
    robustness: Robustness | None = None
    commands: Sequence[str] = ()
    cleaning: Path | None = None
    notes: Sequence[str] = ()

    @property
    def committee(self) -> NDArray[np.float64]:
        """The mean of the probabilities over seeds, ``(n, classes)``: what the seeds say together."""
        mean: NDArray[np.float64] = self.probabilities.mean(axis=0)
        return mean

    @property
    def predictions(self) -> NDArray[np.int64]:
        """The committee's predictions, ``(n,)``."""
        return np.asarray(self.committee.argmax(axis=1))
