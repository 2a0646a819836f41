"""The file ``results.csv``: one row for each trial that has a result, in the order of trial numbers.

These are the finished trials, and those that were paused, with their result so far: their state is ``paused``, and
``stopped`` once the sweep has ended.

The columns are `trial`, `state`, `objective`, `best_epoch`, `seconds`, `seed` and `reason`, then one column for each
dimension of the search space. With cross-validation, `standard_error` follows `objective`. Where the best trials were
confirmed, `confirms` comes before `best_epoch`: the number of the trial that the trial of the row repeats. With
constraints, a column for each constrained quantity and `feasible` follow `reason`. With several objectives, `pareto`
comes before `best_epoch`: whether the trial is on the Pareto front; `objective` is the first of them, and a column for
each of the others, except `seconds`, follows `reason`. An empty cell means that the value
is unknown, or that the dimension is not active. `CellForm` writes and reads the cells of a dimension, so that
`mnistsweep.load_sweep` returns each value as it was.
"""

from __future__ import annotations

import bisect
import csv
import io
import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from mnistsweep.analysis.pareto import is_nondominated
from mnistsweep.atomic import atomic_write
from mnistsweep.config.constraints import Constraint, quantities_of
from mnistsweep.config.objectives import Objective
from mnistsweep.dimensions import Choice, Column, Int
from mnistsweep.json_values import distinct_texts, exact_text
from mnistsweep.space import SearchSpace
from mnistsweep.study.front import losses_of
from mnistsweep.study.records import STOPPED, State, TrialRecord

COLUMNS = ("trial", "state", "objective", "best_epoch", "seconds", "seed", "reason")

STANDARD_ERROR = "standard_error"
"""Column of the standard error over folds; only in the table of a sweep with such a trial."""

CONFIRMS = "confirms"
"""Column of the number of the trial that a trial confirms; only in the table of a sweep with such a trial."""

FEASIBLE = "feasible"
"""Column of whether a trial keeps all constraints; empty where a failed trial did not measure them."""

PARETO = "pareto"
"""Column of whether a trial is on the Pareto front; only in the table of a sweep with several objectives."""

_FIRST = 3  # columns before the standard error, the confirmed trial and the Pareto front


def columns(
    has_errors: bool,
    has_confirmations: bool = False,
    constraints: Sequence[Constraint] = (),
    objectives: Sequence[Objective] = (),
) -> tuple[str, ...]:
    """Return the columns before those of the dimensions.

    Args:
        has_errors: Whether the table has a column for standard errors.
        has_confirmations: Whether the table has a column for the trials that are confirmed.
        constraints: Constraints of the search.
        objectives: All objectives of the search.
    """
    has_front = len(objectives) > 1
    known = ((STANDARD_ERROR, has_errors), (CONFIRMS, has_confirmations), (PARETO, has_front))
    optional = [name for name, has in known if has]
    measured = [*map(column_of, measured_of(constraints, objectives)), *([FEASIBLE] if constraints else [])]
    return (*COLUMNS[:_FIRST], *optional, *COLUMNS[_FIRST:], *measured)


def measured_of(constraints: Sequence[Constraint], objectives: Sequence[Objective]) -> tuple[str, ...]:
    """Return the names of the quantities that have a column of their own.

    Args:
        constraints: Constraints of the search.
        objectives: All objectives of the search.
    """
    return quantities_of(constraints, (one.name for one in objectives[1:]))


def column_of(key: str) -> str:
    """Return the name of the column of a key; it differs from the columns of every table, such as `seed`.

    Args:
        key: Key of a dimension; that of a program of the user's own may be any name.

    Example:
        >>> column_of("model.units"), column_of("seed")
        ('model.units', 'seed (value)')
    """
    return f"{key} (value)" if key in columns(True, True) else key


class CellForm:
    """The cells of one dimension: a value as text, and back.

    The values of a choice are written plainly where this is clear (`json_values.distinct_texts`), otherwise as JSON.

    Args:
        dimension: Dimension of the search space.

    Attributes:
        key: Key of the dimension; `column_of` has the name of its column.

    Example:
        >>> form = CellForm(Choice("model.norm", (None, "1", 1)))
        >>> form.write("1"), form.read('"1"'), form.read("1")
        ('"1"', '1', 1)
    """

    def __init__(self, dimension: Column) -> None:
        self.key = dimension.key
        self._dimension = dimension
        values = dimension.values if isinstance(dimension, Choice) else ()
        texts = distinct_texts(values)
        self._texts = dict(zip(map(exact_text, values), texts, strict=True))
        self._values = dict(zip(texts, values, strict=True))

    def write(self, value: Any) -> str:
        """Return the cell of a value."""
        return self._texts[exact_text(value)] if exact_text(value) in self._texts else _cell(value)

    def read(self, cell: str) -> Any:
        """Return the value of a cell that is not empty; the cell itself if it is no value of the dimension."""
        if isinstance(self._dimension, Choice):
            return self._values.get(cell, cell)
        return int(cell) if isinstance(self._dimension, Int) else float(cell)

    def candidates(self, cell: str) -> list[Any]:
        """Return the values of the dimension that a cell may stand for.

        There are several only in a table of version 0.1, which wrote None as an empty cell, and ``1`` as ``"1"``.

        Args:
            cell: Cell of a trial with this dimension.
        """
        if isinstance(self._dimension, Choice):
            now = [self._values[cell]] if cell in self._values else []
            return now + [value for value in self._in_version_01[cell] if self.write(value) != cell]
        try:
            value = self.read(cell)
        except ValueError:
            return []
        return [value] if self._dimension.contains(value) else []

    @cached_property
    def _in_version_01(self) -> Mapping[str, Sequence[Any]]:
        """Values of a choice by the text that version 0.1 wrote."""
        values: defaultdict[str, list[Any]] = defaultdict(list)
        for value in self._values.values():
            values[_cell(value)].append(value)
        return values


