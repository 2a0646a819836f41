"""A finished report, opened from Python: predictions for the test set and the test set itself. Trains nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mnistsweep import data
from mnistsweep.analysis.mistakes import Mistakes, find_mistakes
from mnistsweep.config.references import resolved
from mnistsweep.data import HeldOut
from mnistsweep.errors import DataError, StudyError, suggest
from mnistsweep.evaluation.display import shown_inputs
from mnistsweep.evaluation.output_report import OutputReport
from mnistsweep.evaluation.report_predictions import ReportPredictions
from mnistsweep.evaluation.report_record import ReportRecord
from mnistsweep.evaluation.saved_predictions import Predictions, read_predictions
from mnistsweep.html_report.shown_inputs import ShownInputs, Words
from mnistsweep.paths import SweepPaths
from mnistsweep.study.sweep import load_sweep

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class Report:
    """Predictions of a report's models for the test set.

    The attributes `probabilities`, `labels`, `mistakes` and `next_wrong` exist for a model that predicts classes;
    `outputs` holds the predictions of every model.

    Attributes:
        paths: Paths of the sweep's files.
        outputs: Predictions of each output by its name; the name of a single output is empty.
        held_out: Test set.

    Example:
        >>> report = load_report("logs/quickstart")  # doctest: +SKIP
        >>> report.mistakes.wrong[:3], report.next_wrong(0)  # doctest: +SKIP
        (array([247, 321, 445]), 247)
        >>> load_report("logs/prices").output.scores.committee.mae  # doctest: +SKIP
        array([0.43])
    """

    paths: SweepPaths
    outputs: Mapping[str, OutputReport]
    held_out: HeldOut

    @property
    def output(self) -> OutputReport:
        """The only output.

        Raises:
            DataError: There are several outputs, or none that predicts the targets.
        """
        if len(self.outputs) == 1:
            return next(iter(self.outputs.values()))
        found = ", ".join(map(repr, self.outputs)) or "none"
        raise DataError(f"the report must have one output; received {found}; use report.outputs[NAME].")

    @property
    def classes(self) -> OutputReport:
        """The only output that predicts classes.

        Raises:
            DataError: There are several, or none.
        """
        found = {name: one for name, one in self.outputs.items() if one.kind == "classes"}
        if len(found) == 1:
            return next(iter(found.values()))
        kinds = ", ".join(f"{name or 'the output'}: {one.kind}" for name, one in self.outputs.items()) or "no outputs"
        raise DataError(f"this needs one output with class labels; received {kinds}; use report.outputs.")

    @property
    def class_names(self) -> list[str]:
        """Name of each class."""
        return self.classes.names

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """Class probabilities, ``(seeds, n, classes)``: one model per seed."""
        return self.classes.predictions

    @property
    def labels(self) -> NDArray[np.int64]:
        """Labels of the test set, ``(n,)``."""
        return self.classes.targets

    @cached_property
    def mistakes(self) -> Mistakes:
        """Correctly and wrongly predicted examples, by the mean of the probabilities over seeds."""
        return find_mistakes(self.probabilities, self.labels)

    @cached_property
    def inputs(self) -> ShownInputs:
        """Inputs of the test set for display."""
        return shown_inputs(self.held_out)

    @property
    def words(self) -> Words:
        """Word for one example and for several: ``image`` and ``images``."""
        return self.inputs.words

    def next_wrong(self, index: int) -> int | None:
        """Position of the next wrongly predicted example; after the last one follows the first one.

        Args:
            index: Position to start after, from 0; -1 returns the first wrong example.

        Returns:
            A position in the test set; None if all examples are predicted correctly.

        Raises:
            DataError: The position is outside of the test set, or no output predicts classes.
        """
        return self.mistakes.next_wrong(index)

    def draw(self, index: int, output: str | None = None) -> Figure:
        """Draw one example beside its prediction, with the spread over seeds.

        Args:
            index: Position in the test set.
            output: Name of the output; None: the one that predicts classes, or else the first one.

        Raises:
            DataError: The position is outside of the test set, or the model predicts no targets.
        """
        self.check_index(index)
        return self._drawn(output).draw(self.inputs, index)

    def _drawn(self, output: str | None) -> OutputReport:
        if not self.outputs:
            raise DataError(
                f"{self.paths.folder}: there are no predictions to show, because the outputs of the model do not fit "
                "the targets of the data; the report page describes the search."
            )
        if output is not None and output not in self.outputs:
            raise DataError(f"output: {suggest(output, list(self.outputs))}; received {output!r}.")
        classes = [name for name, one in self.outputs.items() if one.kind == "classes"]
        return self.outputs[output if output is not None else [*classes, *self.outputs][0]]

    def check_index(self, index: int) -> None:
        """Check that the test set has an example at a position.

        Raises:
            DataError: The position is outside of the test set.
        """
        if not 0 <= index < len(self.held_out):
            raise DataError(
                f"INDEX: the test set has {self.words.many} 0 to {len(self.held_out) - 1}, received {index}."
            )


def load_report(folder: str | Path) -> Report:
    """Open the report of a sweep.

    Args:
        folder: Path of the sweep's folder, for example ``logs/quickstart``.

    Raises:
        StudyError: The sweep has no report, or files of the report are missing or damaged.
        DataError: The test set is missing, or differs from the one of the report.
    """
    paths = load_sweep(folder).paths
    command = f"mnistsweep report {paths.folder}"
    if not paths.report.record.is_file():
        raise StudyError(f"{paths.folder}: there is no report yet; create one with {command}")
    record = ReportRecord.read(paths.report.record)
    predictions = [_read(paths.report.predictions(name), command) for name in record.models]
    held_out = data.load_test(resolved(record.data, "data"))
    if held_out.checksum != record.test:
        raise DataError(
            f"{paths.folder}: the test set differs from the one that the report was created with; {command} creates "
            "the report again."
        )
    found = ReportPredictions(predictions, held_out, class_names=record.class_names)
    outputs = {
        one.name: OutputReport(one.kind, one.names, one.targets, one.predictions, one.are_margins)
        for one in found.outputs
        if one.kind != "none"
    }
    return Report(paths, outputs, held_out)


def _read(path: Path, command: str) -> Predictions:
    predictions = read_predictions(path)
    if predictions is None:
        raise StudyError(f"{path}: missing or damaged; {command} creates it again.")
    return predictions
