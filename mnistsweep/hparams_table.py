"""TensorBoard's HParams table of a sweep: one row for each trial, one column for each dimension.

The HParams plugin reads three kinds of records. The *experiment*, in the sweep's folder, declares the columns with
their domains, and the metric. A *session*, one for each trial, starts with the trial's values, and ends with success or
failure. The metric of a session is the last value with the metric's tag in the session's own folder.
"""

from __future__ import annotations

import time
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2, summary_v2
from tensorboard.summary.writer.record_writer import RecordWriter

from mnistsweep.atomic import atomic_write
from mnistsweep.dimensions import Choice, Int, identity
from mnistsweep.intervals import is_finite
from mnistsweep.json_values import distinct_texts
from mnistsweep.space import SearchSpace
from mnistsweep.tensorboard import FILE_VERSION, EventFile, experiment_file

# TensorBoard shows a check box for each listed value. A column with more values gets an interval, or no domain.
MAX_LISTED = 100

OBJECTIVE_TAG = "objective"
"""Tag of the table's metric: the first objective at a trial's best epoch."""

FEASIBLE_TAG = "feasible"
"""Tag of the metric that tells whether a trial keeps all constraints: 1, or 0 if it violates one."""


@dataclass(frozen=True)
class HParam:
    """A column of the table: a dimension with listed values, with an interval, or with an unknown domain.

    Attributes:
        name: Key of the dimension.
        choices: Listed values; None: an interval. The table shows them as strings, unless all are booleans, all are
            numbers or all are strings.
        low: Smallest value of an interval.
        high: Largest value of an interval.
        is_int: Whether an interval contains integers only.
    """

    name: str
    choices: tuple[Any, ...] | None = None
    low: float | None = None
    high: float | None = None
    is_int: bool = False

    @cached_property
    def kinds(self) -> frozenset[type]:
        """Kinds of the listed values: bool, int, float, str or object."""
        return frozenset(map(_kind, self.choices or ()))

    @cached_property
    def _texts(self) -> dict[Hashable, str]:
        """Text of each listed value."""
        choices = self.choices or ()
        return dict(zip(map(identity, choices), distinct_texts(choices), strict=True))

    @property
    def has_numbers(self) -> bool:
        """Whether all listed values are numbers."""
        return self.kinds <= {int, float}

    @property
    def bounds(self) -> tuple[float | None, float | None]:
        """Smallest and largest value; None and None if the values are not numbers."""
        if not self.choices:
            return self.low, self.high
        return (min(self.choices), max(self.choices)) if self.has_numbers else (None, None)

    @property
    def domain(self) -> summary_v2.Domain | None:
        """Domain as TensorBoard's object; None if it is unknown."""
        if self.choices and len(self.choices) <= MAX_LISTED:
            return summary_v2.Discrete([self.to_cell(choice) for choice in self.choices])
        low, high = self.bounds
        if low is None or high is None or not (is_finite(low) and is_finite(high)):
            return None
        if self.kinds == {int} or (self.is_int and not self.choices):
            return summary_v2.IntInterval(int(low), int(high))
        return summary_v2.RealInterval(float(low), float(high))

    def to_cell(self, value: Any) -> bool | float | int | str:
        """Return a value of this dimension in a type that the table can show, in the same form as in the domain.

        Example:
            >>> HParam("rate", choices=(0, 0.5)).to_cell(0), HParam("layers", choices=(1, "none")).to_cell(1)
            (0.0, '1')
        """
        kinds = self.kinds or {_kind(value)}
        if kinds in ({bool}, {int}, {str}):
            return value  # type: ignore[no-any-return]
        if kinds <= {int, float}:
            return float(value)
        return self._texts.get(identity(value)) or distinct_texts((value,))[0]


def hparams_of(space: SearchSpace) -> list[HParam]:
    """Return the dimensions of a search space as columns of the table."""
    return [
        HParam(d.key, choices=d.values)
        if isinstance(d, Choice)
        else HParam(d.key, low=d.low, high=d.high, is_int=isinstance(d, Int))
        for d in space.columns
    ]


def merge_hparams(spaces: Iterable[Sequence[HParam]]) -> list[HParam]:
    """Return the columns of several sweeps, for a folder of sweeps that TensorBoard shows side by side.

    Listed values are joined, and intervals are widened to contain all values. A dimension that has names in one sweep
    and an interval in another gets an unknown domain.

    Example:
        >>> merge_hparams([[HParam("x", choices=(1, 2))], [HParam("x", choices=(2, 3))]])
        [HParam(name='x', choices=(1, 2, 3), low=None, high=None, is_int=False)]
    """
    merged: dict[str, HParam] = {}
    for hparam in (hparam for space in spaces for hparam in space):
        earlier = merged.get(hparam.name)
        merged[hparam.name] = hparam if earlier is None else _merge(earlier, hparam)
    return list(merged.values())