class ResultsTable:
    """Table of trials that is written to ``results.csv``.

    The row of a finished trial is rendered once, so that an update costs about the same in a long sweep as in a short
    one.

    Args:
        path: Path of the CSV file.
        space: Search space of the sweep; its dimensions are the last columns.
        constraints: Constraints of the search.
        objectives: All objectives of the search; with less than two, there is no Pareto front.
    """

    def __init__(
        self,
        path: Path,
        space: SearchSpace,
        constraints: Sequence[Constraint] = (),
        objectives: Sequence[Objective] = (),
    ) -> None:
        self._path = path
        self._constraints = constraints
        self._objectives = objectives
        self._losses: dict[int, tuple[float, ...] | None] = {}  # of completed trials; None: not on any front
        self._forms = [CellForm(column) for column in space.columns]
        self._numbers: list[int] = []
        self._rows: list[tuple[str, ...]] = []
        self._has_errors = self._has_confirmations = False
        self._unfinished: list[int] = []
        self._num_seen = 0

    def add_finished(self, records: Sequence[TrialRecord]) -> list[TrialRecord]:
        """Add the trials that have finished since the last call.

        Args:
            records: All trials, in the order of their numbers; at least as many as in the last call.

        Returns:
            The added trials.
        """
        numbers = [*self._unfinished, *range(self._num_seen, len(records))]
        new = [records[number] for number in numbers if records[number].state.finished]
        self._unfinished = [number for number in numbers if not records[number].state.finished]
        self._num_seen = len(records)
        for record in new:
            position = bisect.bisect(self._numbers, record.number)
            self._numbers.insert(position, record.number)
            self._rows.insert(position, self._row(record))
            if len(self._objectives) > 1 and record.state is State.COMPLETED:
                self._losses[record.number] = losses_of(record, self._objectives)
            self._has_errors |= record.result.standard_error is not None
            self._has_confirmations |= record.confirms is not None
        return new

    def write(self, paused: Sequence[TrialRecord] = (), has_ended: bool = False) -> None:
        """Replace the file by the finished trials added so far, and those that were paused.

        Args:
            paused: Trials that were paused, with their result then; a worker may continue some of them.
            has_ended: Whether the sweep has ended, so that they are stopped.
        """
        has_confirmations = self._has_confirmations or any(one.confirms is not None for one in paused)
        names = columns(self._has_errors, has_confirmations, self._constraints, self._objectives)
        header = _csv_line([*names, *(column_of(form.key) for form in self._forms)])
        shown = [True, self._has_errors, has_confirmations, len(self._objectives) > 1, True]
        state, front = STOPPED if has_ended else State.PAUSED.value, self._front()
        rows = [*zip(self._numbers, self._rows, strict=True), *((one.number, self._row(one, state)) for one in paused)]
        text = header + "".join(
            ",".join(itertools.compress((*row[:-1], front.get(number, ""), row[-1]), shown))
            for number, row in sorted(rows)
        )
        with atomic_write(
            self._path, durable=False, create_folder=False
        ) as part:  # the table can be derived from the ledger again
            part.write_text(text, encoding="utf-8", newline="")

    def _front(self) -> dict[int, str]:
        """Cells of the column `pareto` by trial, which a later trial may change.

        A trial that failed or was pruned has an empty one.
        """
        known = {number: losses for number, losses in self._losses.items() if losses is not None}
        on_front = is_nondominated(list(known.values())).tolist() if known else []
        return {**dict.fromkeys(self._losses, str(False)), **dict(zip(known, map(str, on_front), strict=True))}

    def _row(self, record: TrialRecord, state: str | None = None) -> tuple[str, ...]:
        """Row of a trial in four parts; a later trial may be the first that has the cell of the second or the third."""
        measured = measured_of(self._constraints, self._objectives)
        cells = _cells(record, self._forms, state or record.state.value, measured, bool(self._constraints))
        first, last = _csv_line(cells[:_FIRST]).rstrip("\n"), _csv_line(cells[_FIRST:])
        return first, _cell(record.result.standard_error), _cell(record.confirms), last


def _cells(
    record: TrialRecord, forms: Sequence[CellForm], state: str, measured: Sequence[str], is_constrained: bool
) -> list[str]:
    """Cells of a trial's row."""
    result = record.result
    cells = [record.number, state, result.objective, result.best_epoch, round(result.seconds, 3)]
    # CSV readers treat a bare carriage return as the end of a row.
    reason = "\n".join(result.reason.splitlines())
    own = [form.write(record.point[form.key]) if form.key in record.point else "" for form in forms]
    quantities: list[Any] = [result.quantities.get(name) for name in measured]
    feasible = [not result.violated if result.violations else None] if is_constrained else []
    return [*map(_cell, [*cells, record.seed, reason, *quantities, *feasible]), *own]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return float.__repr__(value) if isinstance(value, float) else str(value)


def _csv_line(cells: Sequence[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(cells)
    return buffer.getvalue()
