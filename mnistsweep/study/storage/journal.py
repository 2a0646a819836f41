"""The journal file: the ledger of a sweep as an Optuna journal, one JSON entry a line, safe from what happens to files.

- A process that is killed loses nothing that it wrote. Should the whole machine fail, at most the last reports of
  running trials are gone: `JournalFile.flush` waits for the disk, and the study calls it where a trial has ended.
- Each process reads an entry once, from where it stopped reading.
- A last line that was cut off (a machine that failed, a full disk) is removed by the next process that opens the
  journal for writing. Any other damage is reported with file and line, and nothing is written any more.
"""

from __future__ import annotations

import errno
import io
import json
import logging
import os
from collections.abc import Generator, Sequence
from io import FileIO
from pathlib import Path
from typing import Any

from optuna.storages import JournalStorage
from optuna.storages.journal import BaseJournalBackend
from optuna.trial import FrozenTrial

from mnistsweep.errors import StudyError, translate_disk_full
from mnistsweep.locks import lock_open_file

_log = logging.getLogger("mnistsweep")


class JournalFile(BaseJournalBackend):
    """Reads and writes the entries.

    Writers take turns by a lock on the file itself, which the operating system gives back with the process. (Optuna's
    own is a link beside it: after a kill at the wrong moment all others wait for half a minute.)

    Args:
        path: Of the journal; made if need be.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._num_read = 0
        self._offset = 0
        if not path.exists():  # looking at a journal does not change it
            path.touch()

    def read_logs(self, log_number_from: int) -> Generator[dict[str, Any], None, None]:
        """The entries from one number on; an unfinished last line is another's to finish.

        Raises:
            StudyError: A line is damaged.
        """
        if log_number_from != self._num_read:
            self._num_read = self._offset = 0
        for line in io.BytesIO(self._unread()):  # split at "\n" alone: a stray "\r" is damage, not the end of a line
            if not line.endswith(b"\n"):
                return
            entry = self._parse(line)
            self._num_read += 1
            self._offset += len(line)
            if self._num_read > log_number_from:
                yield entry

    def _unread(self) -> bytes:
        """What was appended since the last reading; opened each time, so that a network file system asks its server."""
        file = os.open(self.path, os.O_RDONLY)
        try:
            size = os.fstat(file).st_size
            if size < self._offset:
                raise StudyError(f"{self.path}: became shorter than {self._offset} bytes while this program read it.")
            if size == self._offset:
                return b""
            os.lseek(file, self._offset, os.SEEK_SET)
            with os.fdopen(file, "rb", closefd=False) as stream:
                return stream.read(size - self._offset)
        finally:
            os.close(file)

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Write entries at the end; what does not fit on the disk is taken back.

        Raises:
            DiskFull: There is no room; the journal is as it was.
        """
        data = "".join(json.dumps(log, separators=(",", ":")) + "\n" for log in logs).encode("utf-8")
        with self.path.open("r+b", buffering=0) as file:
            lock_open_file(file)
            _cut_unfinished_line(file, self.path)
            size = file.seek(0, os.SEEK_END)
            with translate_disk_full(str(self.path)):
                try:
                    if file.write(data) != len(data):
                        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                except OSError:
                    file.truncate(size)  # half an entry would damage the next one
                    raise

    def repair(self) -> None:
        """Remove a last line that was cut off, with a warning."""
        with self.path.open("r+b", buffering=0) as file:
            lock_open_file(file)
            _cut_unfinished_line(file, self.path)

    def flush(self) -> None:
        """Wait until the disk has what was written."""
        with self.path.open("rb") as file, translate_disk_full(str(self.path)):
            os.fsync(file.fileno())

    def _parse(self, line: bytes) -> dict[str, Any]:
        try:
            entry = json.loads(line.decode("utf-8"))
            if not isinstance(entry, dict) or not isinstance(entry.get("op_code"), int):
                raise ValueError("no entry of a journal")
        except ValueError as error:
            raise damaged(self.path, self._num_read + 1, error) from error
        return entry


class Journal(JournalStorage):
    """Optuna's store over a `JournalFile`.

    Args:
        path: Of the journal; made if need be.
    """

    def __init__(self, path: Path) -> None:
        self.file = JournalFile(path)
        super().__init__(self.file)

    def changed_trials(self, study_id: int, known: int, running: Sequence[int]) -> list[FrozenTrial]:
        """The trials of these numbers, then all after the first `known` ones, without going through all others."""
        with self._thread_lock:
            self._sync_with_backend()
            replayed = self._replay_result
            ids = replayed._study_id_to_trial_ids[study_id]
            return [replayed._trials[trial_id] for trial_id in [*map(ids.__getitem__, running), *ids[known:]]]

    def _sync_with_backend(self) -> None:
        """Read what others wrote; an entry that does not fit those before it is damage too."""
        try:
            super()._sync_with_backend()
        except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
            raise damaged(self.file.path, self._replay_result.log_number_read, error) from error


def damaged(path: Path, line: int, reason: Exception) -> StudyError:
    """The error that says which line of a journal cannot be read."""
    return StudyError(
        f"{path}, line {line}: the journal is damaged ({reason!r}). Nothing was changed. Put a copy of the file back, "
        "or begin anew with name=NAME."
    )


def _cut_unfinished_line(file: FileIO, path: Path) -> None:
    """Under the file's lock nobody is writing: a line without an end will not get one."""
    size = file.seek(0, os.SEEK_END)
    if not size:
        return
    file.seek(size - 1)
    if file.read(1) == b"\n":
        return
    end = _end_of_last_line(file, size)
    file.truncate(end)
    lost = size - end
    _log.warning("%s: removed %d bytes of an unfinished entry at the end (a machine or a disk failed).", path, lost)


def _end_of_last_line(file: FileIO, size: int, block: int = 65536) -> int:
    """Where the last whole line ends."""
    position = size
    while position:
        start = max(0, position - block)
        file.seek(start)
        found = (file.read(position - start) or b"").rfind(b"\n")
        if found >= 0:
            return start + found + 1
        position = start
    return 0
