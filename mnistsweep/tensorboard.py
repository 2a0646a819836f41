"""What TensorBoard reads, written without TensorFlow: curves, pictures, and the HParams plugin's table of trials.

TensorBoard's own `EventFileWriter` opens its file through TensorFlow where that is installed, seconds of import for a
process that only records a trial. Its `RecordWriter` and its summaries need none, and are used here.

The HParams plugin reads three records. An *experiment* at the top of the sweep names the dimensions with their domains
and the metrics to show. A *session*, one a trial, begins with the trial's values and ends with success or failure. The
metric of a session is the last value under its tag in the session's own folder.
"""

from __future__ import annotations

import os
import socket
import struct
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2, summary_v2
from tensorboard.plugins.scalar.summary_v2 import scalar_pb
from tensorboard.summary.writer.record_writer import RecordWriter

from mnistsweep.atomic import atomic_write
from mnistsweep.dimensions import Choice, Int
from mnistsweep.space import SearchSpace

OBJECTIVE_TAG = "objective"
"""Tag of the objective at a trial's best epoch."""


@dataclass(frozen=True)
class HParam:
    """One dimension of a search space as TensorBoard shows it: named choices, or an interval, or of unknown domain.

    Args:
        name: The key that is searched over.
        choices: The values to choose from; None for an interval. Choices that are not all truth values, all numbers or
            all strings are shown as strings.
        low: The smallest value of an interval.
        high: The largest value of an interval, included.
        is_int: Whether an interval holds whole numbers only.
    """

    name: str
    choices: tuple[Any, ...] | None = None
    low: float | None = None
    high: float | None = None
    is_int: bool = False

    @property
    def domain(self) -> summary_v2.Domain | None:
        """The domain in TensorBoard's terms."""
        if self.choices:
            return summary_v2.Discrete([self.shown(choice) for choice in self.choices])
        if self.low is None or self.high is None:
            return None
        if self.is_int:
            return summary_v2.IntInterval(int(self.low), int(self.high))
        return summary_v2.RealInterval(float(self.low), float(self.high))

    def shown(self, value: Any) -> bool | float | int | str:
        """Turn a value of this dimension into one that the table can hold, as its domain spells it.

        Example:
            >>> HParam("rate", choices=(0, 0.5)).shown(0), HParam("layers", choices=(1, "none")).shown(1)
            (0.0, '1')
        """
        kinds = {_kind(choice) for choice in self.choices or (value,)}
        if kinds in ({bool}, {int}, {str}):
            return value  # type: ignore[no-any-return]
        return float(value) if kinds <= {int, float} else _text(value)


class EventFile:
    """One new event file in a run's folder, held open only while a record is written.

    Names sort by the time of creation, as TensorBoard wants: once it has read a newer file it does not look back.

    Args:
        folder: The folder of the run; made if missing.
        suffix: Ends the file's name, for a reader's eye.
    """

    def __init__(self, folder: Path, suffix: str = "") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = _create(folder, suffix)
        self._write(event_pb2.Event(wall_time=time.time(), file_version="brain.Event:2"))

    def restart(self, step: int) -> None:
        """Declare what earlier files of this run hold from `step` on as void: it is trained again."""
        start = event_pb2.SessionLog(status=event_pb2.SessionLog.START)
        self._write(event_pb2.Event(wall_time=time.time(), step=step, session_log=start))

    def add(self, summary: summary_pb2.Summary, step: int = 0) -> None:
        """Append a summary."""
        self._write(event_pb2.Event(wall_time=time.time(), step=step, summary=summary))

    def add_scalars(self, values: Mapping[str, float], step: int) -> None:
        """Append numbers by tag, kept in single precision as TensorBoard does."""
        summary = summary_pb2.Summary()
        for tag, value in values.items():
            summary.MergeFrom(scalar_pb(tag, value))
        self.add(summary, step)

    def add_image(self, tag: str, png: bytes, step: int = 0) -> None:
        """Append a picture.

        Args:
            tag: Its name in the image tab; what stands before a slash groups pictures.
            png: The file's content.
            step: Which of the pictures under this tag it is.
        """
        width, height = struct.unpack(">II", png[16:24])  # a PNG begins with 8 bytes of its own, then its header chunk
        image = summary_pb2.Summary.Image(width=width, height=height, encoded_image_string=png)
        self.add(summary_pb2.Summary(value=[summary_pb2.Summary.Value(tag=tag, image=image)]), step)

    def _write(self, event: event_pb2.Event) -> None:
        with self.path.open("ab") as file:
            RecordWriter(file).write(event.SerializeToString())


def hparams_of(space: SearchSpace) -> list[HParam]:
    """The dimensions of a search space as columns of the HParams table."""
    return [
        HParam(d.key, choices=d.values)
        if isinstance(d, Choice)
        else HParam(d.key, low=d.low, high=d.high, is_int=isinstance(d, Int))
        for d in space.dimensions
    ]


