"""The rows of ``results.csv``, read back: the file that `results_table.ResultsTable` writes."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mnistsweep.config.constraints import Constraint
from mnistsweep.config.objectives import Objective
from mnistsweep.errors import StudyError
from mnistsweep.paths import SweepPaths
from mnistsweep.space import Point, SearchSpace
from mnistsweep.study.recorded_results import judged
from mnistsweep.study.records import STOPPED, Result, State
from mnistsweep.study.results_table import (
    COLUMNS,
    CONFIRMS,
    STANDARD_ERROR,
    CellForm,
    column_of,
    columns,
    measured_of,
)


@dataclass(frozen=True)
class ResultsRow:
    """One trial as the table shows it.

    Attributes:
        number: Number of the trial.
        state: State of the trial; one that was paused when the sweep ended is paused.
        seed: Seed of the training.
        result: Result of the trial. The table has neither its epochs nor its standard deviation over repeats.
        confirms: Number of the trial that this one confirms; None for a trial of the search.
        cells: Texts of the values of the dimensions, by key.
    """

    number: int
    state: State
    seed: int
    result: Result
    confirms: int | None
    cells: Mapping[str, str]

    def points(self, space: SearchSpace, forms: Mapping[str, CellForm]) -> Iterator[Point]:
        """Points that the row may stand for, see `CellForm.candidates`.

        Args:
            space: Search space of the sweep.
            forms: Cells of each dimension, by key.
        """
        points = space.product({key: forms[key].candidates(self.cells[key]) for key in space.keys})
        return (point for point in points if all(key in point or not cell for key, cell in self.cells.items()))


def read_results(
    paths: SweepPaths,
    space: SearchSpace,
    constraints: Sequence[Constraint] = (),
    objectives: Sequence[Objective] = (),
) -> list[ResultsRow]:
    """Read ``results.csv``; an empty list if there is no file.

    Args:
        paths: Paths of the sweep's files.
        space: Search space of the sweep.
        constraints: Constraints of the search.
        objectives: All objectives of the search.

    Raises:
        StudyError: The table is damaged, or is not that of this search.
    """
    file = paths.results
    if not file.is_file():
        return []
    try:
        with file.open(newline="", encoding="utf-8") as opened:
            header, *lines = list(csv.reader(opened, strict=True)) or [[]]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise StudyError(f"{file}: cannot be read: {error}") from error
    has_errors, has_confirmations = (name in header[: len(COLUMNS)] for name in (STANDARD_ERROR, CONFIRMS))
    names = columns(has_errors, has_confirmations, constraints, objectives)
    if header != [*names, *map(column_of, space.keys)]:
        raise StudyError(f"{file}: the columns are not those of the search in {paths.sweep.name}.")
    rows: dict[int, ResultsRow] = {}
    for index, line in enumerate(lines, start=1):
        row = _row(line, names, space.keys, constraints, objectives, f"{file}, row {index}")
        if row.number in rows:
            raise StudyError(f"{file}, row {index}: trial {row.number} is listed twice.")
        rows[row.number] = row
    return list(rows.values())


def _row(
    line: Sequence[str],
    names: Sequence[str],
    keys: Sequence[str],
    constraints: Sequence[Constraint],
    objectives: Sequence[Objective],
    where: str,
) -> ResultsRow:
    try:
        if len(line) != len(names) + len(keys):
            raise ValueError(f"{len(line)} cells")
        known = dict(zip(names, line, strict=False))
        error, confirms = known.get(STANDARD_ERROR), known.get(CONFIRMS)
        number, state, objective, best_epoch, seconds, seed, reason = (known[name] for name in COLUMNS)
        found = State.PAUSED if state == STOPPED else State(state)
        if found is State.RUNNING or int(number) < 0:
            raise ValueError(f"trial {number} {state}")
        cells = dict(zip(keys, line[len(names) :], strict=True))
        measured = {name: known[column_of(name)] for name in measured_of(constraints, objectives)}
        result = Result(
            float(objective) if objective else None, int(best_epoch) if best_epoch else None,
            seconds=float(seconds), reason=reason, standard_error=float(error) if error else None,
            quantities={name: _number(cell) for name, cell in measured.items() if cell},
        )  # fmt: skip
        result, confirmed = judged(found, result, constraints), int(confirms) if confirms else None
        return ResultsRow(int(number), found, int(seed), result, confirmed, cells)
    except ValueError as error:
        raise StudyError(f"{where}: the table is damaged: {error}.") from error


def _number(cell: str) -> float:
    """Number of a cell; a whole number stays one, so that it is written as before."""
    return int(cell) if cell.lstrip("-").isdigit() else float(cell)
