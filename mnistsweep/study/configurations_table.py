"""The file ``configurations.csv``: one row for each configuration, where a training contains those of fewer epochs.

Each trial has one training and a row for each listed number of epochs whose result is known for certain. The columns
are `trial`, `trainer.epochs`, `objective` (at the best epoch among these), `best_epoch` and `seed`, one column for each
other dimension, and the metrics of the best epoch, as in ``history.csv``. The configurations of one trial share its
seed. The table is derived from the ledger and the learning curves, and may be deleted.
"""

from __future__ import annotations

import bisect
import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mnistsweep.atomic import atomic_write
from mnistsweep.paths import SweepPaths
from mnistsweep.space import SearchSpace
from mnistsweep.study.nested_epochs import EPOCHS, contained_results
from mnistsweep.study.records import TrialRecord
from mnistsweep.study.results_table import CellForm, column_of

FIXED = ("trial", EPOCHS, "objective", "best_epoch", "seed")
"""Columns before those of the dimensions."""

# Columns of the learning curves that are no metrics.
_NO_METRICS = frozenset({"epoch", "seconds"})


def metric_column(name: str, keys: Sequence[str]) -> str:
    """Return the name of a metric's column, which differs from every other column.

    Args:
        name: Name of the metric.
        keys: Keys of the dimensions.

    Example:
        >>> metric_column("val_loss", ["x"]), metric_column("seed", ["x"])
        ('val_loss', 'seed (metric)')
    """
    return f"{name} (metric)" if name in FIXED or name in keys else name


@dataclass(frozen=True)
class _Row:
    """A row: its cells as text, and its metrics as they are in the learning curve."""

    cells: str
    metrics: Mapping[str, str]


class ConfigurationsTable:
    """Table that is written to ``configurations.csv``; the rows of a finished trial are made once.

    Args:
        paths: Paths of the sweep's files.
        space: Search space of the sweep.
        nested: Listed numbers of epochs; empty: nothing is written.
        direction: Direction of the objective: ``max`` or ``min``.
    """

    def __init__(self, paths: SweepPaths, space: SearchSpace, nested: Sequence[int], direction: str) -> None:
        self._paths = paths
        self._nested = nested
        self._direction = direction
        self._forms = [CellForm(column) for column in space.columns if column.key != EPOCHS]
        self._numbers: list[int] = []
        self._rows: list[list[_Row]] = []

    def add_finished(self, new: Sequence[TrialRecord]) -> None:
        """Add trials that have finished.

        Args:
            new: Trials that were not added before.
        """
        for record in new if self._nested else ():
            position = bisect.bisect(self._numbers, record.number)
            self._numbers.insert(position, record.number)
            self._rows.insert(position, self._rows_of(record))

    def write(self, paused: Sequence[TrialRecord] = ()) -> None:
        """Replace the file by the rows of the trials added so far, and of those that were paused.

        Args:
            paused: Trials that were paused, with their result then.
        """
        if not self._nested:
            return
        groups = [*zip(self._numbers, self._rows, strict=True), *((one.number, self._rows_of(one)) for one in paused)]
        rows = [row for _, group in sorted(groups, key=lambda item: item[0]) for row in group]
        names = list(dict.fromkeys(name for row in rows for name in row.metrics))
        keys = [form.key for form in self._forms]
        header = _csv_line([*FIXED, *map(column_of, keys), *(metric_column(name, keys) for name in names)])
        lines = (",".join([row.cells, *(row.metrics.get(name, "") for name in names)]) for row in rows)
        with atomic_write(self._paths.configurations, durable=False, create_folder=False) as part:
            part.write_text("\n".join([header, *lines, ""]), encoding="utf-8", newline="")

    def _rows_of(self, record: TrialRecord) -> list[_Row]:
        curve, rows = self._curve_of(record.number), list[_Row]()
        own = [form.write(record.point[form.key]) if form.key in record.point else "" for form in self._forms]
        for found in contained_results(record, self._nested, self._direction):
            cells = [record.number, found.epochs, repr(found.objective), found.best_epoch, record.seed]
            rows.append(_Row(_csv_line([*map(str, cells), *own]), curve.get(found.best_epoch, {})))
        return rows

    def _curve_of(self, number: int) -> dict[int, dict[str, str]]:
        """Metrics by epoch; none of an epoch that cannot be read."""
        curve = {}
        try:
            with self._paths.trial(number).history.open(newline="", encoding="utf-8") as file:
                for row in csv.DictReader(file):
                    if row["epoch"].isdecimal() and None not in [*row, *row.values()]:
                        curve[int(row["epoch"])] = {key: row[key] for key in row if key not in _NO_METRICS}
        except (OSError, UnicodeDecodeError, csv.Error, KeyError, AttributeError):
            return curve  # the folder of a trial may have been deleted; the objective is in the ledger
        return curve


def _csv_line(cells: Sequence[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="").writerow(cells)
    return buffer.getvalue()
