"""Predictions of all models of a report beside the true values, output by output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistsweep.analysis.robustness import Robustness
from mnistsweep.data import Dataset, HeldOut
from mnistsweep.data.task import PossibleTasks
from mnistsweep.errors import ConfigError
from mnistsweep.evaluation.saved_predictions import Predictions
from mnistsweep.evaluation.true_values import label_names, task_at, true_values
from mnistsweep.html_report.outputs import Checkpoint


@dataclass(frozen=True, eq=False)
class ReportPredictions:
    """Predictions of all models of a report.

    Attributes:
        models: Predictions of the report's models, one a seed.
        held_out: Test set.
        dataset: Data set with the validation split; None where no checkpoint is used.
        checkpoint: Predictions of the winner's checkpoint; None where it is missing.
        others: Predictions of other trials' checkpoints by the number of the trial.
        class_names: Value of `report.class_names`; empty if not configured.
        robustness: Accuracy on distorted images; None where it was not measured.
    """

    models: Sequence[Predictions]
    held_out: HeldOut
    dataset: Dataset | None = None
    checkpoint: Predictions | None = None
    others: Mapping[int, Predictions] = field(default_factory=dict)
    class_names: Sequence[str] = ()
    robustness: Robustness | None = None

    @cached_property
    def outputs(self) -> list[OutputPredictions]:
        """Predictions of each output, in the order of the targets; none where the model does not predict them."""
        kinds = self.models[0].kinds.items()
        return [OutputPredictions(self, name, kind, position) for position, (name, kind) in enumerate(kinds)]


@dataclass(frozen=True, eq=False)
class OutputPredictions:
    """Predictions of all models of a report for one output.

    Attributes:
        report: Predictions of all outputs.
        name: Name of the output; empty where the targets are one array.
        kind: Kind of the output, see `output_heads.OutputHead`.
        position: Position of its target among the targets' leaves.
    """

    report: ReportPredictions
    name: str
    kind: str
    position: int

    @property
    def are_margins(self) -> bool:
        """Whether a model predicts classes without probabilities at this output."""
        return any(self.name in model.margins for model in self.report.models)

    @property
    def _possible(self) -> PossibleTasks:
        return task_at(self.report.held_out.tasks, self.position)

    @cached_property
    def predictions(self) -> NDArray[Any]:
        """Predictions for the test set, ``(seeds, n, ...)``."""
        return np.stack([model.outputs[self.name] for model in self.report.models])

    @cached_property
    def targets(self) -> NDArray[Any]:
        """True values of the test set, ``(n, ...)``."""
        held_out = self.report.held_out
        return true_values(self.kind, self._possible, held_out.targets, self.position, self.predictions[0])

    @cached_property
    def source_names(self) -> list[str]:
        """Names of the classes, labels or numbers in the source of the data; empty for arrays."""
        columns = self.report.held_out.target_columns
        if self.kind == "classes":
            return self._possible.of_classes().class_names
        if self.kind == "multi_label":
            return label_names(self._possible, columns)
        if self.kind == "class_map":
            return [str(number) for number in range(int(max(self.targets.max(), self.predictions.max())) + 1)]
        if self.kind != "regression":
            return []
        count = self.targets.shape[1]
        if len(columns) == count:
            return list(columns)
        return [self.name or "target"] if count == 1 else [f"target {number}" for number in range(count)]

    @property
    def names(self) -> list[str]:
        """Names of the classes, labels or numbers: those of `report.class_names` where their number fits."""
        return list(self.report.class_names) if self.takes_class_names else self.source_names

    @property
    def takes_class_names(self) -> bool:
        """Whether `report.class_names` has a name for each class or label. A class map need not show all classes."""
        given, known = len(self.report.class_names), len(self.source_names)
        if self.kind == "class_map":
            return given >= known
        return self.kind in ("classes", "multi_label") and given == known

    @property
    def checkpoint(self) -> Checkpoint | None:
        """Predictions of the winner's checkpoint with the true values of the validation split."""
        checkpoint, dataset = self.report.checkpoint, self.report.dataset
        if checkpoint is None or checkpoint.validation is None or dataset is None:
            return None
        validation, test = checkpoint.validation[self.name], checkpoint.outputs[self.name]
        truth = true_values(self.kind, self._possible, dataset.validation_arrays.targets, self.position, validation)
        return Checkpoint(validation, truth, test)

    @property
    def others(self) -> dict[int, NDArray[np.float64]]:
        """Test predictions of the checkpoints of other trials whose models have this output."""
        return {
            number: one.outputs[self.name]
            for number, one in self.report.others.items()
            if one.kinds.get(self.name) == self.kind
        }


def check_class_names(names: Sequence[str], default: Sequence[str]) -> list[str]:
    """Names of the classes: the configured ones, or the values that they have in the source of the data.

    Args:
        names: Value of `report.class_names`; empty if not configured.
        default: Values of the classes in the source; empty for an output without classes.

    Raises:
        ConfigError: The number of names is not the number of classes.
    """
    if names and not default:
        raise ConfigError(f"report.class_names: the model predicts no classes; received {list(names)}; remove the key.")
    if names and len(names) != len(default):
        raise ConfigError(
            f"report.class_names: must be {len(default)} names, one for each class, received {len(names)}: "
            f"{list(names)}."
        )
    return list(names) or list(default)
