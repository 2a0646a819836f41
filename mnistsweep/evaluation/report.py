"""A finished report, opened from Python: predictions for the test set and the test set itself. Trains nothing."""

from __future__ import annotations

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
from mnistsweep.errors import DataError, StudyError
from mnistsweep.evaluation.report_record import ReportRecord
from mnistsweep.evaluation.saved_predictions import Predictions, read_predictions
from mnistsweep.paths import SweepPaths
from mnistsweep.study.sweep import load_sweep

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class Report:
    """Predictions of a report's models for the test set.

    Attributes:
        paths: Paths of the sweep's files.
        class_names: Name of each class.
        probabilities: Class probabilities, ``(seeds, n, classes)``: one model per seed.
        held_out: Test set.

    Example:
        >>> report = load_report("logs/quickstart")  # doctest: +SKIP
        >>> report.mistakes.wrong[:3], report.next_wrong(0)  # doctest: +SKIP
        (array([247, 321, 445]), 247)
    """

    paths: SweepPaths
    class_names: list[str]
    probabilities: NDArray[np.float64]
    held_out: HeldOut

    @property
    def labels(self) -> NDArray[np.int64]:
        """Labels of the test set, ``(n,)``."""
        return self.held_out.labels.astype(np.int64)

    @cached_property
    def mistakes(self) -> Mistakes:
        """Correctly and wrongly predicted images, by the mean of the probabilities over seeds."""
        return find_mistakes(self.probabilities, self.labels)

    def next_wrong(self, index: int) -> int | None:
        """Position of the next wrongly predicted image; after the last one follows the first one.

        Args:
            index: Position to start after, from 0; -1 returns the first wrong image.

        Returns:
            A position in the test set; None if all images are predicted correctly.

        Raises:
            DataError: The position is outside of the test set.
        """
        return self.mistakes.next_wrong(index)

    def draw(self, index: int) -> Figure:
        """Draw one image beside its class probabilities, with their spread over seeds.

        Args:
            index: Position in the test set.

        Raises:
            DataError: The position is outside of the test set.
        """
        from mnistsweep.html_report.figures.single_image import draw_image

        self.check_index(index)
        image = self.held_out.shown[index].squeeze() if self.held_out.are_images else None
        return draw_image(image, self.probabilities[:, index], int(self.labels[index]), self.class_names, index)

    def check_index(self, index: int) -> None:
        """Check that the test set has an image at a position.

        Raises:
            DataError: The position is outside of the test set.
        """
        if not 0 <= index < len(self.labels):
            raise DataError(f"INDEX: the test set has images 0 to {len(self.labels) - 1}, received {index}.")


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
    held_out = data.load_test(resolved(record.data, ("data",)))
    if held_out.checksum != record.test:
        raise DataError(
            f"{paths.folder}: the test set differs from the one that the report was created with; {command} creates "
            "the report again."
        )
    return Report(paths, record.class_names, np.stack([one.probabilities for one in predictions]), held_out)


def _read(path: Path, command: str) -> Predictions:
    predictions = read_predictions(path)
    if predictions is None:
        raise StudyError(f"{path}: missing or damaged; {command} creates it again.")
    return predictions
