"""The journal file: one JSON entry a line, appended by all processes of a sweep.

- Entries survive the death of the process that wrote them. If the whole machine fails, only the last reports of
  running trials can be lost: the study calls `JournalFile.flush`, which waits for the disk, when a trial has ended.
- Each process reads each entry once, from the position where it stopped reading.
- The next process that opens the journal for writing removes a truncated last line (after the failure of a machine, or
  a full disk). Other damage is reported with file and line, and nothing is written after that.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import shlex
from collections.abc import Generator, Iterator
from io import FileIO
from pathlib import Path
from typing import Any, Literal

from optuna.storages.journal import BaseJournalBackend

from mnistsweep.errors import LedgerDamaged, StudyError, translate_refused_writes
from mnistsweep.locks import lock_open_file

NUM_LAST_BYTES = 64
"""Number of bytes that are compared to notice that the file was replaced."""

# Code of the entry that creates the study, `JournalOperation.CREATE_STUDY` of Optuna: the first line, and no other one.
CREATE_STUDY = 0

_REMEDY = "Restore the ledger; then the same command continues."

_log = logging.getLogger("mnistsweep")


class JournalFile(BaseJournalBackend):
    """Reader and writer of a journal file.

    A process locks the file itself while it writes; the operating system releases the lock when the process ends.
    Optuna's own journal file uses a link beside the file instead: after a kill at the wrong moment, all other processes
    wait for half a minute.

    Args:
        path: Path of the file; it is created if missing.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._num_read = 0
        self._offset = 0
        self._last_bytes = b""  # in front of the offset: another file of this name has others
        if not path.exists():  # opening an existing journal does not change it
            path.touch()

    def read_logs(self, log_number_from: int) -> Generator[dict[str, Any], None, None]:
        """Entries from a number on. An unfinished last line is left out: its writer will complete it.

        Args:
            log_number_from: Number of the first entry, counted from 0.

        Raises:
            StudyError: A line is damaged.
        """
        if log_number_from != self._num_read:
            self._num_read, self._offset, self._last_bytes = 0, 0, b""
        # Iterating over bytes splits at "\n" only: a stray "\r" is damage and not the end of a line.
        for line in io.BytesIO(self._read_appended()):
            if not line.endswith(b"\n"):
                return
            entry = self._parse(line)
            if entry["op_code"] == CREATE_STUDY and self._num_read > 0:  # a copy appended to itself doubles all trials
                raise damaged_line(self.path, self._num_read + 1, ValueError("the study is created a second time"))
            self._num_read += 1
            self._offset += len(line)
            self._last_bytes = line[-NUM_LAST_BYTES:]
            if self._num_read > log_number_from:
                yield entry

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Append entries, all or none.

        Args:
            logs: Entries that JSON can represent.

        Raises:
            WriteRefused: The disk stores nothing; the journal is unchanged.
        """
        data = "".join(json.dumps(log, separators=(",", ":")) + "\n" for log in logs).encode("utf-8")
        with self._open_to_write() as file:
            _remove_unfinished_line(file, self.path)
            size = file.seek(0, os.SEEK_END)
            with translate_refused_writes(str(self.path)):
                try:
                    left = memoryview(data)
                    while left:  # after a partial write, the next one raises the reason
                        left = left[file.write(left) :]
                except OSError:
                    file.truncate(size)  # a partial entry would damage the next one
                    raise

    def repair(self) -> None:
        """Remove a truncated last line, with a warning."""
        with self._open_to_write() as file:
            _remove_unfinished_line(file, self.path)

    def flush(self) -> None:
        """Wait until the disk has stored all entries."""
        with self._open("rb") as file, translate_refused_writes(str(self.path)):
            os.fsync(file.fileno())

    def _read_appended(self) -> bytes:
        """Bytes appended since the last reading. Opening the file makes a network file system ask its server."""
        with self._open("rb") as file:
            size = self._check_same(file)
            return file.read(size - self._offset) if size > self._offset else b""

    @contextlib.contextmanager
    def _open_to_write(self) -> Iterator[FileIO]:
        """Context with the locked file; nothing is written to a file that is not the one that was read before."""
        with self._open("r+b") as file:
            lock_open_file(file)
            self._check_same(file)
            yield file

    def _open(self, mode: Literal["rb", "r+b"]) -> FileIO:
        try:
            return self.path.open(mode, buffering=0)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise StudyError(f"{self.path} was deleted or moved while this program used it. {_REMEDY}") from error

    def _check_same(self, file: FileIO) -> int:
        """Check that an open file continues what was read before, and set its position to the end of that.

        Returns:
            Size of the file in bytes.
        """
        size = os.fstat(file.fileno()).st_size
        if size < self._offset:
            rule = f"became shorter than {self._offset} bytes while this program used it"
            raise StudyError(f"{self.path}: {rule}. {_REMEDY}")
        file.seek(self._offset - len(self._last_bytes))
        if file.read(len(self._last_bytes)) != self._last_bytes:
            raise StudyError(f"{self.path}: was replaced by another file while this program used it. {_REMEDY}")
        return size

    def _parse(self, line: bytes) -> dict[str, Any]:
        try:
            return _parse_entry(line)
        except ValueError as error:
            raise damaged_line(self.path, self._num_read + 1, error) from error


def _parse_entry(line: bytes) -> dict[str, Any]:
    """Entry of a line of a journal.

    Raises:
        ValueError: The line is damaged.
    """
    entry = json.loads(line.decode("utf-8"))
    if not isinstance(entry, dict) or not isinstance(entry.get("op_code"), int):
        raise ValueError("not a journal entry")
    return entry


def damaged_line(path: Path, line: int, reason: Exception) -> LedgerDamaged:
    """Error for a line of a journal that cannot be read.

    Args:
        path: Path of the journal.
        line: Number of the line, counted from 1.
        reason: Error of the parser.
    """
    return LedgerDamaged(
        line,
        f"{path}, line {line}: the journal is damaged ({reason!r}). Nothing was changed. Restore the file from a copy, "
        f"rebuild it with `mnistsweep repair {shlex.quote(str(path.parent))}`, or start a new sweep with name=NAME.",
    )


def _remove_unfinished_line(file: FileIO, path: Path) -> None:
    """Remove a last line without an end. The caller holds the file's lock, so no process will complete it."""
    size = file.seek(0, os.SEEK_END)
    if not size:
        return
    file.seek(size - 1)
    if file.read(1) == b"\n":
        return
    end = _end_of_last_line(file, size)
    file.truncate(end)
    num_bytes = size - end
    _log.warning(
        "%s: removed %d bytes of an unfinished entry at the end (a machine or a disk failed).", path, num_bytes
    )


def _end_of_last_line(file: FileIO, size: int, block: int = 65536) -> int:
    """Position after the last complete line; the file is read backwards in blocks."""
    position = size
    while position:
        start = max(0, position - block)
        file.seek(start)
        found = (file.read(position - start) or b"").rfind(b"\n")
        if found >= 0:
            return start + found + 1
        position = start
    return 0
