"""`mnistsweep report`: retrains the winner of a sweep, evaluates it on the test set, and writes the report page.

Models and predictions are saved, so that a second report of the same sweep trains nothing.
"""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from mnistsweep import data
from mnistsweep.atomic import remove_temporary_files
from mnistsweep.config.schema import Config
from mnistsweep.console import SafeConsole
from mnistsweep.data.structure import leaves_by_name
from mnistsweep.data.task import PossibleTasks
from mnistsweep.errors import ConfigError, suggest
from mnistsweep.evaluation.collector import collect_evidence
from mnistsweep.evaluation.distorted_predictions import NUM_DISTORTED
from mnistsweep.evaluation.report_context import ReportContext
from mnistsweep.evaluation.report_predictions import check_class_names
from mnistsweep.evaluation.report_record import ReportRecord
from mnistsweep.evaluation.selection import Selection, check_data, select
from mnistsweep.html_report import page
from mnistsweep.html_report.evidence import Evidence
from mnistsweep.html_report.outputs import ClassEvidence
from mnistsweep.html_report.sections import SECTIONS, sections_of
from mnistsweep.html_report.sections.headlines import headline_lines
from mnistsweep.locks import single_command_lock
from mnistsweep.planning.folders import check_report_folder, require_usable
from mnistsweep.planning.provenance import mask_command
from mnistsweep.progress_bar import StepProgress
from mnistsweep.report_paths import ReportPaths
from mnistsweep.study.checkpoints import find_checkpoint
from mnistsweep.study.sweep import load_sweep


def report(folder: Path, overrides: Sequence[str] = ()) -> page.PageResult:
    """Create the report of a finished or stopped sweep.

    Args:
        folder: Path of the sweep's folder.
        overrides: Keys of the group ``report``, for example ``report.seeds=5``.

    Returns:
        The page, with the sections that could not be drawn.

    Raises:
        StudyError: There is no sweep, no trial has completed, a file is missing, or the report cannot be written.
        SweepStopped: The winner cannot be retrained.
        ConfigError: The value of an option is invalid.
        DataError: The data are missing, or differ from those of the sweep.
    """
    console = SafeConsole()
    selection = select(folder, overrides)
    config = selection.config_of(selection.winner)
    require_usable(check_report_folder(selection.paths.report))
    check_data(selection, config)
    _check_options(selection, config)
    with _lock(selection.paths.report), StepProgress(console, _num_units(selection)) as steps:
        context = ReportContext(selection, steps)
        evidence = collect_evidence(context, _commands(folder, overrides, selection))
        _record(context, evidence).write(selection.paths.report.record)

        units = len(SECTIONS) / len(sections_of(evidence))  # the total was estimated for the sections of classes
        result = page.make(
            evidence,
            selection.paths.report.folder,
            on_section=steps.start_step,
            on_done=lambda: steps.advance(units),
        )
    _print_summary(evidence, result, console)
    return result


@contextlib.contextmanager
def _lock(paths: ReportPaths) -> Iterator[None]:
    """Lock the report's files, and remove the temporary files of a killed process."""
    with single_command_lock(paths.lock, "mnistsweep report"):
        for folder in (paths.folder, paths.models, paths.all_predictions):
            remove_temporary_files(folder)
        yield


def _check_options(selection: Selection, config: Config) -> None:
    """Check the options, and the checkpoint if the report evaluates it, before anything is written."""
    options, keys = selection.plan.config.report, selection.plan.space.keys
    if options.class_names:
        _check_class_names(options.class_names, config)
    against = options.against
    if against is not None and against not in keys:
        raise ConfigError(f"report.against: must be a swept key, received {against!r}; {suggest(against, keys)}.")
    if not options.refit:
        find_checkpoint(selection.paths, selection.winner)


def _check_class_names(names: Sequence[str], config: Config) -> None:
    """Check that the targets of an output can be as many classes or labels as there are names.

    Positions of a class map are not counted here: their classes are in the predictions, too.
    """
    possible: list[PossibleTasks] = list(leaves_by_name(data.load(config.data).tasks).values())
    counts = [
        len(task.values) if task.kind == "classes" else task.width
        for one in possible
        for task in one.tasks
        if task.kind in ("classes", "multi_label")
    ]
    if any(task.kind == "array" for one in possible for task in one.tasks[:1]) or len(names) in counts:
        return
    check_class_names(names, [str(number) for number in range(counts[0])] if counts else [])


def _num_units(selection: Selection) -> float:
    """Units of work for the progress bar: epochs, predictions of distorted images, sections of the page."""
    options = selection.plan.config.report
    epochs = options.seeds * selection.best_epoch if options.refit else 0
    return epochs + (NUM_DISTORTED if options.robustness else 0) + len(SECTIONS)


def _commands(folder: Path, overrides: Sequence[str], selection: Selection) -> list[str]:
    """Commands that the page lists: those that created sweep and report, and two to continue with."""
    sweep_command = load_sweep(folder).config.get("command")
    return [
        *([mask_command(str(sweep_command))] if sweep_command else []),
        shlex.join(["mnistsweep", "report", str(folder), *overrides]),
        shlex.join(["mnistsweep", "train", "--config-dir", str(folder), "--config-name", "best"]),
        shlex.join(["tensorboard", "--logdir", str(selection.paths.folder.parent)]),
    ]


def _record(context: ReportContext, evidence: Evidence) -> ReportRecord:
    return ReportRecord(
        trial=context.selection.winner.number,
        retrained=context.options.refit,
        models=context.model_names,
        class_names=list(evidence.class_names if isinstance(evidence, ClassEvidence) else context.options.class_names),
        test=context.held_out.checksum,
        data=context.selection.kept_config_of(context.selection.winner)["data"],
    )


def _print_summary(evidence: Evidence, result: page.PageResult, console: Console) -> None:
    """Print scores, missing parts, failed sections and the path of the page."""
    for line in headline_lines(evidence):
        console.print(line, soft_wrap=True)
    for note in evidence.notes:
        console.print(note, soft_wrap=True)
    for name, reason in result.failed.items():
        console.print(Text.assemble((name, "red"), f": {reason}"), soft_wrap=True)
    console.print(f"the page: {result.index}", soft_wrap=True)
