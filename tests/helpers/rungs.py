"""A simple scheduler that pauses trials, and fake trainings of its jobs."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
from fakes import LINE, make_search

from mnistsweep.paths import SweepPaths
from mnistsweep.search.scheduler import Continue, Job, Phase, Scheduler, SearchView, Start
from mnistsweep.space import SearchSpace
from mnistsweep.study.claim import Claim
from mnistsweep.study.records import Result, State, TrialRecord
from mnistsweep.study.search_settings import SearchSettings
from mnistsweep.study.study import Study

MAX_EPOCHS = 8


class Rungs(Scheduler):
    """Trains each trial for 1, 2, 4, ... epochs: the better half of the paused trials of a rung goes on.

    A trial is continued once two trials have reached its rung, and no more than half of these have gone on.
    """

    no_job_reason = "no trial is left that is worth continuing"

    def __init__(self, space: SearchSpace = LINE, seed: int = 0) -> None:
        self._oracle = make_search(space, "random", seed=seed).scheduler

    def next_job(self, view: SearchView, study: optuna.Study) -> Job | None:
        for rung in (64, 32, 16, 8, 4, 2, 1):
            reached = [c for c in view.curves if rung in c.values and c.phase is not Phase.FAILED]
            ranking = sorted(reached, key=lambda c: (-c.values[rung], c.number))
            for curve in ranking[: len(ranking) // 2]:
                if curve.phase is Phase.PAUSED and curve.epochs == rung:
                    return Continue(curve.number, 2 * rung)
        job = self._oracle.next_job(view, study)
        return replace(job, until=1) if isinstance(job, Start) else None


def rungs_search(
    trials: int | None = None, epochs: int = MAX_EPOCHS, checkpoints_gb: float = 2.0, **budget: float | None
) -> SearchSettings:
    """A search of `LINE` with `Rungs`."""
    search = make_search(LINE, trials=trials, **budget)
    return replace(search, scheduler=Rungs(), epochs_of=lambda _point: epochs, checkpoints_gb=checkpoints_gb)


def value_at(claim: Claim | TrialRecord, epoch: int) -> float:
    """A rising curve that depends on the point."""
    return float(claim.point["x"]) * (1 - 0.5**epoch)


def train_job(study: Study, claim: Claim, epochs: int = MAX_EPOCHS, size: int = 0) -> None:
    """Train from the last epoch in the resume file until the end of the job, and finish or pause the trial."""
    folder = study.paths.trial(claim.number)
    folder.folder.mkdir(parents=True, exist_ok=True)
    folder.config.write_text("trainer: {epochs: 8, stop_after: null}\n")
    done = int(folder.resume.read_text().split()[0]) if folder.resume.exists() else 0
    if not done and claim.paused is not None and not study.restart(claim):
        return
    last = min(claim.until or epochs, epochs)
    for epoch in range(done + 1, last + 1):
        study.report(claim, epoch, value_at(claim, epoch))
        with (folder.folder / "trained").open("a") as file:
            file.write(f"{epoch}\n")
        folder.resume.write_text(f"{epoch} ".ljust(size))
    folder.model.write_text(f"model after {last}".ljust(size))
    result = Result(value_at(claim, last), last, last, seconds=0.25 * last)
    if last < epochs:
        study.pause(claim, result)
    else:
        study.finish(claim, State.COMPLETED, result)
        folder.resume.unlink()


def run_jobs(study: Study, on_job: Callable[[Claim], None] = lambda _claim: None, size: int = 0) -> list[Claim]:
    """Run jobs until the study grants no more."""
    claims = []
    while (claim := study.claim()) is not None:
        claims.append(claim)
        on_job(claim)
        train_job(study, claim, size=size)
    return claims


def trained_epochs(paths: SweepPaths) -> int:
    """Number of epochs that all fake trainings have trained."""
    files: list[Path] = [trial.folder / "trained" for _, trial in paths.trials()]
    total = 0
    for file in files:
        with contextlib.suppress(FileNotFoundError):
            total += len(file.read_text().split())
    return total


class Death(BaseException):
    """The process dies here."""


def run_until_death(study: Study, moment: int, after: bool) -> bool:
    """Run jobs; the process dies before or after one of its writes to the ledger. Returns whether it died."""
    number = itertools.count(1)

    def deadly(write: Callable[..., Any]) -> Callable[..., Any]:
        def write_or_die(*arguments: Any) -> Any:
            dies = next(number) == moment
            if dies and not after:
                raise Death
            result = write(*arguments)
            if dies:
                raise Death
            return result

        return write_or_die

    for name in ("create_new_trial", "set_trial_user_attr", "set_trial_intermediate_value", "set_trial_state_values"):
        setattr(study._storage, name, deadly(getattr(study._storage, name)))
    try:
        run_jobs(study)
    except Death:
        return True
    return False
