"""Every file name that a sweep leaves on disk; no other module spells one out.

::

    logs/<sweep>/
      sweep.yaml            the composed configuration, the space, versions, git revision, data checksum
      study.journal         the ledger (unless a database URL is configured)
      results.csv           a row a trial
      best.yaml             a Hydra configuration that reproduces the best trial
      trials/0007/          config.yaml, history.csv, best.keras, error.txt, event files for TensorBoard; resume.npy
                            while the trial is not over
      report/               index.html, its figures (PNG) and tables (CSV), event files for TensorBoard; report.json;
                            models/ and predictions/ of the models that it tells of, so that the next one trains nothing
      clean/                folds.npz, suspects.csv, suspects.npz, runs.csv, summary.json of the cleaning experiment;
                            its lock
      workers/              a log, a lock and a sign of life of each worker; the locks of the sweep
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class SweepPaths:
    """The files of one sweep.

    Args:
        folder: ``logs/<sweep>``; it need not exist.
    """

    folder: Path

    @property
    def name(self) -> str:
        """The sweep's name: its folder's, also where that is written as ``.``."""
        return self.folder.name if self.folder.name not in ("", "..") else self.folder.resolve().name

    @property
    def sweep(self) -> Path:
        """The composed configuration of the sweep and where it came from."""
        return self.folder / "sweep.yaml"

    @property
    def journal(self) -> Path:
        """The ledger."""
        return self.folder / "study.journal"

    @property
    def results(self) -> Path:
        """The table of finished trials."""
        return self.folder / "results.csv"

    @property
    def best(self) -> Path:
        """The best configuration, which `mnistsweep train` runs again."""
        return self.folder / "best.yaml"

    @property
    def oracle_state(self) -> Path:
        """What one of KerasTuner's own oracles remembers."""
        return self.folder / "kerastuner_oracle.json"

    @property
    def ledger_lock(self) -> Path:
        """Held while the ledger is changed."""
        return self.workers / "ledger.lock"

    @property
    def views_lock(self) -> Path:
        """Held while `results.csv` and `best.yaml` are written."""
        return self.workers / "views.lock"

    @property
    def workers(self) -> Path:
        """The folder of the workers' logs, locks and signs of life."""
        return self.folder / "workers"

    def worker_log(self, worker: int) -> Path:
        """What a worker process prints."""
        return self.workers / f"{worker}.log"

    def worker_lock(self, owner: str) -> Path:
        """Held by a worker for as long as its process lives."""
        return self.workers / f"{owner}.lock"

    @property
    def worker_logs(self) -> list[Path]:
        """What all workers of all starts printed, the latest last."""
        return sorted(self.workers.glob("*.log"), key=lambda log: log.stat().st_mtime)

    @property
    def owners(self) -> set[str]:
        """The workers that have a lock here: those that live, and those that died without a word."""
        return {lock.stem for lock in self.workers.glob("*-*.lock")}  # those of the sweep have no dash

    def worker_heartbeat(self, owner: str) -> Path:
        """A worker's last sign of life."""
        return self.workers / f"{owner}.beat"

    @property
    def report(self) -> ReportPaths:
        """What `mnistsweep report` writes."""
        return ReportPaths(self.folder / "report")

    @property
    def clean(self) -> CleanPaths:
        """What `mnistsweep clean` writes."""
        return CleanPaths(self.folder / "clean")

    def trial(self, number: int) -> TrialPaths:
        """Paths of one trial's files."""
        return TrialPaths(self._trials / f"{number:04d}")

    def trials(self) -> list[tuple[int, TrialPaths]]:
        """Numbers and paths of the trials that have a folder, in the order of their numbers."""
        folders = [folder for folder in self._trials.glob("[0-9]*/") if folder.name.isdecimal()]
        return sorted(((int(folder.name), TrialPaths(folder)) for folder in folders), key=lambda item: item[0])

    @property
    def _trials(self) -> Path:
        return self.folder / "trials"


def database_lock_file(database: Path, what: int) -> Path:
    """Held while one process does something in a SQLite database that no other may do meanwhile.

    Args:
        database: Its file.
        what: A number for what is done.
    """
    return database.with_name(f"{database.name}.{what:016x}.lock")


@dataclass(frozen=True)
class TrialPaths:
    """The files of one trial; the folder is also a TensorBoard run."""

    folder: Path

    @property
    def config(self) -> Path:
        """The configuration that was trained."""
        return self.folder / "config.yaml"

    @property
    def history(self) -> Path:
        """The learning curves, a row an epoch."""
        return self.folder / "history.csv"

    @property
    def model(self) -> Path:
        """The model at its best epoch."""
        return self.folder / "best.keras"

    @property
    def resume(self) -> Path:
        """The state after the last finished epoch, while the trial is not over."""
        return self.folder / "resume.npy"

    @property
    def result(self) -> Path:
        """The score of a training outside of a sweep."""
        return self.folder / "result.json"

    @property
    def error(self) -> Path:
        """The traceback of a failed trial."""
        return self.folder / "error.txt"


@dataclass(frozen=True)
class ReportPaths:
    """The files of a report; the page itself is written by `reporter.page`, beside these."""

    folder: Path

    @property
    def page(self) -> Path:
        """The page."""
        return self.folder / "index.html"

    @property
    def lock(self) -> Path:
        """Held while a report is made."""
        return self.folder / "report.lock"

    @property
    def record(self) -> Path:
        """Which models the page tells of."""
        return self.folder / "report.json"

    @property
    def files(self) -> Path:
        """What the page consists of, a line a file: of these the next one removes what it does not write."""
        return self.folder / "files.txt"

    def error(self, section: str) -> Path:
        """The traceback of a section that failed."""
        return self.folder / "errors" / f"{section}.txt"

    def model(self, name: str) -> Path:
        """A model that was trained for the report."""
        return self.folder / "models" / f"{name}.keras"

    def predictions(self, name: str) -> Path:
        """What a model says of the test set."""
        return self.folder / "predictions" / f"{name}.npz"

    def image(self, index: int) -> Path:
        """One image beside its class probabilities."""
        return self.folder / "images" / f"{index:05d}.png"


@dataclass(frozen=True)
class CleanPaths:
    """The files of the cleaning experiment."""

    folder: Path

    @property
    def folds(self) -> Path:
        """What models that were not trained on them say of the training labels, and what it all came from."""
        return self.folder / "folds.npz"

    @property
    def suspects(self) -> Path:
        """The suspected labels, most suspect first."""
        return self.folder / "suspects.csv"

    @property
    def images(self) -> Path:
        """The first of them to look at, where they are images."""
        return self.folder / "suspects.npz"

    @property
    def runs(self) -> Path:
        """The scores, a row an arm and seed."""
        return self.folder / "runs.csv"

    @property
    def summary(self) -> Path:
        """What came out; written when all is done."""
        return self.folder / "summary.json"

    @property
    def lock(self) -> Path:
        """Held while the experiment is run."""
        return self.folder / "experiment.lock"
