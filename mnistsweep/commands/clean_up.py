"""`mnistsweep clean-up`: removes files of sweeps that their results do not need; a dry run by default."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mnistsweep.commands.sweep_state import SweepState, alive_workers, has_jobs, is_started, state_of
from mnistsweep.console import SafeConsole
from mnistsweep.error_descriptions import describe_error
from mnistsweep.errors import MnistSweepError, StudyError, translate_os_errors
from mnistsweep.evaluation.report_context import checkpoint_name
from mnistsweep.locks import try_exclusive_lock
from mnistsweep.paths import SweepPaths
from mnistsweep.planning.opening import ledger_fingerprint
from mnistsweep.planning.plan import Plan
from mnistsweep.planning.plan_file import plan_of
from mnistsweep.study.disk_usage import format_size
from mnistsweep.study.front import front_of
from mnistsweep.study.heartbeat_monitor import HeartbeatMonitor, open_monitor
from mnistsweep.study.ledger import Ledger
from mnistsweep.study.ranking import ranked
from mnistsweep.study.records import TrialRecord
from mnistsweep.study.removable import Files, Kept, Kind, RemovableFiles
from mnistsweep.study.storage.stores import open_coordinator
from mnistsweep.study.sweep import load_sweep
from mnistsweep.study.sweep_folders import find_sweeps
from mnistsweep.study.worker_names import local_process_exists
from mnistsweep.text import format_count

# Kinds that are removed without an option.
_ALWAYS = (Kind.CHECKPOINTS, Kind.TEMPORARY)

_LOSSES = {
    Kind.CHECKPOINTS: "a larger budget trains these trials from their first epoch",
    Kind.TEMPORARY: "of killed processes; nothing is lost",
    Kind.MODELS: "export --trial N --model and report.top_trials need them; the best trial keeps its model",
    Kind.EVENTS: "TensorBoard no longer shows these trials; history.csv stays",
    Kind.LOGS: "the output of the workers",
}


@dataclass(frozen=True)
class Selected:
    """What the user wants to remove.

    Attributes:
        kinds: Kinds of files, beside those that are always removed.
        num_models: Number of the best trials that keep their models.
        min_age_seconds: Minimum time since the last change of a file, in seconds.
    """

    kinds: frozenset[Kind] = frozenset()
    num_models: int = 1
    min_age_seconds: float = 0.0

    def has(self, kind: Kind) -> bool:
        """Whether files of a kind are removed."""
        return kind in _ALWAYS or kind in self.kinds

    def is_old(self, file: Path) -> bool:
        """Whether a file is old enough to be removed."""
        return time.time() - file.lstat().st_mtime >= self.min_age_seconds


@dataclass
class CleanUp:
    """Cleans up sweeps one after the other.

    Args:
        selected: What is removed.
        delete: Whether files are removed; otherwise they are listed, and nothing is changed.
        wait: Function that sleeps for the given number of seconds.

    Attributes:
        num_files: Number of files that can be removed, or were removed.
        size: Sum of their sizes in bytes.
        num_refused: Number of sweeps that were left alone because they run, or because of a fault.
    """

    selected: Selected
    delete: bool = False
    wait: Callable[[float], None] = time.sleep
    num_files: int = field(default=0, init=False)
    size: int = field(default=0, init=False)
    num_refused: int = field(default=0, init=False)
    _console: SafeConsole = field(default_factory=SafeConsole, init=False)

    def clean(self, folder: Path) -> None:
        """Clean up one sweep, or say why it is left alone.

        Args:
            folder: Path of the sweep's folder.
        """
        try:
            with translate_os_errors(str(folder)):
                self._clean(folder)
        except MnistSweepError as error:
            self._refuse(folder, describe_error(error))

    def summary(self) -> str:
        """The last line of the output."""
        files = f"{format_count(self.num_files, 'file')}, {format_size(self.size)}"
        if self.delete:
            return f"removed: {files}."
        return f"can be removed: {files}. Nothing was changed; --delete removes them." if self.num_files else (
            "nothing to remove."
        )  # fmt: skip

    def _clean(self, folder: Path) -> None:
        sweep = load_sweep(folder)
        plan, paths = plan_of(sweep), sweep.paths
        ledger = Ledger(paths, plan.config.storage)
        ledger.check_search(ledger_fingerprint(plan, str(sweep.config.get("data", ""))))
        monitor = open_monitor(paths, plan.config.storage, plan.config.lease_seconds)
        workers = self._running_workers(paths, plan, ledger, monitor)
        if workers or is_started(paths) or has_jobs(paths):
            self._refuse(folder, f"running: {format_count(len(workers), 'worker') if workers else 'no worker yet'}")
            return
        with self._locks(paths, plan) if self.delete else contextlib.nullcontext():
            if self.delete and (alive_workers(ledger, monitor) or is_started(paths)):
                self._refuse(folder, "running: it has just been started")
                return
            state = state_of(ledger, plan, ())
            found = self._find(paths, plan, ledger)
            self._print(folder, state, found)
            for files in found.values():
                if self.selected.has(files.kind):
                    self._take(files)

    def _running_workers(
        self, paths: SweepPaths, plan: Plan, ledger: Ledger, monitor: HeartbeatMonitor
    ) -> Sequence[str]:
        """Workers that run; one on another host may run until its lease has expired without a heartbeat."""
        left = int(plan.config.lease_seconds) + 2
        while workers := alive_workers(ledger, monitor):
            is_here = any(local_process_exists(paths, owner, None) for owner in workers)
            if is_here or left <= 0:
                break
            self.wait(1.0)
            left -= 1
        return workers

    def _find(self, paths: SweepPaths, plan: Plan, ledger: Ledger) -> dict[Kind, Files]:
        records, has_ended = ledger.records(), ledger.has_ended(plan.budget)
        kept = _kept(paths, plan, records, self.selected.num_models)
        return RemovableFiles(paths, records, has_ended, kept, self.selected.is_old).find()

    @contextlib.contextmanager
    def _locks(self, paths: SweepPaths, plan: Plan) -> Iterator[None]:
        """Hold the ledger lock, so that no worker claims a trial meanwhile, and those of the reports.

        Raises:
            StudyError: A report or a cleaning experiment is made.
        """
        paths.workers.mkdir(exist_ok=True)
        with contextlib.ExitStack() as stack:
            for lock, command in ((paths.report.lock, "report"), (paths.clean.lock, "clean")):
                if lock.is_file() and not stack.enter_context(try_exclusive_lock(lock)):
                    raise StudyError(f"`mnistsweep {command}` is running here")
            stack.enter_context(open_coordinator(paths, plan.config.storage).exclusive())
            yield

    def _take(self, files: Files) -> None:
        """Count files, and remove them if they are to be removed."""
        for file, size in files.sizes.items():
            if self.delete:
                file.unlink(missing_ok=True)
            self.num_files += 1
            self.size += size

    def _refuse(self, folder: Path, reason: str) -> None:
        self.num_refused += 1
        self._console.print(f"{folder}: left alone: {reason.rstrip('.')}.", soft_wrap=True)

    def _print(self, folder: Path, state: SweepState, found: dict[Kind, Files]) -> None:
        """Print what can be removed, what is lost by it, and which options remove more."""
        verb = "removed" if self.delete else "can be removed"
        lines = [
            f"{files.counted}, {format_size(files.size)}, {verb}: {_LOSSES[files.kind]}"
            for files in found.values()
            if files.sizes and self.selected.has(files.kind)
        ]
        lines += [
            f"with --{files.kind}: {files.counted}, {format_size(files.size)}: {_LOSSES[files.kind]}"
            for files in found.values()
            if files.sizes and not self.selected.has(files.kind)
        ]
        for line in [f"{folder}: {state}", *(f"  {line}" for line in lines or ["nothing to remove"])]:
            self._console.print(line, soft_wrap=True)


def clean_up(
    folders: Sequence[Path], selected: Selected, delete: bool = False, wait: Callable[[float], None] = time.sleep
) -> int:
    """List or remove files of sweeps.

    Args:
        folders: Paths of folders of sweeps, or of folders above them.
        selected: What is removed.
        delete: Whether files are removed; otherwise they are listed, and nothing is changed.
        wait: Function that sleeps for the given number of seconds.

    Returns:
        The exit code: 1 if a sweep that was named itself was to be cleaned up and was left alone, otherwise 0.

    Raises:
        StudyError: A folder holds no sweep; nothing was changed.
    """
    found = {folder: find_sweeps(folder).sweeps for folder in folders}
    if missing := [folder for folder, sweeps in found.items() if not sweeps]:
        raise StudyError(f"{missing[0]}: no sweep found. Nothing was changed.")
    named, sweeps = {folder.resolve() for folder in folders}, dict[Path, Path]()
    for sweep in itertools.chain.from_iterable(found.values()):
        sweeps.setdefault(sweep.resolve(), sweep)  # one may be named twice, or by a link
    cleaning, named_refused = CleanUp(selected, delete, wait), 0
    for real, sweep in sweeps.items():
        before = cleaning.num_refused
        cleaning.clean(sweep)
        named_refused += (cleaning.num_refused - before) if real in named else 0
    SafeConsole().print(cleaning.summary(), soft_wrap=True)
    return 1 if delete and named_refused else 0


def _kept(paths: SweepPaths, plan: Plan, records: Sequence[TrialRecord], num_models: int) -> Kept:
    """What stays: the best trials, the Pareto front, the trials in the report; every model that is a function's own."""
    ranking = ranked(records, plan.direction, plan.further)
    models = {record.number for record in ranking[:num_models]}
    if plan.further:
        models |= {record.number for record in front_of(records, plan.objectives)}
    for record in records:
        if plan.program is not None or paths.report.predictions(checkpoint_name(record)).is_file():
            models.add(record.number)
    return Kept(ranking[0].number if ranking else None, models)
