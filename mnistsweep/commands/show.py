"""A report that was made, from Python and from `mnistsweep show`: one image, the next wrong one. Trains nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mnistsweep import data
from mnistsweep.analysis.mistakes import Mistakes, find_mistakes
from mnistsweep.atomic import atomic_write
from mnistsweep.data import HeldOut
from mnistsweep.errors import DataError, StudyError, is_disk_full
from mnistsweep.evaluation import predictions
from mnistsweep.paths import SweepPaths
from mnistsweep.study.sweep import load_sweep

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class Report:
    """What the models of a report say of the test set.

    Attributes:
        paths: The sweep's files.
        class_names: One a class.
        probabilities: ``(seeds, n, classes)``: one model a seed.
        held_out: The test set.

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
        """Of the test set, ``(n,)``."""
        return self.held_out.labels.astype(np.int64)

    @cached_property
    def mistakes(self) -> Mistakes:
        """Which images are right and which are wrong, by the mean of the probabilities over seeds."""
        return find_mistakes(self.probabilities, self.labels)

    def next_wrong(self, index: int) -> int | None:
        """The next image after one that is predicted wrong; after the last comes the first. None: all are right.

        Args:
            index: From 0; -1 asks for the first.
        """
        return self.mistakes.next_wrong(index)

    def draw(self, index: int) -> Figure:
        """One image beside its class probabilities, with their spread over seeds.

        Args:
            index: Position in the test set.

        Raises:
            DataError: There is no such image.
        """
        from mnistsweep.html_report.figures.single_image import draw_image

        self.check(index)
        image = self.held_out.shown[index].squeeze() if self.held_out.are_images else None
        return draw_image(image, self.probabilities[:, index], int(self.labels[index]), self.class_names, index)

    def check(self, index: int) -> None:
        """See that there is such an image.

        Raises:
            DataError: There is none.
        """
        if not 0 <= index < len(self.labels):
            raise DataError(f"INDEX: the test set has images 0 to {len(self.labels) - 1}, received {index}.")


def load_report(folder: str | Path) -> Report:
    """Open the report of a sweep.

    Args:
        folder: Of the sweep, such as ``logs/quickstart``.

    Raises:
        StudyError: There is no report, or files of it are missing.
        DataError: The test set is gone, or is another.
    """
    paths = load_sweep(folder).paths
    if not paths.report.record.is_file():
        raise StudyError(f"{paths.folder}: there is no report yet; make one with mnistsweep report {paths.folder}")
    try:
        record = json.loads(paths.report.record.read_text(encoding="utf-8"))
        names, class_names, group, test = (record[key] for key in ("models", "class_names", "data", "test"))
        files = [paths.report.predictions(name) for name in names]
    except (ValueError, KeyError, TypeError) as error:
        raise StudyError(f"{paths.report.record}: damaged ({error!r}); mnistsweep report writes it anew.") from error
    found = [predictions.read(file) for file in files]
    if None in found:
        lost = files[found.index(None)]
        raise StudyError(f"{lost}: missing or damaged; mnistsweep report {paths.folder} makes it anew.")
    held_out = data.load_test(group)
    if predictions.checksum(held_out) != test:
        raise DataError(
            f"{paths.folder}: the test set is not the one that the report was made with; mnistsweep report "
            f"{paths.folder} makes it anew."
        )
    return Report(paths, class_names, np.stack([one.probabilities for one in found if one]), held_out)


def show(folder: Path, index: int, next_wrong: bool = False, output: Path | None = None) -> None:
    """Print what the models say of one image, and draw it.

    Args:
        folder: Of the sweep.
        index: Position in the test set.
        next_wrong: Take the next image after it that is predicted wrong; then -1 asks for the first.
        output: A PNG; None: in the report's folder.

    Raises:
        StudyError: There is no report, or the PNG cannot be written.
        DataError: There is no such image, or none is wrong.
    """
    from mnistsweep.html_report.figures import style

    report = load_report(folder)
    if next_wrong:
        found = report.next_wrong(index)
        if found is None:
            raise DataError(f"{folder}: none of the {len(report.labels)} test images is predicted wrong.")
        index = found
    target = output or report.paths.report.image(index)
    drawing = report.draw(index)
    _write(target, style.to_png(drawing))
    console = Console()
    label, guess = int(report.labels[index]), int(report.mistakes.predictions[index])
    names = [escape(name) for name in report.class_names]
    verdict = "right" if label == guess else "[red]wrong[/red]"
    console.print(
        f"image {index}: label {names[label]}, prediction {names[guess]}: {verdict}",
        highlight=False,
    )
    console.print(_table(report, index))
    console.print(str(target), highlight=False, soft_wrap=True, markup=False)


def _write(target: Path, content: bytes) -> None:
    try:
        with atomic_write(target, durable=False) as part:
            part.write_bytes(content)
    except OSError as error:
        if is_disk_full(error):
            raise
        raise StudyError(f"{target}: cannot be written: {error.strerror or error}.") from error


def _table(report: Report, index: int) -> Table:
    """The classes, the most probable first."""
    probabilities = report.probabilities[:, index]
    mean = probabilities.mean(axis=0)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("class", "probability", *(["least", "most"] if len(probabilities) > 1 else [])):
        table.add_column(column, justify="right")
    for number in np.argsort(-mean, kind="stable")[:10]:
        spread = [probabilities[:, number].min(), probabilities[:, number].max()] if len(probabilities) > 1 else []
        table.add_row(escape(report.class_names[number]), *(f"{value:.4f}" for value in (mean[number], *spread)))
    return table
