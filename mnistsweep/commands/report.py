"""`mnistsweep report`: the winner of a sweep trained anew, scored on the test set, and looked at from all sides.

The models and what they say are kept, so that a second report trains nothing.
"""

from __future__ import annotations

import contextlib
import json
import shlex
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from rich.console import Console
from rich.markup import escape

import mnistsweep
from mnistsweep import data
from mnistsweep.atomic import atomic_write, remove_temporary_files
from mnistsweep.config.schema import Config
from mnistsweep.errors import ConfigError, DataError, StudyError, suggest
from mnistsweep.evaluation.collector import NUM_DISTORTED, Gatherer
from mnistsweep.evaluation.predictions import Predictions
from mnistsweep.evaluation.selection import Selection, check_data, select
from mnistsweep.html_report import page
from mnistsweep.html_report.evidence import Checkpoint, Evidence, SearchHistory, Winner
from mnistsweep.html_report.sections import SECTIONS
from mnistsweep.locks import single_command_lock
from mnistsweep.paths import ReportPaths
from mnistsweep.progress_bar import StepProgress
from mnistsweep.study.sweep import load_sweep

Made = TypeVar("Made")


def report(folder: Path, overrides: Sequence[str] = ()) -> page.PageResult:
    """Make the report of a finished or stopped sweep.

    Args:
        folder: Of the sweep.
        overrides: Keys of the group ``report``: ``report.seeds=5``.

    Returns:
        The page, and which of its sections could not be made.

    Raises:
        StudyError: There is no sweep, no trial has completed, or a file is missing.
        SweepStopped: The winner cannot be trained anew.
        ConfigError: An option cannot be used.
        DataError: The data are gone, or are others.
    """
    console = Console()
    selection = select(folder, overrides)
    config = selection.config_of(selection.winner)
    check_data(selection, config)
    _check_options(selection, config)
    with _alone(selection.paths.report), StepProgress(console, _work(selection)) as steps:
        gatherer = Gatherer(selection, steps)
        evidence = gather(gatherer, _commands(folder, overrides, selection))
        _write_record(selection.paths.report, gatherer, evidence)

        def show(title: str) -> None:
            steps.start_step(title)
            steps.advance()

        made = page.make(evidence, selection.paths.report.folder, on_section=show)
    _sum_up(evidence, made, console)
    return made


@contextlib.contextmanager
def _alone(paths: ReportPaths) -> Iterator[None]:
    """Keep others from the report's files, and remove what a killed process left half written."""
    with single_command_lock(paths.lock, "mnistsweep report"):
        for folder in (paths.folder, paths.model("").parent, paths.predictions("").parent):
            remove_temporary_files(folder)
        yield


def gather(gatherer: Gatherer, commands: Sequence[str] = ()) -> Evidence:
    """All that the page needs; what has to be trained for it is trained.

    Args:
        gatherer: Finds or makes models and predictions.
        commands: What made the page.

    Raises:
        StudyError: A checkpoint that is needed is missing.
        ConfigError: `report.class_names` are not as many as the classes.
    """
    selection, options = gatherer.selection, gatherer.selection.plan.config.report
    names = _class_names(options.class_names, gatherer.dataset.classes)
    notes: list[str] = []
    search = _search(selection)
    models = gatherer.refits() if options.refit else [gatherer.checkpoint(selection.winner)]
    checkpoint = _optional(lambda: gatherer.checkpoint(selection.winner), notes)
    labels = gatherer.dataset.validation.labels.astype(np.int64)
    others = {
        record.number: found.probabilities
        for record in selection.ranked(options.top_trials + 1)[1:]
        if (found := _optional(partial(gatherer.checkpoint, record), notes)) is not None
    }
    held_out = gatherer.held_out
    shown = held_out.shown if held_out.are_images else None
    return Evidence(
        name=selection.paths.name,
        class_names=names,
        labels=held_out.labels.astype(np.int64),
        probabilities=np.stack([one.probabilities for one in models]),
        losses=np.array([one.loss for one in models]),
        winner=_winner(gatherer, models[0].parameters),
        images=shown[..., 0] if shown is not None and shown.shape[-1] == 1 else shown,
        top=options.top,
        against=options.against,
        search=search,
        retraining_curves=_curves(models) if options.refit else None,
        checkpoint=None
        if checkpoint is None or checkpoint.validation is None
        else Checkpoint(checkpoint.validation, labels, checkpoint.probabilities),
        others=others,
        robustness=_optional(gatherer.robustness, notes) if options.robustness else None,
        commands=commands,
        cleaning=selection.paths.clean.folder,
        notes=notes,
    )


