"""Input of the report's sections: arrays, tables and records in memory.

Sections compute from these values. They train no model, and the only files that one of them reads are the results of
the cleaning experiment (`Evidence.cleaning`). A section returns None where the values that it needs are missing: inputs
that are no images cannot be drawn, and with ``report.refit=false`` there is one seed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mnistsweep.analysis.robustness import Robustness
from mnistsweep.html_report.scored_trials import ScoredTrials
from mnistsweep.space import Point, SearchSpace
from mnistsweep.study.records import State, TrialRecord

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Winner:
    """Trial with the best validation objective.

    Attributes:
        number: Number of the trial.
        point: Values of the trial's active dimensions.
        objective: Name of the objective, such as ``val_accuracy``.
        value: Objective at the best epoch; the mean over repeats.
        best_epoch: Best epoch of the best repeat, counted from 1.
        epochs: Number of epochs of the trial's configuration.
        retrained: Whether the models of the report were retrained on training and validation data together; otherwise
            the one model of the report is the trial's checkpoint.
        examples: Number of examples that the models of the report were trained on.
        parameters: Number of parameters of the model.
        repeats: Number of trainings of the trial (`trainer.repeats`); the learning curve is that of the first one.
        augmentation: Augmentation of the training images (`data.augmentation`): its strength by its name.
    """

    number: int
    point: Point
    objective: str
    value: float
    best_epoch: int
    epochs: int
    retrained: bool
    examples: int
    parameters: int
    repeats: int = 1
    augmentation: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Predictions of a trial's checkpoint, a model that was trained on the training data only.

    Attributes:
        validation: Predicted probabilities on the validation data, ``(m, classes)``.
        validation_labels: Labels of the validation data, ``(m,)``.
        test: Predicted probabilities on the test set, ``(n, classes)``.
    """

    validation: NDArray[np.float64]
    validation_labels: NDArray[np.int64]
    test: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SearchHistory:
    """Finished trials of a sweep.

    Attributes:
        space: Search space of the sweep.
        objective: Name of the objective.
        direction: ``max`` or ``min``.
        trials: Records of the finished trials (completed, pruned, failed), in the order of their numbers.
        curves: Learning curves with a row for each epoch of each trial: columns `trial`, `epoch`, and one for each
            metric (`accuracy`, `val_accuracy`, ...).
        running_seconds: Running time of the sweep in seconds; 0 if it was not recorded.
    """

    space: SearchSpace
    objective: str
    direction: str
    trials: Sequence[TrialRecord]
    curves: pd.DataFrame
    running_seconds: float = 0.0

    def in_state(self, state: State) -> list[TrialRecord]:
        """Return the trials that ended in a state, in the order of their numbers."""
        return [record for record in self.trials if record.state is state]

    @cached_property
    def scored(self) -> ScoredTrials | None:
        """Completed and pruned trials with an objective; None where no trial has completed."""
        return ScoredTrials.from_records(self.space, self.objective, self.direction, self.trials)


@dataclass(frozen=True, eq=False)
class Evidence:
    """Everything that the page is computed from.

    Attributes:
        name: Name of the sweep.
        class_names: Names of the classes, ``(classes,)``.
        labels: Labels of the test set, ``(n,)``.
        probabilities: Predicted probabilities on the test set, ``(seeds, n, classes)``: one model for each seed.
        losses: Loss of each model on the test set, ``(seeds,)``, computed by the loss function of the training; NaN
            where it is not known.
        winner: Trial with the configuration of these models.
        images: Test images for display, ``(n, height, width)`` or ``(n, height, width, 3)``, from 0 to 1; None where
            the inputs are no images.
        top: Number of images in a ranking (`report.top`).
        against: Key of the hyperparameter in the section on training time (`report.against`); None: the most
            important one.
        search: Finished trials of the sweep; None where they are not known.
        retraining_curves: Learning curves of the retrained models: as `SearchHistory.curves`, with a column `seed`
            (from 0) in place of `trial`; None where no model was retrained.
        checkpoint: Predictions of the winner's checkpoint; None where its file is missing.
        others: Predicted test probabilities of the next best trials' checkpoints by the number of the trial
            (`report.top_trials`).
        robustness: Accuracy on distorted images; None where the inputs are no images or it was not measured.
        commands: Command lines that reproduce the page and the model.
        cleaning: Folder of the cleaning experiment's results, which may not exist; None where there is none.
        notes: Sentences on what is missing, shown at the top of the page.
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
    search: SearchHistory | None = None
    retraining_curves: pd.DataFrame | None = None
    checkpoint: Checkpoint | None = None
    others: Mapping[int, NDArray[np.float64]] = field(default_factory=dict)
    robustness: Robustness | None = None
    commands: Sequence[str] = ()
    cleaning: Path | None = None
    notes: Sequence[str] = ()

    def names_of(self, classes: NDArray[np.int64]) -> NDArray[Any]:
        """Names of classes by their numbers, for tables and CSV files.

        Args:
            classes: Class numbers of any shape.
        """
        return np.take(np.array(self.class_names, dtype=object), classes)

    @property
    def committee(self) -> NDArray[np.float64]:
        """Predictions of the committee: the mean of the probabilities over seeds, ``(n, classes)``."""
        mean: NDArray[np.float64] = self.probabilities.mean(axis=0)
        return mean

    @property
    def several_seeds(self) -> bool:
        """Whether there is more than one model, so that the committee differs from a single model."""
        return len(self.probabilities) > 1

    @property
    def committee_name(self) -> str:
        """Name of the committee in sentences: ``the committee``, or ``the model`` where there is one seed."""
        return "the committee" if self.several_seeds else "the model"

    @property
    def scored_trials(self) -> ScoredTrials | None:
        """Completed and pruned trials with an objective; None where no trial has completed."""
        return None if self.search is None else self.search.scored
