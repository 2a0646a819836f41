"""`mnistsweep show`: prints the predictions for one test image, and draws it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from rich.table import Table
from rich.text import Text

from mnistsweep.atomic import atomic_write
from mnistsweep.console import SafeConsole
from mnistsweep.errors import ConfigError, DataError
from mnistsweep.evaluation.report import Report, load_report
from mnistsweep.path_checks import OUTPUT_FILE, check_path

# Number of classes in the table.
MAX_CLASSES = 10


def show(folder: Path, index: int, next_wrong: bool = False, output: Path | None = None) -> None:
    """Print the predictions for one test image, and draw it beside its class probabilities.

    Args:
        folder: Path of the sweep's folder.
        index: Position in the test set.
        next_wrong: Whether to show the next wrongly predicted image after `index` instead; -1 shows the first one.
        output: Path of the PNG file; None: a file in the report's folder.

    Raises:
        ConfigError: The PNG file cannot be written.
        StudyError: There is no report.
        DataError: The position is outside of the test set, or all images are predicted correctly.
    """
    from mnistsweep.html_report.figures import style

    report = load_report(folder)
    if next_wrong:
        index = _next_wrong(report, index)
    target = output or report.paths.report.image(index)
    if faults := check_path("--output", target, OUTPUT_FILE):
        raise ConfigError(faults[0])
    _write(target, style.to_png(report.draw(index)))
    console = SafeConsole()
    label, predicted = int(report.labels[index]), int(report.mistakes.predictions[index])
    names = report.class_names
    verdict = "right" if label == predicted else ("wrong", "red")
    console.print(Text.assemble(f"image {index}: label {names[label]}, prediction {names[predicted]}: ", verdict))
    console.print(_table(report, index))
    console.print(str(target), soft_wrap=True)


def _next_wrong(report: Report, index: int) -> int:
    found = report.next_wrong(index)
    if found is None:
        raise DataError(
            f"{report.paths.folder}: none of the {len(report.labels)} test images is predicted wrong; leave out "
            "--next-wrong to show any image."
        )
    return found


def _write(target: Path, content: bytes) -> None:
    with atomic_write(target, durable=False) as part:
        part.write_bytes(content)


def _table(report: Report, index: int) -> Table:
    """Table of the most probable classes: mean over seeds, and with several seeds the minimum and maximum."""
    probabilities = report.probabilities[:, index]
    mean = probabilities.mean(axis=0)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("class", "probability", *(["min", "max"] if len(probabilities) > 1 else [])):
        table.add_column(column, justify="right")
    for number in np.argsort(-mean, kind="stable")[:MAX_CLASSES]:
        spread = [probabilities[:, number].min(), probabilities[:, number].max()] if len(probabilities) > 1 else []
        table.add_row(report.class_names[number], *(f"{value:.4f}" for value in (mean[number], *spread)))
    return table
