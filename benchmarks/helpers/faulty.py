"""The sweep that `faults.py` disturbs: trials that take time and train nothing, over the real study.

The supervisor (`supervisor.run_workers`), the lease, the study with its journal, the tables and the files are real. The
training is not: an epoch is a sleep, and its value is right only if every earlier epoch was run once, in order. Like a
real training it resumes after its last finished epoch, from a small file in the trial's folder.

    python -m helpers.faulty FOLDER                              # the sweep's command; the same one continues it
    python -m helpers.faulty FOLDER INDEX SESSION PARENT         # a worker, started by the former
"""

from __future__ import annotations

import json
import math
import os
import secrets
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from helpers import events
from mnistsweep.atomic import atomic_write
from mnistsweep.dimensions import Choice, Float, Int
from mnistsweep.errors import LeaseLost, SweepStopped
from mnistsweep.paths import SweepPaths
from mnistsweep.search.asha import Asha
from mnistsweep.search.oracle_factory import make_oracle
from mnistsweep.search.whole_trials import WholeTrials
from mnistsweep.space import SearchSpace
from mnistsweep.stop_signal import StopSignal
from mnistsweep.study.budget import Budget
from mnistsweep.study.claim import Claim
from mnistsweep.study.leases import Lease
from mnistsweep.study.ledger import Ledger
from mnistsweep.study.opened_ledger import create_ledger
from mnistsweep.study.records import Result, State
from mnistsweep.study.search_settings import SearchSettings
from mnistsweep.study.storage.stores import open_coordinator
from mnistsweep.study.study import Study
from mnistsweep.study.views import Views
from mnistsweep.workers.messages import TRIAL_STARTS
from mnistsweep.workers.supervisor import run_workers
from mnistsweep.workers.watchdog import Watchdog

SPACE = SearchSpace(
    (
        Choice("optimizer", ("adam", "sgd", "rmsprop")),
        Int("layers", 1, 4),
        Float("dropout", 0.0, 0.6),
        Float("rate", 1e-4, 1e-1, log=True),
    )
)
OBJECTIVE = "val_accuracy"
COMMAND = (sys.executable, "-m", "helpers.faulty")
BATCH_SECONDS = 0.01
WAIT_SECONDS = 0.25


