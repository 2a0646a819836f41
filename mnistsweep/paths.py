"""Names of the files and folders that mnistsweep writes.

::

    logs/<sweep>/
      sweep.yaml            plan (composed configuration, search space), versions, git revision, data checksum
      study.journal         ledger (unless a database URL is configured); study.journal.damaged: before a repair
      results.csv           table of finished trials; configurations.csv: for each number of epochs that they contain
      best.yaml             Hydra configuration that reproduces the best trial
      warm_start.json       trials of former sweeps from which the sweep starts warm
      kerastuner_oracle.json  state of an oracle of KerasTuner
      trials/0007/          config.yaml, history.csv, best.keras or best.weights.h5, error.txt, event files; resume.npy
                            while the trial has not ended; repeat-1/ and fold-1/ and so on with further curves
      report/               index.html, figures (PNG), tables (CSV), event files, report.json; models/ and predictions/
      clean/                folds.npz, suspects.csv, suspects.npz, runs.csv, summary.json of the experiment; its lock
      workers/              log, lock and heartbeat of each worker; locks of the sweep; jobs.json: batch jobs

No other module spells these names, with five exceptions: `report_paths` names the files in ``report`` and ``clean``, a
section of the report its own figures and tables (`html_report.sections`), `tensorboard` event files, `atomic` temporary
files, and `doctor` those of its own temporary folder.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mnistsweep.report_paths import CleanPaths, ReportPaths


@dataclass(frozen=True)
class SweepPaths:
    """Paths of the files of one sweep.

    Args:
        folder: Path of the sweep's folder, for example ``logs/quickstart``; it need not exist.
    """

    folder: Path

    @property
    def name(self) -> str:
        """Name of the sweep: the name of its folder, also if the path is ``.`` or ends with ``..``."""
        return self.folder.name if self.folder.name not in ("", "..") else self.folder.resolve().name

    @property
    def sweep(self) -> Path:
        """Plan of the sweep and its provenance."""
        return self.folder / "sweep.yaml"

    @property
    def journal(self) -> Path:
        """Ledger of the sweep."""
        return self.folder / "study.journal"

    def damaged_journal(self, index: int) -> Path:
        """Damaged ledger that `mnistsweep repair` has replaced, by its index, counted from 0."""
        return self.folder / f"study.journal.damaged{f'-{index}' if index else ''}"

    @property
    def results(self) -> Path:
        """Table of finished trials."""
        return self.folder / "results.csv"

    @property
    def configurations(self) -> Path:
        """Results for each number of epochs, where one training contains those of fewer epochs."""
        return self.folder / "configurations.csv"

    @property
    def best(self) -> Path:
        """Configuration of the best trial, with which `mnistsweep train` repeats it."""
        return self.folder / "best.yaml"

    @property
    def optimization_results(self) -> Path:
        """Best values of a user's own Hydra program, as Hydra's Optuna sweeper writes them."""
        return self.folder / "optimization_results.yaml"

    @property
    def oracle_state(self) -> Path:
        """State of one of KerasTuner's own oracles."""
        return self.folder / "kerastuner_oracle.json"

    @property
    def warm_start(self) -> Path:
        """Trials of former sweeps from which the sweep starts warm."""
        return self.folder / "warm_start.json"

    @property
    def ledger_lock(self) -> Path:
        """Lock file that is locked while the ledger is changed."""
        return self.workers / "ledger.lock"

    @property
    def start_lock(self) -> Path:
        """Lock file that is locked while a process that has started the sweep runs."""
        return self.workers / "start.lock"

    @property
    def views_lock(self) -> Path:
        """Lock file that is locked while `results.csv` and `best.yaml` are written."""
        return self.workers / "views.lock"

    @property
    def workers(self) -> Path:
        """Folder of the workers' logs, locks and heartbeats."""
        return self.folder / "workers"

    @property
    def end_lock(self) -> Path:
        """Lock file that is locked while a worker finds out whether it was the last one, and ends the sweep."""
        return self.workers / "end.lock"

    @property
    def jobs_lock(self) -> Path:
        """Lock file that is locked while a start chooses the numbers of its workers and records its jobs."""
        return self.workers / "jobs.lock"

    @property
    def jobs(self) -> Path:
        """Record of the batch jobs that run workers, and of the end that the last of them has brought about."""
        return self.workers / "jobs.json"

    def worker_log(self, worker: int) -> Path:
        """Standard output and standard error of a worker process, by the worker's index, counted from 0."""
        return self.workers / f"{worker}.log"

    def worker_lock(self, owner: str) -> Path:
        """Lock file that a worker holds locked as long as its process exists, by its name in the ledger."""
        return self.workers / f"{owner}.lock"

    @property
    def worker_logs(self) -> list[Path]:
        """Logs of all workers of all sessions, in the order of the workers."""
        return sorted(self.workers.glob("*.log"), key=lambda log: (len(log.stem), log.stem))

    @property
    def owners(self) -> set[str]:
        """Names of the workers that have a lock file here: those that are alive, and those that have crashed."""
        return {lock.stem for lock in self.workers.glob("*-*.lock")}  # names of the sweep's own locks have no dash

    def worker_heartbeat(self, owner: str) -> Path:
        """Last heartbeat of a worker, by its name in the ledger."""
        return self.workers / f"{owner}.beat"

    @property
    def report(self) -> ReportPaths:
        """Paths of the files that `mnistsweep report` writes."""
        return ReportPaths(self.folder / "report")

    @property
    def clean(self) -> CleanPaths:
        """Paths of the files that `mnistsweep clean` writes."""
        return CleanPaths(self.folder / "clean")

    def trial(self, number: int) -> TrialPaths:
        """Paths of the files of one trial, by its number, counted from 0."""
        return TrialPaths(numbered_folder(self.all_trials, number))

    def trials(self) -> list[tuple[int, TrialPaths]]:
        """Numbers and paths of the trials that have a folder, in the order of their numbers."""
        folders = [folder for folder in self.all_trials.glob("[0-9]*/") if folder.name.isdecimal()]
        return sorted(((int(folder.name), TrialPaths(folder)) for folder in folders), key=lambda item: item[0])

    @property
    def all_trials(self) -> Path:
        """Folder of the trials' folders."""
        return self.folder / "trials"


