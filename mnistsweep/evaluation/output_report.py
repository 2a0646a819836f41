"""Predictions of a finished report at one output: values, scores, and a drawing of one example."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from mnistsweep.html_report.shown_inputs import ShownInputs

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class OutputReport:
    """Predictions of a report's models for the test set, at one output.

    Attributes:
        kind: ``classes``, ``multi_label``, ``regression``, ``class_map`` or ``array``.
        names: Names of the classes, of the labels or of the predicted numbers.
        targets: True values: class numbers ``(n,)``, labels ``(n, L)``, numbers ``(n, k)``, or arrays ``(n, ...)``.
        predictions: Predictions of one model per seed: probabilities ``(seeds, n, classes)`` or ``(seeds, n, L)``,
            numbers ``(seeds, n, k)``, or arrays ``(seeds, n, ...)``.
        are_margins: Whether the probabilities are scaled margins of a model without probabilities (hinge loss), which
            have the same order.
    """

    kind: str
    names: list[str]
    targets: NDArray[Any]
    predictions: NDArray[Any]
    are_margins: bool = False

    @property
    def value_name(self) -> str:
        """What the value of a class is: ``probability`` or ``scaled margin``."""
        return "scaled margin" if self.are_margins else "probability"

    @cached_property
    def scores(self) -> Any:
        """Scores by the kind of the output.

        `analysis.accuracy.Accuracy` for classes, `analysis.multi_label.LabelScores` (of the mean over seeds, at the
        threshold 0.5) for several labels, `analysis.regression.Regression` for numbers, and for class maps and arrays
        the `analysis.class_maps.MapScores` and `analysis.reconstruction.Reconstruction` of the first seed.
        """
        from mnistsweep.analysis.accuracy import measure_accuracy
        from mnistsweep.analysis.class_maps import measure_maps
        from mnistsweep.analysis.multi_label import score_labels
        from mnistsweep.analysis.reconstruction import measure_reconstruction
        from mnistsweep.analysis.regression import measure_regression

        if self.kind == "classes":
            return measure_accuracy(self.predictions, self.targets)
        if self.kind == "multi_label":
            return score_labels(self.predictions.mean(axis=0), self.targets, 0.5)
        if self.kind == "regression":
            return measure_regression(self.predictions, self.targets)
        measure = measure_maps if self.kind == "class_map" else measure_reconstruction
        return measure(self.predictions[0], self.targets)

    def draw(self, inputs: ShownInputs, index: int) -> Figure:
        """Draw one example beside its prediction.

        Args:
            inputs: Inputs of the test set.
            index: Position in the test set.
        """
        from mnistsweep.html_report.figures import single_example
        from mnistsweep.html_report.figures.array_rows import draw_array

        target, predictions = self.targets[index], self.predictions[:, index]
        if self.kind == "classes":
            return single_example.draw_classes(inputs, predictions, int(target), self.names, index, self.value_name)
        if self.kind == "multi_label":
            return single_example.draw_labels(inputs, predictions, target, self.names, index)
        if self.kind == "regression":
            return single_example.draw_numbers(inputs, predictions, target, self.names, index)
        return draw_array(inputs, predictions[0], target, self.kind == "class_map", index)