@dataclass(frozen=True)
class Settings:
    """Settings of a sweep, which its processes read from a file in its folder."""

    trials: int
    workers: int
    epochs: int
    epoch_seconds: float
    lease_seconds: float
    seed: int
    pauses: bool = False
    """Whether trials are paused and continued (`oracle=asha`); the budget is the same number of epochs."""

    @property
    def total_epochs(self) -> int:
        """Number of epochs of all trials."""
        return self.trials * self.epochs

    @property
    def seconds(self) -> float:
        """Minimum duration of the sweep."""
        return self.total_epochs * self.epoch_seconds / self.workers

    def write(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        (folder / "settings.json").write_text(json.dumps(asdict(self)), encoding="ascii")

    @classmethod
    def read(cls, folder: Path) -> Settings:
        return cls(**json.loads((folder / "settings.json").read_text(encoding="ascii")))


@dataclass(frozen=True)
class Progress:
    """Progress of a trial; a real trial keeps it in its weights."""

    epoch: int = 0
    value: float = 0.0
    best: float = 0.0
    best_epoch: int = 0

    def trained(self, point: Mapping[str, Any], seed: int) -> Progress:
        """Progress after one more epoch: a number between 0 and 1 that depends on all earlier epochs."""
        merit = len(point["optimizer"]) + point["layers"] + point["dropout"] - math.log10(point["rate"]) + seed
        epoch, value = self.epoch + 1, math.fmod(31.7 * self.value + merit / (self.epoch + 1), 1.0)
        if value > self.best:
            return Progress(epoch, value, value, epoch)
        return Progress(epoch, value, self.best, self.best_epoch)


def expected(point: Mapping[str, Any], seed: int, epochs: int) -> Progress:
    """Progress after a whole training."""
    progress = Progress()
    for _ in range(epochs):
        progress = progress.trained(point, seed)
    return progress


def log_path(folder: Path) -> Path:
    """Path of the event log of the workers."""
    return folder / "events.log"


def make_search(settings: Settings) -> SearchSettings:
    oracle = make_oracle({"name": "random"}, SPACE, settings.seed, settings.trials, ())
    scheduler = Asha(oracle, maximize=True) if settings.pauses else WholeTrials(oracle)
    limits = {"total_epochs": settings.total_epochs} if settings.pauses else {"trials": settings.trials}
    return SearchSettings(
        SPACE, "max", scheduler, lambda number: settings.seed + number, budget=Budget(**limits), objective=OBJECTIVE,
        epochs_of=lambda _point: settings.epochs,
    )  # fmt: skip


def sweep(folder: Path) -> int:
    """The command of the sweep: a supervisor with workers, until all trials are done."""
    settings, paths = Settings.read(folder), SweepPaths(folder)
    create_ledger(paths, None, "max", OBJECTIVE, {})
    try:
        codes = run_workers(folder, range(settings.workers), 1, secrets.token_hex(4), worker_command)
    except SweepStopped as error:
        print(error)
        return 1
    except KeyboardInterrupt:
        return 130
    Views(paths, SPACE, "max", OBJECTIVE).refresh(
        Ledger(paths).read, lambda: True
    )  # a killed worker may not have come to it
    return max(codes)


def worker_command(folder: Path, index: int, session: str) -> Sequence[str]:
    return [*COMMAND, str(folder), str(index), session, str(os.getpid())]


def work(folder: Path, session: str, parent: int) -> int:
    """The command of a worker process, like that of `mnistsweep.workers.worker`."""
    settings, paths = Settings.read(folder), SweepPaths(folder)
    coordinator = open_coordinator(paths, None)
    with StopSignal(parent) as stop, Lease(paths, coordinator, settings.lease_seconds) as lease:
        worker = Worker(Study(paths, make_search(settings), lease, None, session, time.time), settings, stop)
        lease.on_heartbeat = Watchdog(worker.study, worker, stop, None)
        worker.run()
        return stop.exit_code if stop() else 0


@dataclass
class Worker:
    """Runs trials until the study grants no more.

    Attributes:
        claim: Claim of the running trial.
    """

    study: Study
    settings: Settings
    stop: StopSignal
    claim: Claim | None = None

    def run(self) -> None:
        while not self.stop():
            self.claim = self.study.claim()
            if self.claim is not None:
                print(f"{TRIAL_STARTS}{self.claim.number}", flush=True)
                self.run_trial(self.claim)
            elif self.study.others_are_running:
                time.sleep(WAIT_SECONDS)
            else:
                return

    def run_trial(self, claim: Claim) -> None:
        attempt = events.Attempt(log_path(self.study.paths.folder), claim.number)
        resume = self.study.paths.trial(claim.number).resume
        try:
            progress = self.train(claim, resume, attempt)
            if progress is None:
                attempt.note(events.RELEASE)
                self.study.release(claim)
                return
            attempt.note(events.RESULT)
            done = Result(progress.best, progress.best_epoch, progress.epoch, reason=attempt.name)
            if progress.epoch < self.settings.epochs:
                self.study.pause(claim, done)
            else:
                self.study.finish(claim, State.COMPLETED, done)
                resume.unlink(missing_ok=True)
        except LeaseLost:
            attempt.note(events.DROP)
        finally:
            self.claim = None
            attempt.close()

    def train(self, claim: Claim, resume: Path, attempt: events.Attempt) -> Progress | None:
        """Run the remaining epochs; returns None if a stop was requested."""
        progress = Progress(**json.loads(resume.read_text(encoding="ascii"))) if resume.is_file() else Progress()
        while progress.epoch < (claim.until or self.settings.epochs):
            attempt.note(events.BEGIN, progress.epoch + 1)
            for _ in range(max(1, round(self.settings.epoch_seconds / BATCH_SECONDS))):
                time.sleep(BATCH_SECONDS)
                if self.study.lease.has_expired:
                    self.study.verify(claim)
                if self.stop():
                    return None
            progress = progress.trained(claim.point, claim.seed)
            self.study.verify(claim)  # before anything is written
            self.study.report(claim, progress.epoch, progress.value)
            with atomic_write(resume, durable=False) as part:
                part.write_text(json.dumps(asdict(progress)), encoding="ascii")
            attempt.note(events.END, progress.epoch)
        return progress


if __name__ == "__main__":
    if len(sys.argv) == 2:
        sys.exit(sweep(Path(sys.argv[1])))
    sys.exit(work(Path(sys.argv[1]), sys.argv[3], int(sys.argv[4])))
