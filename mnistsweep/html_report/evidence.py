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
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mnistsweep.config.constraints import Constraint
from mnistsweep.config.objectives import Objective
from mnistsweep.html_report.shown_inputs import ShownInputs, Words
from mnistsweep.space import Point, SearchSpace
from mnistsweep.study.records import State, TrialRecord
from mnistsweep.study.scored_trials import ScoredTrials

if TYPE_CHECKING:
    import pandas as pd

    from mnistsweep.study.learnt_text import Learnt


@dataclass(frozen=True)
class Winner:
    """Trial with the best validation objective.

    Attributes:
        number: Number of the trial.
        point: Values of the trial's active dimensions.
        objective: Name of the objective, such as ``val_accuracy``.
        value: Objective at the best epoch; the mean over repeats and folds.
        best_epoch: Best epoch of the best repeat, with folds the lower median of all best epochs, counted from 1.
        epochs: Number of epochs of the trial's configuration.
        retrained: Whether the models of the report were retrained on training and validation data together; otherwise
            the one model of the report is the trial's checkpoint.
        examples: Number of examples that the models of the report were trained on.
        parameters: Number of parameters of the model.
        repeats: Number of repeats of the trial (`trainer.repeats`); the learning curve is that of the first one.
        augmentation: Augmentation of the training images (`data.augmentation`): its strength by its name.
        folds: Number of folds of the cross-validation (`data.folds`); 1 without one. The learning curve is that of the
            first fold.
        standard_error: Standard error of the value over the folds; None without folds.
        expected: What is expected of the configuration with another seed; empty if it was not confirmed.
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
    folds: int = 1
    standard_error: float | None = None
    expected: str = ""

    @property
    def mean_of(self) -> str:
        """What the value is the mean over, such as ``mean over 5 folds``; empty for a single training."""
        parts = [f"{count} {name}" for count, name in ((self.repeats, "repeats"), (self.folds, "folds")) if count > 1]
        return f"mean over {' of '.join(parts)}" if parts else ""


@dataclass(frozen=True, eq=False)
class SearchHistory:
    """Finished trials of a sweep.

    Attributes:
        space: Search space of the sweep.
        objective: Name of the first objective.
        direction: ``max`` or ``min``: direction of the first objective.
        trials: Records of the finished trials (completed, pruned, failed), and of those that were paused, in the order
            of their numbers.
        curves: Learning curves with a row for each epoch of each trial: columns `trial`, `epoch`, and one for each
            metric (`accuracy`, `val_accuracy`, ...).
        running_seconds: Running time of the sweep in seconds; 0 if it was not recorded.
        learnt: What the trials have shown; None where it is not known.
        further: All objectives but the first.
        constraints: Constraints of the search.
    """

    space: SearchSpace
    objective: str
    direction: str
    trials: Sequence[TrialRecord]
    curves: pd.DataFrame
    running_seconds: float = 0.0
    learnt: Learnt | None = None
    further: Sequence[Objective] = ()
    constraints: Sequence[Constraint] = ()

    def in_state(self, state: State) -> list[TrialRecord]:
        """Return the trials that ended in a state, in the order of their numbers."""
        return [record for record in self.trials if record.state is state]

    @cached_property
    def scored(self) -> ScoredTrials | None:
        """Trials with an objective; None where none can be compared."""
        return ScoredTrials.from_records(self.space, self.objective, self.direction, self.trials, self.further)


@dataclass(frozen=True, eq=False, kw_only=True)
class Evidence:
    """What the page shows of every sweep; the classes in `outputs` add the predictions of each kind of target.

    Attributes:
        name: Name of the sweep.
        winner: Trial with the configuration of the report's models.
        losses: Loss of each model on the test set, ``(seeds,)``, computed by the loss function of the training; NaN
            where it is not known.
        inputs: Test inputs for display.
        output: Name of the output of a model with several outputs, otherwise empty.
        top: Number of examples in a ranking (`report.top`).
        against: Key of the hyperparameter in the section on training time (`report.against`); None: the most
            important one.
        search: Finished trials of the sweep; None where they are not known.
        retraining_curves: Learning curves of the retrained models: as `SearchHistory.curves`, with a column `seed`
            (from 0) in place of `trial`; None where no model was retrained.
        commands: Command lines that reproduce the page and the model.
        cleaning: Folder of the cleaning experiment's results, which may not exist; None where there is none.
        notes: Sentences on what is missing, shown at the top of the page.
    """

    kind: ClassVar[str] = "none"

    name: str
    winner: Winner
    losses: NDArray[np.float64]
    inputs: ShownInputs = field(default_factory=ShownInputs)
    output: str = ""
    top: int = 10
    against: str | None = None
    search: SearchHistory | None = None
    retraining_curves: pd.DataFrame | None = None
    commands: Sequence[str] = ()
    cleaning: Path | None = None
    notes: Sequence[str] = ()

    @property
    def words(self) -> Words:
        """Word for one example of the data set and for several: ``image`` and ``images``."""
        return self.inputs.words

    @property
    def images(self) -> NDArray[Any] | None:
        """Test images for display; None where the inputs are no images."""
        return self.inputs.images

    @property
    def num_models(self) -> int:
        """Number of models of the report: one for each seed."""
        return len(self.losses)

    @property
    def several_seeds(self) -> bool:
        """Whether there is more than one model, so that the committee differs from a single model."""
        return self.num_models > 1

    @property
    def committee_name(self) -> str:
        """Name of the committee in sentences: ``the committee``, or ``the model`` where there is one seed."""
        return "the committee" if self.several_seeds else "the model"

    @property
    def scored_trials(self) -> ScoredTrials | None:
        """Trials with an objective; None where none can be compared."""
        return None if self.search is None else self.search.scored
