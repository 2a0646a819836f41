"""Reports in tests: the shared sweep with its report, its evidence without a page, and a progress bar that counts."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from rich.console import Console

from mnistsweep import data
from mnistsweep.atomic import write_yaml
from mnistsweep.config.compose import to_plain
from mnistsweep.config.trial_file import trial_file_content
from mnistsweep.evaluation.collector import collect_evidence
from mnistsweep.evaluation.report_context import ReportContext
from mnistsweep.evaluation.selection import select
from mnistsweep.html_report.outputs import ClassEvidence
from mnistsweep.html_report.page import PageResult
from mnistsweep.html_report.sections import SECTIONS
from mnistsweep.paths import SweepPaths, TrialPaths
from mnistsweep.planning.plan_file import plan_of
from mnistsweep.progress_bar import StepProgress
from mnistsweep.study.claim import Claim
from mnistsweep.study.leases import Lease
from mnistsweep.study.storage.stores import open_coordinator
from mnistsweep.study.study import Study
from mnistsweep.study.sweep import load_sweep
from mnistsweep.workers.search_settings import make_search_settings

# Overrides of the shared sweep: three of the four points of a grid; each model trains in a fraction of a second.
SWEEP = (
    *("optimizer.learning_rate=0.01,0.03", "model.layer_size=16,32", "oracle=grid", "trials=3", "name=search"),
    *("trainer.epochs=2", "trainer.batch_size=16", "objective=val_loss"),
)


def shorten(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Leave out all sections of the page except the named ones; drawing all of them takes seconds."""
    for analysis in SECTIONS:
        if analysis.name not in names:
            monkeypatch.setattr(import_module(analysis.module), "section", lambda _evidence: None)


class Counted(StepProgress):
    """A progress bar that records the started steps and the units done."""

    def __init__(self, console: Console | None = None, total: float = 0.0) -> None:
        super().__init__(console or Console(file=io.StringIO()), total)
        self.total = total
        self.done = 0.0
        self.started: list[str] = []

    def start_step(self, title: str) -> None:
        self.started.append(title)
        super().start_step(title)

    def advance(self, units: float = 1.0) -> None:
        self.done += units
        super().advance(units)


@dataclass(frozen=True)
class Reported:
    """The shared sweep, with its report.

    Attributes:
        folder: Path of the sweep's folder.
        overrides: Overrides of the sweep.
        made: Result of the report command.
        steps: Progress bar of the report command.
        printed: Output of the report command.
    """

    folder: Path
    overrides: Sequence[str]
    made: PageResult
    steps: Counted
    printed: str


def report_context(folder: Path, *overrides: str, steps: StepProgress | None = None) -> ReportContext:
    """Context of a sweep's report; robustness only if an override turns it on."""
    return ReportContext(select(folder, ["report.robustness=false", *overrides]), steps or Counted())


def collected(folder: Path, *overrides: str) -> tuple[ClassEvidence, list[str]]:
    """ClassEvidence for the page of a sweep, and the titles of the steps that were needed to collect it."""
    steps = Counted()
    return collect_evidence(report_context(folder, *overrides, steps=steps)), steps.started


def predict_with(file: Path, folder: Path) -> NDArray[Any]:
    """Outputs of a saved Keras model for the test set of a sweep's winner."""
    import keras

    selection = select(folder)
    images = data.load_test(selection.config_of(selection.winner).data).inputs
    return np.asarray(keras.saving.load_model(file).predict(images, verbose=0))


def kept(folder: Path) -> dict[str, bytes]:
    """Contents of the files that the next report reuses, by file name."""
    places = [folder / "report" / name for name in ("models", "predictions")]
    return {file.name: file.read_bytes() for place in places if place.is_dir() for file in sorted(place.iterdir())}


def copied(folder: Path, target: Path, report: bool = True) -> Path:
    """Copy of a sweep that a test may change; without the page, which is large."""
    left_out = ("*.html", "*.png", "events.out*") if report else ("report",)
    shutil.copytree(folder, target, ignore=shutil.ignore_patterns(*left_out))
    return target


@contextlib.contextmanager
def claimed(folder: Path) -> Iterator[tuple[Study, Claim, TrialPaths]]:
    """One more trial of a finished sweep, owned by a worker that exits at the end."""
    plan = plan_of(load_sweep(folder))
    own = dataclasses.replace(plan.config, logs=str(folder.parent), name=folder.name, trials=100)
    plan = dataclasses.replace(plan, config=own)
    with Lease(plan.paths, open_coordinator(plan.paths, None)) as lease:
        study = Study(plan.paths, make_search_settings(plan, plan.paths), lease, None, "later", lambda: 0.0)
        claim = study.claim()
        assert claim is not None
        trial = plan.paths.trial(claim.number)
        write_yaml(trial.config, trial_file_content(to_plain(plan.composer.trial(claim.point, claim.seed)), threads=1))
        yield study, claim, trial


def edit_checkpoint(folder: Path, number: int, edit: Callable[[dict[str, Any]], dict[str, Any] | None]) -> None:
    """Replace the stored checkpoint of a trial in the journal; None removes it, as in ledgers of earlier versions."""
    journal, kept = SweepPaths(folder).journal, list[str]()
    for line in journal.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        stored = entry.get("user_attr") or {}
        if entry.get("trial_id") == number and "checkpoint" in stored:
            changed = edit(stored["checkpoint"])
            if changed is None:
                continue
            entry["user_attr"] = {"checkpoint": changed}
        kept.append(json.dumps(entry))
    journal.write_text("\n".join(kept) + "\n", encoding="utf-8")


def forget_checksum(folder: Path, number: int) -> None:
    """Remove the checksum of a trial from the ledger: then it is that of an earlier version."""
    edit_checkpoint(folder, number, lambda _checkpoint: None)
