"""Event files for TensorBoard, written without TensorFlow.

TensorBoard's own `EventFileWriter` opens its file through TensorFlow if that is installed, which takes seconds to
import for a process that only records a trial. Its `RecordWriter` and its summaries do not need TensorFlow, and are
used here.
"""

from __future__ import annotations

import os
import re
import socket
import struct
import time
from collections.abc import Mapping
from pathlib import Path

from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.plugins.scalar.summary_v2 import scalar_pb
from tensorboard.summary.writer.record_writer import RecordWriter

FILE_VERSION = "brain.Event:2"
"""Format that the first event of each file names."""

# A PNG file starts with a signature of 8 bytes, then the length and the type of its header chunk (4 bytes each).
_PNG_SIZE = slice(16, 24)

# The time in an event file's name in seconds, and, in names of this program, the nanoseconds.
_TIME_IN_NAME = re.compile(r"events\.out\.tfevents\.(\d{10})\.(?:(\d{9})\.)?")


class EventFile:
    """A new event file in a run's folder; it is open only while a record is written.

    File names sort in the order of creation, also when the wall clock is set back: after a file whose name sorts later,
    TensorBoard reads none that sorts earlier.

    Args:
        folder: Path of the run's folder; it is created if it is missing, but not the folder that holds it.
        suffix: End of the file name, for human readers.

    Attributes:
        path: Path of the file.
    """

    def __init__(self, folder: Path, suffix: str = "") -> None:
        folder.mkdir(exist_ok=True)
        self.path = _create(folder, suffix)
        self._write(event_pb2.Event(wall_time=time.time(), file_version=FILE_VERSION))

    def discard_from(self, step: int) -> None:
        """Declare the records of earlier files of this run void from a step on, because these steps are repeated.

        TensorBoard takes the first such record of a run for the start of the run, and discards nothing; so the run's
        first file needs one, too.

        Args:
            step: First step that is void.
        """
        start = event_pb2.SessionLog(status=event_pb2.SessionLog.START)
        self._write(event_pb2.Event(wall_time=time.time(), step=step, session_log=start))

    def add(self, summary: summary_pb2.Summary, step: int = 0) -> None:
        """Append a summary.

        Args:
            summary: TensorBoard's summary.
            step: Step of the summary.
        """
        self._write(event_pb2.Event(wall_time=time.time(), step=step, summary=summary))

    def add_scalars(self, values: Mapping[str, float], step: int) -> None:
        """Append numbers; TensorBoard stores them in single precision.

        Args:
            values: Numbers by their tag.
            step: Step of the numbers.
        """
        summary = summary_pb2.Summary()
        for tag, value in values.items():
            summary.MergeFrom(scalar_pb(tag, value))
        self.add(summary, step)

    def add_image(self, tag: str, png: bytes, step: int = 0) -> None:
        """Append an image.

        Args:
            tag: Name in the image tab; images with the same text before the first slash form a group.
            png: Content of a PNG file.
            step: Step of the image.
        """
        width, height = struct.unpack(">II", png[_PNG_SIZE])
        image = summary_pb2.Summary.Image(width=width, height=height, encoded_image_string=png)
        self.add(summary_pb2.Summary(value=[summary_pb2.Summary.Value(tag=tag, image=image)]), step)

    def _write(self, event: event_pb2.Event) -> None:
        with self.path.open("ab") as file:
            RecordWriter(file).write(event.SerializeToString())


def experiment_file(folder: Path) -> Path:
    """Event file with the columns of the HParams table; its name sorts before those of all other event files.

    Args:
        folder: Path of a sweep's folder, or of the folder of all sweeps.
    """
    return folder / "events.out.tfevents.0000000000.experiment"


def event_files(folder: Path) -> list[Path]:
    """Paths of all event files in a run's folder and in the folders below.

    Args:
        folder: Path of the folder; it need not exist.
    """
    return sorted(folder.rglob("events.out.tfevents.*"))


def _create(folder: Path, suffix: str) -> Path:
    """Create an empty file with a name that no other process or call uses."""
    moment = max(time.time_ns(), _newest(folder) + 1)
    while True:
        seconds, nanoseconds = divmod(moment, 10**9)
        name = f"events.out.tfevents.{seconds:010d}.{nanoseconds:09d}.{socket.gethostname()}.{os.getpid()}{suffix}"
        try:
            (folder / name).touch(exist_ok=False)
        except FileExistsError:
            moment += 1
        else:
            return folder / name


def _newest(folder: Path) -> int:
    """Largest time in the names of a folder's event files, in nanoseconds; 0 if there is none."""
    found = map(_TIME_IN_NAME.match, (path.name for path in folder.iterdir()))
    return max((int(name[1]) * 10**9 + int(name[2] or 10**9 - 1) for name in found if name), default=0)