def numbered_folder(parent: Path, number: int) -> Path:
    """Folder of a trial, or of a training outside of a sweep.

    Args:
        parent: Folder of all trials or trainings.
        number: Number of the trial or training, counted from 0; it is written with at least four digits.
    """
    return parent / f"{number:04d}"


def weights_of(model: Path) -> Path:
    """Path of the weights of a model that Keras cannot write as a whole: ``best.weights.h5`` for ``best.keras``."""
    return model.with_name(f"{model.stem}.weights.h5")


def saved_model(model: Path) -> Path:
    """Path of the file that holds a model: its own, or that of its weights where only this one exists."""
    return weights_of(model) if weights_of(model).is_file() and not model.is_file() else model


def database_lock_file(database: Path, number: int) -> Path:
    """Lock file beside a SQLite database, by its number from 0 to 2**64 - 1: a database has several."""
    return database.with_name(f"{database.name}.{number:016x}.lock")


@dataclass(frozen=True)
class TrialPaths:
    """Paths of the files of one trial in its folder, which need not exist; it is also a TensorBoard run."""

    folder: Path

    @property
    def config(self) -> Path:
        """Configuration of the trial."""
        return self.folder / "config.yaml"

    @property
    def history(self) -> Path:
        """Learning curves, one row an epoch."""
        return self.folder / "history.csv"

    @property
    def model(self) -> Path:
        """Checkpoint: the model at its best epoch; `saved_model` finds the weights that may stand for it."""
        return self.folder / "best.keras"

    @property
    def resume(self) -> Path:
        """Resume file: the state of the training after the last finished epoch; removed when the trial has ended."""
        return self.folder / "resume.npy"

    @property
    def result(self) -> Path:
        """Result of a training outside of a sweep."""
        return self.folder / "result.json"

    @property
    def error(self) -> Path:
        """Traceback of a failed trial."""
        return self.folder / "error.txt"

    def training(self, index: int, folds: int = 1) -> TrialPaths:
        """Paths of the learning curves of one training: of a repeat, or of one fold of a repeat.

        Args:
            index: Index of the training, from 0; the files of training 0 are those of the trial.
            folds: Number of folds; 1 without cross-validation.
        """
        repeat, fold = divmod(index, folds)
        names = [f"repeat-{repeat}"] * (repeat > 0) + [f"fold-{fold}"] * (fold > 0)
        return TrialPaths(self.folder / "-".join(names)) if names else self
