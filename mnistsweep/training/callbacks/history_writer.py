"""Learning curves as a CSV file."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras

from mnistsweep.atomic import atomic_write
from mnistsweep.training.callbacks.epoch_snapshot import EpochSnapshot, epoch_learning_rate
from mnistsweep.training.callbacks.logs import Logs, numbers_in


class HistoryWriter(keras.callbacks.Callback):  # type: ignore[misc]
    """Writes the learning curves, one row an epoch: ``epoch``, each metric, ``learning_rate``, ``seconds``.

    A row is on disk as soon as its epoch ends. Numbers are written in full precision, so that a reader gets the exact
    values. ``seconds`` is the wall-clock time of the epoch including its evaluation. A resumed training first drops the
    rows of epochs that it trains again. The columns are those of the first epoch; a metric that a callback adds later
    becomes a further column.

    Args:
        path: Path of the CSV file.
        clock: Function that returns the time in seconds.
        snapshot: Callback with the learning rate of the epoch, where callbacks before this one may have changed it.
    """

    def __init__(
        self, path: Path, clock: Callable[[], float] = time.perf_counter, snapshot: EpochSnapshot | None = None
    ) -> None:
        super().__init__()
        self._snapshot = snapshot
        self._path = path
        self._clock = clock
        self._columns: list[str] = []
        self._start = 0.0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Reset the columns of an earlier training."""
        self._columns = []

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Start the clock; before the first epoch, drop the rows of this epoch and later ones."""
        if not self._columns:
            self._columns = self._keep_rows(epoch)
        self._start = self._clock()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Append a row."""
        row: dict[str, Any] = {"epoch": epoch + 1, **numbers_in(logs or {})}
        row["learning_rate"] = row.pop("learning_rate", epoch_learning_rate(self.model, self._snapshot))
        row["seconds"] = self._clock() - self._start
        is_new = not self._columns
        if is_new:
            self._columns = list(row)
            self._path.parent.mkdir(exist_ok=True)  # that of a further repeat; the trial's own folder exists
        with self._path.open("w" if is_new else "a", encoding="utf-8", newline="") as file:
            file.write(_to_csv([row], self._columns, header=is_new))
        if added := {name: row[name] for name in row if name not in self._columns}:
            self.add_to_last_row(added)

    @property
    def names(self) -> list[str]:
        """Names of the columns so far."""
        return self._columns

    def add_to_last_row(self, values: Logs) -> None:
        """Add columns that only the last row has a value for.

        Args:
            values: Values by the names of the new columns.
        """
        with self._path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            rows: list[dict[str, Any]] = list(reader)
        rows[-1] |= values
        self._columns = list(dict.fromkeys([*(reader.fieldnames or ()), *values]))
        with atomic_write(self._path, create_folder=False) as part:
            part.write_text(_to_csv(rows, self._columns, header=True), encoding="utf-8", newline="")

    def _keep_rows(self, epoch: int) -> list[str]:
        """Keep the rows of the first `epoch` epochs and return the columns; an empty list if no row is left."""
        text = self._path.read_text(encoding="utf-8") if epoch and self._path.exists() else ""
        complete = text[: text.rfind("\n") + 1]  # the process may have been killed while it wrote the last line
        reader = csv.DictReader(io.StringIO(complete))
        rows = [row for row in reader if int(row["epoch"]) <= epoch]
        if not rows:
            return []
        columns = list(reader.fieldnames or ())
        with atomic_write(self._path, create_folder=False) as part:
            part.write_text(_to_csv(rows, columns, header=True), encoding="utf-8", newline="")
        return columns


def _to_csv(rows: list[dict[str, Any]], columns: list[str], header: bool) -> str:
    """Format rows: a missing value is empty, a value without a column is left out."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns, extrasaction="ignore", lineterminator="\n")
    if header:
        writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()
