"""The files of a sweep that may be removed: what is lost then is nothing of its results."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from mnistsweep.atomic import temporary_files
from mnistsweep.paths import SweepPaths, TrialPaths, weights_of
from mnistsweep.study.disk_usage import file_size
from mnistsweep.study.records import State, TrialRecord
from mnistsweep.tensorboard import event_files
from mnistsweep.text import format_count


class Kind(StrEnum):
    """Kind of files that may be removed."""

    CHECKPOINTS = "checkpoints"
    TEMPORARY = "temporary"
    MODELS = "models"
    EVENTS = "events"
    LOGS = "logs"


_NOUNS = {
    Kind.CHECKPOINTS: "resume checkpoint",
    Kind.TEMPORARY: "temporary file",
    Kind.MODELS: "model",
    Kind.EVENTS: "event file",
    Kind.LOGS: "worker log",
}


@dataclass
class Files:
    """Files of one kind.

    Attributes:
        kind: Their kind.
        sizes: Size of each file in bytes, by its path.
    """

    kind: Kind
    sizes: dict[Path, int] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Sum of the sizes in bytes."""
        return sum(self.sizes.values())

    @property
    def counted(self) -> str:
        """Number of the files, with their noun."""
        return format_count(len(self.sizes), _NOUNS[self.kind])


@dataclass(frozen=True)
class Kept:
    """What stays in any case.

    Attributes:
        best: Number of the best trial, which loses no file; None if no trial has a result.
        models: Numbers of the trials that keep their models.
    """

    best: int | None
    models: Collection[int] = ()


class RemovableFiles:
    """Finds the files of a sweep that may be removed. No worker of the sweep runs.

    The plan, the ledger, the tables, configurations, learning curves and reports are not among them. A trial that may
    still continue from its checkpoint loses nothing: its model and its event files belong to the checkpoint.

    Args:
        paths: Paths of the sweep's files.
        records: All trials of the ledger.
        has_ended: Whether the sweep has ended, so that paused trials are stopped.
        kept: What stays in any case.
        is_old: Function that returns whether a file is old enough to be removed.
    """

    def __init__(
        self,
        paths: SweepPaths,
        records: Sequence[TrialRecord],
        has_ended: bool,
        kept: Kept,
        is_old: Callable[[Path], bool] = lambda _file: True,
    ) -> None:
        self._paths = paths
        self._records = records
        self._has_ended = has_ended
        self._kept = kept
        self._is_old = is_old
        self._found = {kind: Files(kind) for kind in Kind}

    def find(self) -> dict[Kind, Files]:
        """Find the files of all kinds."""
        self._add(Kind.TEMPORARY, temporary_files(self._paths.folder))
        self._add(Kind.LOGS, self._paths.worker_logs)
        for number, trial in self._paths.trials():
            if number < len(self._records) and number != self._kept.best:
                self._add_trial(self._records[number], trial)
        return self._found

    def _add_trial(self, record: TrialRecord, trial: TrialPaths) -> None:
        is_stopped = record.state is State.PAUSED and self._has_ended
        if not (record.state.finished or is_stopped):
            return
        self._add(Kind.CHECKPOINTS, [trial.resume])
        if is_stopped and trial.resume.exists() and trial.resume not in self._found[Kind.CHECKPOINTS].sizes:
            return
        self._add(Kind.TEMPORARY, temporary_files(trial.folder))
        if record.number not in self._kept.models:
            self._add(Kind.MODELS, [trial.model, weights_of(trial.model)])
        self._add(Kind.EVENTS, event_files(trial.folder))

    def _add(self, kind: Kind, files: Sequence[Path]) -> None:
        own = self._found[kind].sizes
        own.update({file: file_size(file) for file in files if file.is_file() and self._is_old(file)})
