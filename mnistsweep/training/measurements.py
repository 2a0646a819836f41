"""The quantities of a trial that are bounded or optimized: its number of parameters, metrics at its best epochs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from mnistsweep.config.constraints import (
    PARAMETERS,
    parse_constraints,
    quantities_of,
)
from mnistsweep.config.schema import Config
from mnistsweep.data.structure import Structure
from mnistsweep.errors import ConstraintViolated
from mnistsweep.paths import TrialPaths
from mnistsweep.training.metric_means import metric_means
from mnistsweep.training.model_size import num_parameters
from mnistsweep.training.outcome import Outcome, RepeatResult


class Measurements:
    """Measures the quantities of one trial that constraints bound, and all objectives but the first.

    Metrics are read from the learning curves on disk, because these survive an interruption of the training.

    Args:
        config: Configuration of the trial.
        folder: Paths of the trial's files.
    """

    def __init__(self, config: Config, folder: TrialPaths) -> None:
        self._constraints = parse_constraints(config.constraints)
        self._names = quantities_of(self._constraints, (one.name for one in config.objectives[1:]))
        self._folder = folder
        self._parameters: int | None = None

    def check_model(self, model: Any, inputs: Structure) -> None:
        """Count the parameters of a model that is about to be trained, if they are bounded or optimized.

        Args:
            model: A Keras model; a model that creates its variables with the first batch is built.
            inputs: Inputs of a training step, to build the model.

        Raises:
            ConstraintViolated: The model has too many parameters, or too few.
        """
        if PARAMETERS not in self._names:
            return
        self._parameters = num_parameters(model, inputs)
        for constraint in self._constraints:
            if constraint.name == PARAMETERS and constraint.violation(self._parameters) > 0:
                reason = f"violates {constraint}: the model has {self._parameters} parameters, so it was not trained"
                raise ConstraintViolated(reason, {PARAMETERS: self._parameters})

    def added_to(self, outcome: Outcome, results: Sequence[RepeatResult], folds: int) -> Outcome:
        """Return an outcome with the quantities that were measured; a metric is the mean over all trainings.

        Args:
            outcome: Outcome of the trial.
            results: Results of its trainings in order.
            folds: Number of folds; 1 without cross-validation.
        """
        if not self._names:
            return outcome
        epochs = [
            (self._folder.training(index, folds).history, result.best_epoch) for index, result in enumerate(results)
        ]
        quantities: dict[str, float] = {} if self._parameters is None else {PARAMETERS: self._parameters}
        quantities |= metric_means([name for name in self._names if name != PARAMETERS], epochs)
        return replace(outcome, result=replace(outcome.result, quantities=quantities))