def _optional(make: Callable[[], Made | None], notes: list[str]) -> Made | None:
    """What the page can do without: where it cannot be had, the page says why."""
    try:
        return make()
    except (StudyError, DataError) as error:
        notes.append(str(error))
        return None


def _check_options(selection: Selection, config: Config) -> None:
    options, keys = selection.plan.config.report, selection.plan.space.keys
    if options.class_names:
        _class_names(options.class_names, data.load(config.data).classes)
    against = options.against
    if against is not None and against not in keys:
        raise ConfigError(f"report.against: must be a swept key, received {against!r}; {suggest(against, keys)}.")


def _class_names(given: Sequence[str], classes: int) -> list[str]:
    if given and len(given) != classes:
        raise ConfigError(f"report.class_names: must be {classes}, one a class, received {len(given)}: {list(given)}.")
    return list(given) or [str(number) for number in range(classes)]


def _work(selection: Selection) -> float:
    """Units of work: epochs, predictions of distorted images, sections."""
    options = selection.plan.config.report
    epochs = options.seeds * selection.best_epoch if options.refit else 0
    return epochs + (NUM_DISTORTED if options.robustness else 0) + len(SECTIONS)


def _winner(gatherer: Gatherer, parameters: int) -> Winner:
    selection, refit = gatherer.selection, gatherer.selection.plan.config.report.refit
    record, dataset = selection.winner, gatherer.dataset
    assert record.result.objective is not None
    return Winner(
        number=record.number,
        point=record.point,
        objective=selection.plan.config.objective,
        value=record.result.objective,
        best_epoch=selection.best_epoch,
        epochs=gatherer.config.trainer.epochs,
        retrained=refit,
        examples=len(dataset.train) + (len(dataset.validation) if refit else 0),
        parameters=parameters,
        repeats=gatherer.config.trainer.repeats,
        augmentation=dict(gatherer.config.data.get("augmentation") or {}),
    )


def _search(selection: Selection) -> SearchHistory:
    """Return the finished trials of the sweep and their learning curves."""
    plan = selection.plan
    finished = [record for record in selection.records if record.state.finished]
    curves = load_sweep(selection.paths.folder).curves
    return SearchHistory(plan.space, plan.config.objective, plan.direction, finished, curves)


def _curves(models: Sequence[Predictions]) -> Any:
    import pandas as pd

    rows = [
        {"seed": seed, "epoch": epoch, **metrics}
        for seed, model in enumerate(models)
        for epoch, metrics in enumerate(model.curve, 1)
    ]
    return pd.DataFrame(rows) if rows else None


def _commands(folder: Path, overrides: Sequence[str], selection: Selection) -> list[str]:
    begun = load_sweep(folder).config.get("command")
    return [
        *([str(begun)] if begun else []),
        shlex.join(["mnistsweep", "report", str(folder), *overrides]),
        shlex.join(["mnistsweep", "train", "--config-dir", str(folder), "--config-name", "best"]),
        shlex.join(["tensorboard", "--logdir", str(selection.paths.folder.parent)]),
    ]


def _write_record(paths: ReportPaths, gatherer: Gatherer, evidence: Evidence) -> None:
    """Write which models the page tells of, for `showing.load_report`."""
    record = {
        "mnistsweep": mnistsweep.__version__,
        "trial": evidence.winner.number,
        "refitted": evidence.winner.retrained,
        "models": gatherer.names,
        "class_names": list(evidence.class_names),
        "test": gatherer.test_checksum,
        "data": gatherer.config.data,
    }
    with atomic_write(paths.record) as part:
        part.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def _sum_up(evidence: Evidence, made: page.PageResult, console: Console) -> None:
    from mnistsweep.analysis.accuracy import measure_accuracy

    scores = measure_accuracy(evidence.probabilities, evidence.labels)
    console.print(str(scores), highlight=False)
    for note in evidence.notes:
        console.print(escape(note), highlight=False, soft_wrap=True)
    for name, reason in made.failed.items():
        console.print(f"[red]{escape(name)}[/red]: {escape(reason)}", highlight=False, soft_wrap=True)
    console.print(escape(f"the page: {made.index}"), highlight=False, soft_wrap=True)
