"""Reports from tests: what a page needs, gathered without a page, and the work that was counted meanwhile."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from mnistsweep.atomic import write_yaml
from mnistsweep.commands.report import gather
from mnistsweep.config.compose import to_plain
from mnistsweep.config.trial_file import trial_file
from mnistsweep.evaluation.collector import Gatherer
from mnistsweep.evaluation.selection import select
from mnistsweep.html_report.evidence import Evidence
from mnistsweep.html_report.page import PageResult
from mnistsweep.paths import TrialPaths
from mnistsweep.planning.plan import plan_of
from mnistsweep.progress_bar import StepProgress
from mnistsweep.study.claim import Claim
from mnistsweep.study.leases import Lease
from mnistsweep.study.storage.stores import open_coordinator
from mnistsweep.study.study import Study
from mnistsweep.study.sweep import load_sweep
from mnistsweep.workers.search_settings import make_search_settings

# What the shared sweep is made with: three of the four points of a grid, whose models learn in a fraction of a second.
SWEEP = (
    *("optimizer.learning_rate=0.01,0.03", "model.layer_size=16,32", "oracle=grid", "trials=3", "name=search"),
    *("trainer.epochs=2", "trainer.batch_size=16", "objective=val_loss"),
)


class Counted(StepProgress):
    """A progress bar that records the started steps and the units done."""

    def __init__(self, console: Console | None = None, total: float = 0.0) -> None:
        super().__init__(console or Console(file=io.StringIO()), total)
        self.total = total
        self.done = 0.0
        self.begun: list[str] = []

    def start_step(self, what: str) -> None:
        self.begun.append(what)
        super().start_step(what)

    def advance(self, units: float = 1.0) -> None:
        self.done += units
        super().advance(units)


@dataclass(frozen=True)
class Reported:
    """The shared sweep, with its report.

    Attributes:
        folder: Of the sweep.
        overrides: Of the sweep.
        made: What came of the report.
        steps: Of the report.
        printed: By the report.
    """

    folder: Path
    overrides: Sequence[str]
    made: PageResult
    steps: Counted
    printed: str


def gatherer(folder: Path, *overrides: str, steps: StepProgress | None = None) -> Gatherer:
    """Makes what a report of a sweep needs, without robustness where that is not asked for."""
    return Gatherer(select(folder, ["report.robustness=false", *overrides]), steps or Counted())


def gathered(folder: Path, *overrides: str) -> tuple[Evidence, list[str]]:
    """What a page of a sweep needs, and what was done for it."""
    steps = Counted()
    return gather(gatherer(folder, *overrides, steps=steps)), steps.begun


def kept(folder: Path) -> dict[str, bytes]:
    """The files of a report that spare the next one its work, by their names."""
    places = [folder / "report" / name for name in ("models", "predictions")]
    return {file.name: file.read_bytes() for place in places if place.is_dir() for file in sorted(place.iterdir())}


def copied(folder: Path, target: Path, report: bool = True) -> Path:
    """A copy of a sweep, to change; without the page, which is large."""
    left_out = ("*.html", "*.png", "events.out*") if report else ("report",)
    shutil.copytree(folder, target, ignore=shutil.ignore_patterns(*left_out))
    return target


@contextlib.contextmanager
def claimed(folder: Path) -> Iterator[tuple[Study, Claim, TrialPaths]]:
    """One more trial of a finished sweep, owned by a worker that leaves at the end."""
    plan = plan_of(load_sweep(folder))
    own = dataclasses.replace(plan.config, logs=str(folder.parent), name=folder.name, trials=100)
    plan = dataclasses.replace(plan, config=own)
    with Lease(plan.paths, open_coordinator(plan.paths, None)) as lease:
        study = Study(plan.paths, make_search_settings(plan, plan.paths), lease, None, "later", lambda: 0.0)
        claim = study.claim()
        assert claim is not None
        trial = plan.paths.trial(claim.number)
        write_yaml(trial.config, trial_file(to_plain(plan.composer.trial(claim.point, claim.seed)), threads=1))
        yield study, claim, trial