def _merge(one: HParam, other: HParam) -> HParam:
    if one.choices and other.choices:
        joined = {identity(choice): choice for choice in (*other.choices, *one.choices)}
        order = dict.fromkeys(map(identity, (*one.choices, *other.choices)))
        choices = [joined[key] for key in order]
        return HParam(one.name, choices=tuple(sorted(choices) if one.has_numbers and other.has_numbers else choices))
    bounds = [*one.bounds, *other.bounds]
    if None in bounds:
        return HParam(one.name)
    numbers = [bound for bound in bounds if bound is not None]
    return HParam(one.name, low=min(numbers), high=max(numbers), is_int=all(isinstance(n, int) for n in numbers))


def tag_of(objective: str) -> str:
    """Return the tag of an objective that is not the first.

    Args:
        objective: Name of the objective.
    """
    return f"{OBJECTIVE_TAG}/{objective}"


def metrics_of(further: Sequence[str], has_constraints: bool) -> dict[str, str]:
    """Return the metrics of the table: displayed names by tag; an empty name is that of the tag.

    Args:
        further: Names of all objectives but the first.
        has_constraints: Whether the search has constraints.
    """
    others = {tag_of(name): name for name in further}
    return {OBJECTIVE_TAG: "", **others, **({FEASIBLE_TAG: ""} if has_constraints else {})}


def write_experiment(folder: Path, hparams: Sequence[HParam], metrics: Mapping[str, str] | None = None) -> None:
    """Write the columns of the table. An earlier experiment of this folder is replaced.

    Args:
        folder: Path of the sweep's folder.
        hparams: Columns.
        metrics: Metrics, see `metrics_of`; None: the objective.
    """
    shown = metrics_of((), has_constraints=False) if metrics is None else metrics
    summary = summary_v2.hparams_config_pb(
        hparams=[summary_v2.HParam(hparam.name, hparam.domain) for hparam in hparams],
        metrics=[summary_v2.Metric(tag, display_name=name or None) for tag, name in shown.items()],
    )
    with atomic_write(experiment_file(folder)) as part, part.open("wb") as file:
        for event in (event_pb2.Event(file_version=FILE_VERSION), event_pb2.Event(summary=summary)):
            event.wall_time = time.time()
            RecordWriter(file).write(event.SerializeToString())


def write_session_start(folder: Path, row: str, point: Mapping[str, Any], hparams: Sequence[HParam] = ()) -> None:
    """Write that a trial has started, and its values.

    Args:
        folder: Path of the trial's folder.
        row: Name of the trial's row. TensorBoard averages rows with the same name, also of sweeps that it shows side by
            side; so the name contains the sweep's name and the trial's number.
        point: Values of the trial's active dimensions by key.
        hparams: Columns of the table, for the form of the values.

    Example:
        ``write_session_start(paths.folder, "quickstart/0007", {"optimizer": "adam"})``
    """
    columns = {hparam.name: hparam for hparam in hparams}
    cells = {name: columns.get(name, HParam(name)).to_cell(value) for name, value in point.items()}
    EventFile(folder, ".hparams").add(summary_v2.hparams_pb(cells, trial_id=row))


def write_metrics(folder: Path, metrics: Mapping[str, float], step: int) -> None:
    """Write the metrics that the table shows for a trial.

    Args:
        folder: Path of the trial's folder.
        metrics: Metrics at the best epoch, by tag.
        step: Best epoch, counted from 1; 0 for a trial that was not trained.
    """
    EventFile(folder, ".objective").add_scalars(metrics, step)


def write_session_end(folder: Path, success: bool) -> None:
    """Write that a trial has ended. The status must be final, because TensorBoard keeps the first one that it reads.

    Args:
        folder: Path of the trial's folder.
        success: Whether the trial has a result: a pruned trial has one, a failed trial has none.
    """
    status = api_pb2.STATUS_SUCCESS if success else api_pb2.STATUS_FAILURE
    end = plugin_data_pb2.SessionEndInfo(status=status, end_time_secs=time.time())
    content = metadata.create_summary_metadata(plugin_data_pb2.HParamsPluginData(session_end_info=end))
    summary = summary_pb2.Summary()
    summary.value.add(tag=metadata.SESSION_END_INFO_TAG, metadata=content, tensor=metadata.NULL_TENSOR)
    EventFile(folder, ".hparams").add(summary)


def _kind(value: Any) -> type:
    return next((kind for kind in (bool, int, float, str) if isinstance(value, kind)), object)
