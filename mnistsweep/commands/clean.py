"""`mnistsweep clean`: tests whether removing or correcting suspected label errors improves the winner of a sweep.

The experiment needs ``folds + 5 * seeds`` trainings (20 by default) of the winner's configuration, each as long
as `cleaning_trainer.training_epochs` says; `evaluation.cleaning_experiment` describes them.
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
from mnistsweep.console import SafeConsole
from mnistsweep.evaluation.cleaning_experiment import CleaningExperiment
from mnistsweep.evaluation.cleaning_store import CleaningStore, accuracies
from mnistsweep.evaluation.cleaning_trainer import CleaningTrainer
from mnistsweep.evaluation.selection import select
from mnistsweep.planning.folders import check_clean_folder, require_usable


def clean(folder: Path, overrides: Sequence[str] = ()) -> None:
    """Run or resume the label-cleaning experiment of a finished or stopped sweep, and print its results.

    Args:
        folder: Path of the sweep's folder.
        overrides: Keys of the group ``clean``, for example ``clean.plant=0.02``.

    Raises:
        StudyError: There is no sweep, no trial has completed, the experiment cannot be written, or another process
            runs it.
        ConfigError: The value of an option is invalid.
        DataError: The data are missing, or a class has fewer examples than there are folds.
        SweepStopped: A training failed.
    """
    console = SafeConsole()
    selection = select(folder, overrides, "clean")
    options = selection.plan.config.clean
    require_usable(check_clean_folder(selection.paths.clean))
    experiment = CleaningExperiment(selection, options, CleaningTrainer.of(selection), console)
    summary = experiment.store.read_summary(options.seeds)
    print_results(experiment.run() if summary is None else summary, experiment.store, console)


def print_results(summary: dict[str, Any], store: CleaningStore, console: Console) -> None:
    """Print the results of an experiment.

    Args:
        summary: Content of ``summary.json``.
        store: Files of the experiment.
        console: Console to print on.
    """
    console.print(_num_suspected(summary))
    if summary["planted"] is not None:
        console.print(DetectionScores(**summary["planted"]).sentence, soft_wrap=True)
    console.print(_table(store, summary["seeds"]))
    console.print("Accuracy on the validation split; differences in points, ± the 95 % interval.")
    console.print(summary["sentence"], soft_wrap=True)
    console.print("Scored on the validation split; the test set was not used.")
    console.print(f"in {store.paths.folder}", soft_wrap=True)


def _num_suspected(summary: dict[str, Any]) -> str:
    """Sentence with the number of suspected labels."""
    if summary["flagged"]:
        return f"{summary['suspected']} of {summary['examples']} training labels are suspected to be wrong."
    return f"None of {summary['examples']} training labels is flagged; the arms use the most suspect label."


def _table(store: CleaningStore, seeds: int) -> Table:
    """Table of the arms, one row each."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column(f"arm ({seeds} seed{'s' * (seeds > 1)} each)")
    for column in ("accuracy", "against nothing", "against random"):
        table.add_column(column, justify="right")
    for arm in compare_arms(accuracies(store.read_runs(), seeds)):
        spread = f" ± {100 * arm.std:.2f}" if seeds > 1 else ""
        table.add_row(ARMS[arm.name], f"{100 * arm.mean:.2f}{spread} %", _cell(arm.to_nothing), _cell(arm.to_random))
    return table


def _cell(difference: PairedDifference | None) -> str:
    """Difference in points, short: mean ± half the width of the interval."""
    if difference is None:
        return ""
    half_width = (difference.high - difference.low) / 2
    return f"{100 * difference.mean:+.2f}" + (f" ± {100 * half_width:.2f}" if np.isfinite(half_width) else "")
