"""Evidence for each kind of target: true values and predictions on the test set, at one output of the models.

Predictions have the shape ``(seeds, n, ...)``: one model for each seed. The committee is their mean.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mnistsweep.analysis.robustness import Robustness
from mnistsweep.html_report.evidence import Evidence


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Predictions of a trial's checkpoint, a model that was trained on the training data only.

    Attributes:
        validation: Predicted probabilities on the validation data, ``(m, classes)``.
        validation_labels: Labels of the validation data, ``(m,)``; of several labels, ``(m, labels)``.
        test: Predicted probabilities on the test set, ``(n, classes)``.
    """

    validation: NDArray[np.float64]
    validation_labels: NDArray[np.int64]
    test: NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class ClassEvidence(Evidence):
    """Evidence for an output that predicts one of several classes.

    Attributes:
        class_names: Names of the classes, ``(classes,)``.
        labels: Labels of the test set, ``(n,)``.
        probabilities: Predicted probabilities on the test set, ``(seeds, n, classes)``.
        checkpoint: Predictions of the winner's checkpoint; None where its file is missing.
        others: Predicted test probabilities of the next best trials' checkpoints by the number of the trial
            (`report.top_trials`).
        robustness: Accuracy on distorted images; None where the inputs are no images or it was not measured.
        has_probabilities: Whether `probabilities` are probabilities. Otherwise the model predicts margins, such as
            those of a hinge loss, and they are scores with the same order that sum to 1: rankings and predicted classes
            are valid, calibration and log loss are not.
    """

    kind: ClassVar[str] = "classes"

    class_names: Sequence[str]
    labels: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    checkpoint: Checkpoint | None = None
    others: Mapping[int, NDArray[np.float64]] = field(default_factory=dict)
    robustness: Robustness | None = None
    has_probabilities: bool = True

    def names_of(self, classes: NDArray[np.int64]) -> NDArray[Any]:
        """Names of classes by their numbers, for tables and CSV files.

        Args:
            classes: Class numbers of any shape.
        """
        return np.take(np.array(self.class_names, dtype=object), classes)

    @property
    def value_name(self) -> str:
        """What the value of a class is: ``probability`` or ``scaled margin``."""
        return "probability" if self.has_probabilities else "scaled margin"

    @property
    def num_models(self) -> int:
        """Number of models of the report: one for each seed."""
        return len(self.probabilities)

    @property
    def committee(self) -> NDArray[np.float64]:
        """Predictions of the committee: the mean of the probabilities over seeds, ``(n, classes)``."""
        mean: NDArray[np.float64] = self.probabilities.mean(axis=0)
        return mean


@dataclass(frozen=True, eq=False, kw_only=True)
class LabelsEvidence(Evidence):
    """Evidence for an output that predicts several labels, each present or not.

    Attributes:
        label_names: Names of the labels, ``(labels,)``.
        truth: Labels of the test set, zeros and ones, ``(n, labels)``.
        probabilities: Predicted probabilities on the test set, ``(seeds, n, labels)``.
        checkpoint: Predictions of the winner's checkpoint; None where its file is missing.
    """

    kind: ClassVar[str] = "multi_label"

    label_names: Sequence[str]
    truth: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    checkpoint: Checkpoint | None = None

    @property
    def committee(self) -> NDArray[np.float64]:
        """Mean of the probabilities over seeds, ``(n, labels)``."""
        mean: NDArray[np.float64] = self.probabilities.mean(axis=0)
        return mean


@dataclass(frozen=True, eq=False, kw_only=True)
class NumbersEvidence(Evidence):
    """Evidence for an output that predicts numbers.

    Attributes:
        target_names: Names of the targets, ``(k,)``.
        targets: True values of the test set, ``(n, k)``.
        predictions: Predicted values, ``(seeds, n, k)``.
        checkpoint: Predictions of the winner's checkpoint, ``(n, k)``; None where its file is missing.
        others: Predictions of the next best trials' checkpoints by the number of the trial (`report.top_trials`).
    """

    kind: ClassVar[str] = "regression"

    target_names: Sequence[str]
    targets: NDArray[np.float64]
    predictions: NDArray[np.float64]
    checkpoint: NDArray[np.float64] | None = None
    others: Mapping[int, NDArray[np.float64]] = field(default_factory=dict)

    @property
    def committee(self) -> NDArray[np.float64]:
        """Mean of the predictions over seeds, ``(n, k)``."""
        mean: NDArray[np.float64] = self.predictions.mean(axis=0)
        return mean


@dataclass(frozen=True, eq=False, kw_only=True)
class MapsEvidence(Evidence):
    """Evidence for an output that predicts a class at each position, such as a segmentation.

    Attributes:
        class_names: Names of the classes.
        truth: Class of each position, ``(n, ...)``.
        predictions: Predicted class of each position, ``(seeds, n, ...)``.
    """

    kind: ClassVar[str] = "class_map"

    class_names: Sequence[str]
    truth: NDArray[Any]
    predictions: NDArray[Any]


@dataclass(frozen=True, eq=False, kw_only=True)
class ArrayEvidence(Evidence):
    """Evidence for an output that predicts an array, such as the input of an autoencoder.

    Attributes:
        truth: Arrays to be predicted, ``(n, ...)``.
        predictions: Predicted arrays, ``(seeds, n, ...)``.
        is_input: Whether the arrays are the inputs of the model.
    """

    kind: ClassVar[str] = "array"

    truth: NDArray[Any]
    predictions: NDArray[Any]
    is_input: bool = False


@dataclass(frozen=True, eq=False, kw_only=True)
class OutputsEvidence(Evidence):
    """Evidence for a model with several outputs.

    Attributes:
        outputs: Evidence for each output, in the order of the targets; their names are different.
    """

    kind: ClassVar[str] = "outputs"

    outputs: Sequence[Evidence]
