"""`mnistsweep clean`: does it help to remove or to correct the training labels that look wrong?

It costs ``folds + 5 * seeds`` trainings (by default 20) of the winner's configuration, each as long as that says;
`experiment` tells which.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from mnistsweep.analysis.arms import compare_arms
from mnistsweep.analysis.paired import PairedDifference
from mnistsweep.analysis.planting import DetectionScores
from mnistsweep.analysis.treatments import ARMS
from mnistsweep.evaluation.cleaning_experiment import Experiment
from mnistsweep.evaluation.cleaning_records import Findings, accuracies
from mnistsweep.evaluation.learner import Learner
from mnistsweep.evaluation.selection import select


def clean(folder: Path, overrides: Sequence[str] = ()) -> None:
    """Run the cleaning experiment of a finished or stopped sweep, or go on with it, and print what came out.

    Args:
        folder: Of the sweep.
        overrides: Keys of the group ``clean``: ``clean.plant=0.02``.

    Raises:
        StudyError: There is no sweep, no trial has completed, or another process runs the experiment.
        ConfigError: An option cannot be used.
        DataError: The data are gone, or a class has fewer examples than there are folds.
        SweepStopped: A training failed.
    """
    console = Console()
    selection = select(folder, overrides, "clean")
    options = selection.plan.config.clean
    experiment = Experiment(selection, options, Learner.of(selection), console)
    summary = experiment.findings.summary(options.seeds)
    show(experiment.run() if summary is None else summary, experiment.findings, console)


def show(summary: dict[str, Any], findings: Findings, console: Console) -> None:
    """Print what came out.

    Args:
        summary: What ``summary.json`` holds.
        findings: Of the experiment.
        console: Where to write.
    """
    console.print(_suspected(summary), highlight=False)
    if summary["planted"] is not None:
        console.print(DetectionScores(**summary["planted"]).sentence, highlight=False, soft_wrap=True)
    console.print(_table(findings, summary["seeds"]))
    console.print("Accuracy on the validation side; differences in points, ± the 95 % interval.", highlight=False)
    console.print(summary["sentence"], highlight=False, soft_wrap=True)
    console.print("The validation side judged; the test set was not touched.", highlight=False)
    console.print(f"in {findings.paths.folder}", highlight=False, soft_wrap=True, markup=False)


def _suspected(summary: dict[str, Any]) -> str:
    """How many labels the arms are about."""
    if summary["flagged"]:
        return f"{summary['suspected']} of {summary['examples']} training labels are suspected."
    return f"None of {summary['examples']} training labels is flagged; the arms are about the most suspect one."


def _table(findings: Findings, seeds: int) -> Table:
    """The arms, a row each."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column(f"arm ({seeds} seed{'s' * (seeds > 1)} each)")
    for column in ("accuracy", "against nothing", "against random"):
        table.add_column(column, justify="right")
    for arm in compare_arms(accuracies(findings.runs(), seeds)):
        spread = f" ± {100 * arm.std:.2f}" if seeds > 1 else ""
        table.add_row(ARMS[arm.name], f"{100 * arm.mean:.2f}{spread} %", _short(arm.to_nothing), _short(arm.to_random))
    return table


def _short(difference: PairedDifference | None) -> str:
    """A difference in points in little room."""
    if difference is None:
        return ""
    half = (difference.high - difference.low) / 2
    return f"{100 * difference.mean:+.2f}" + (f" ± {100 * half:.2f}" if np.isfinite(half) else "")
