"""`mnistsweep show`: prints the predictions for one test example, and draws it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mnistsweep.atomic import atomic_write
from mnistsweep.console import SafeConsole
from mnistsweep.errors import ConfigError, DataError
from mnistsweep.evaluation.output_report import OutputReport
from mnistsweep.evaluation.report import Report, load_report
from mnistsweep.path_checks import OUTPUT_FILE, check_path

# Number of classes, labels or numbers in the table.
MAX_CLASSES = 10


def show(folder: Path, index: int, next_wrong: bool = False, output: Path | None = None) -> None:
    """Print the predictions for one test example, and draw it beside them.

    Args:
        folder: Path of the sweep's folder.
        index: Position in the test set.
        next_wrong: Whether to show the next wrongly predicted example after `index` instead; -1 shows the first one.
        output: Path of the PNG file; None: a file in the report's folder.

    Raises:
        ConfigError: The PNG file cannot be written.
        StudyError: There is no report.
        DataError: The position is outside of the test set, or all examples are predicted correctly.
    """
    from mnistsweep.html_report.figures import style

    report = load_report(folder)
    if next_wrong:
        index = _next_wrong(report, index)
    report.check_index(index)
    target = output or report.paths.report.image(index)
    if faults := check_path("--output", target, OUTPUT_FILE):
        raise ConfigError(faults[0])
    _write(target, style.to_png(report.draw(index)))
    console = SafeConsole()
    for name, one in report.outputs.items():
        _print_output(report, name, one, index, console)
    _print_input(report, index, console)
    console.print(str(target), soft_wrap=True)


def _next_wrong(report: Report, index: int) -> int:
    if not any(one.kind == "classes" for one in report.outputs.values()):
        raise DataError(
            f"--next-wrong: needs a model that predicts classes; {report.paths.folder} has none; give INDEX alone, "
            "or take an index from a CSV file of the report."
        )
    found = report.next_wrong(index)
    if found is None:
        raise DataError(
            f"{report.paths.folder}: none of the {len(report.held_out)} test {report.words.many} is predicted wrong; "
            "leave out --next-wrong to show any of them."
        )
    return found


def _write(target: Path, content: bytes) -> None:
    with atomic_write(target, durable=False) as part:
        part.write_bytes(content)


def _print_output(report: Report, name: str, one: OutputReport, index: int, console: Console) -> None:
    subject = f"{report.words.one} {index}{f', {name}' if name else ''}"
    if one.kind == "classes":
        label, predicted = int(one.targets[index]), int(one.predictions[:, index].mean(axis=0).argmax())
        verdict = "right" if label == predicted else ("wrong", "red")
        text = f"{subject}: label {one.names[label]}, prediction {one.names[predicted]}: "
        console.print(Text.assemble(text, verdict))
        console.print(_probabilities(one, index))
    elif one.kind in ("multi_label", "regression"):
        console.print(f"{subject}:")
        console.print(_values(one, index))
    else:
        wrong = one.predictions[0, index] != one.targets[index]
        error = one.predictions[0, index].astype(np.float64) - one.targets[index]
        score = f"{100 * (1 - wrong.mean()):.2f} % right" if one.kind == "class_map" else f"MSE {(error**2).mean():.4g}"
        console.print(f"{subject}: {score}")


def _print_input(report: Report, index: int, console: Console) -> None:
    """Print a text or the columns of a row; images and series are drawn only."""
    for line in report.inputs.lines(index):
        console.print(Text(line), soft_wrap=True)


def _probabilities(one: OutputReport, index: int) -> Table:
    """Table of the most probable classes: mean over seeds, and with several seeds the minimum and maximum."""
    probabilities = one.predictions[:, index]
    mean = probabilities.mean(axis=0)
    table = _table(("class", one.value_name), len(probabilities))
    for number in np.argsort(-mean, kind="stable")[:MAX_CLASSES]:
        table.add_row(one.names[number], *_cells(probabilities[:, number], ".4f"))
    return table


def _values(one: OutputReport, index: int) -> Table:
    """Table of labels or numbers: the true value, the mean over seeds, and with several seeds minimum and maximum."""
    predictions, is_number = one.predictions[:, index], one.kind == "regression"
    table = _table(
        ("target", "true", "prediction") if is_number else ("label", "true", "probability"), len(predictions)
    )
    order = np.arange(predictions.shape[1])
    if not is_number:
        order = np.argsort(-(predictions.mean(axis=0) + one.targets[index]), kind="stable")
    for number in order[:MAX_CLASSES]:
        true = one.targets[index, number]
        form = ".5g" if is_number else ".4f"
        shown = f"{true:.5g}" if is_number else "yes" if true else "no"
        table.add_row(one.names[number], shown, *_cells(predictions[:, number], form))
    return table


def _table(columns: tuple[str, ...], seeds: int) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in (*columns, *(["min", "max"] if seeds > 1 else [])):
        table.add_column(column, justify="right")
    return table


def _cells(values: np.ndarray, form: str) -> list[str]:
    spread = [values.min(), values.max()] if len(values) > 1 else []
    return [f"{value:{form}}" for value in (values.mean(), *spread)]