def write_experiment(folder: Path, dimensions: Sequence[HParam], metrics: Sequence[str]) -> None:
    """Write what the table's columns are: the search space and the metrics.

    Written again it takes the place of the first, so a sweep that is continued has one.

    Args:
        folder: The sweep's folder.
        dimensions: The search space.
        metrics: Tags of the metrics to show, as given to `write_objective`.
    """
    summary = summary_v2.hparams_config_pb(
        hparams=[summary_v2.HParam(dimension.name, dimension.domain) for dimension in dimensions],
        metrics=[summary_v2.Metric(tag) for tag in metrics],
    )
    with atomic_write(folder / "events.out.tfevents.0000000000.experiment") as part, part.open("wb") as file:
        for event in (event_pb2.Event(file_version="brain.Event:2"), event_pb2.Event(summary=summary)):
            event.wall_time = time.time()
            RecordWriter(file).write(event.SerializeToString())


def union(spaces: Iterable[Sequence[HParam]]) -> list[HParam]:
    """One space that holds several, for a folder of sweeps that TensorBoard shows side by side.

    Choices are joined, intervals widened to hold all; the domain of a dimension that is named here and measured there
    stays open.

    Example:
        >>> union([[HParam("x", choices=(1, 2))], [HParam("x", choices=(2, 3))]])
        [HParam(name='x', choices=(1, 2, 3), low=None, high=None, is_int=False)]
    """
    merged: dict[str, HParam] = {}
    for dimension in (dimension for space in spaces for dimension in space):
        known = merged.get(dimension.name)
        merged[dimension.name] = dimension if known is None else _join(known, dimension)
    return list(merged.values())


def _join(one: HParam, other: HParam) -> HParam:
    if one.choices and other.choices:
        choices = [*one.choices, *(choice for choice in other.choices if choice not in one.choices)]
        numbers = all(_kind(choice) in (int, float) for choice in choices)
        return HParam(one.name, choices=tuple(sorted(choices) if numbers else choices))
    bounds = [*_bounds(one), *_bounds(other)]
    if None in bounds:
        return HParam(one.name)
    numbers_only = [bound for bound in bounds if bound is not None]
    whole = all(isinstance(bound, int) for bound in numbers_only)
    return HParam(one.name, low=min(numbers_only), high=max(numbers_only), is_int=whole)


def _bounds(dimension: HParam) -> tuple[float | None, float | None]:
    """The smallest and the largest value; None where they are no numbers."""
    if not dimension.choices:
        return dimension.low, dimension.high
    if all(_kind(choice) in (int, float) for choice in dimension.choices):
        return min(dimension.choices), max(dimension.choices)
    return None, None


def write_session(folder: Path, trial_id: str, hparams: Mapping[str, Any], dimensions: Sequence[HParam] = ()) -> None:
    """Write that a trial begins, and with which values.

    Args:
        folder: The trial's folder.
        trial_id: The trial's row. Rows of the same name are averaged, also across sweeps that TensorBoard shows side by
            side: give the sweep's name with the trial's number.
        hparams: The trial's values by dimension; a conditional dimension that does not apply is left out.
        dimensions: The search space, so that a value is spelled as in its domain.

    Example:
        ``write_session(paths.folder, "quickstart/0007", {"optimizer": "adam"})``
    """
    known = {dimension.name: dimension for dimension in dimensions}
    values = {name: known.get(name, HParam(name)).shown(value) for name, value in hparams.items()}
    EventFile(folder, ".hparams").add(summary_v2.hparams_pb(values, trial_id=trial_id))


def write_objective(folder: Path, tag: str, value: float, step: int) -> None:
    """Write the number that the table shows for a trial.

    Args:
        folder: The trial's folder.
        tag: The metric's tag, as given to `write_experiment`.
        value: The objective at its best epoch.
        step: That epoch, from 1.
    """
    EventFile(folder, ".objective").add_scalars({tag: value}, step)


def end_session(folder: Path, success: bool) -> None:
    """Write that a trial ended; only once it is final, for TensorBoard keeps the first status that it reads.

    Args:
        folder: The trial's folder.
        success: Whether it has a result; a trial that was pruned has one, a trial that failed has none.
    """
    status = api_pb2.STATUS_SUCCESS if success else api_pb2.STATUS_FAILURE
    end = plugin_data_pb2.SessionEndInfo(status=status, end_time_secs=time.time())
    content = metadata.create_summary_metadata(plugin_data_pb2.HParamsPluginData(session_end_info=end))
    summary = summary_pb2.Summary()
    summary.value.add(tag=metadata.SESSION_END_INFO_TAG, metadata=content, tensor=metadata.NULL_TENSOR)
    EventFile(folder, ".hparams").add(summary)


def _create(folder: Path, suffix: str) -> Path:
    """Make an empty file under a name that no other process or call has taken."""
    moment = time.time_ns()
    while True:
        seconds, nanoseconds = divmod(moment, 10**9)
        name = f"events.out.tfevents.{seconds:010d}.{nanoseconds:09d}.{socket.gethostname()}.{os.getpid()}{suffix}"
        try:
            (folder / name).touch(exist_ok=False)
        except FileExistsError:
            moment += 1
        else:
            return folder / name


def _kind(value: Any) -> type:
    return next((kind for kind in (bool, int, float, str) if isinstance(value, kind)), object)


def _text(value: Any) -> str:
    return "null" if value is None else str(value)
