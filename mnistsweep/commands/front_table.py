"""The Pareto front of a search with several objectives on a terminal: a table, and lines for the live display."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from mnistsweep.config.constraints import SECONDS
from mnistsweep.config.objectives import Objective
from mnistsweep.study.front import front_of, text_of, values_of
from mnistsweep.study.records import TrialRecord
from mnistsweep.text import format_count, format_point, format_quantity

# Maximum number of trials of the front in a table, and in the live display.
MAX_LISTED, MAX_LIVE = 10, 5


def front_lines(front: Sequence[TrialRecord], objectives: Sequence[Objective]) -> list[str]:
    """Return the lines of the live display: how many trials are on the front, and those with the best first objective.

    Args:
        front: Trials on the front, the best first objective first.
        objectives: All objectives.
    """
    lines = [f"Pareto front: {format_count(len(front), 'trial')}"] if front else []
    lines += [
        f"  trial {one.number}: {text_of(one, objectives)}: {format_point(one.point)}" for one in front[:MAX_LIVE]
    ]
    return lines + ([f"  and {len(front) - MAX_LIVE} more"] if len(front) > MAX_LIVE else [])


def front_title(records: Sequence[TrialRecord], objectives: Sequence[Objective]) -> str:
    """Return a sentence on the front, without the trials on it.

    Args:
        records: All trials of the sweep.
        objectives: All objectives.
    """
    front = front_of(records, objectives)
    names = ", ".join(one.name for one in objectives)
    count = format_count(len(front), "trial")
    where = f"; {MAX_LISTED} of them, results.csv has all" if len(front) > MAX_LISTED else ""
    return f"Pareto front of {names}: {count}, of which no other is better in all objectives{where}"


def front_table(records: Sequence[TrialRecord], objectives: Sequence[Objective]) -> Table:
    """Return the table of the trials on the front, the best first objective first.

    Where the front is long, trials that are spread over it are shown: the first, the last, and others in even steps.

    Args:
        records: All trials of the sweep.
        objectives: All objectives.
    """
    table = Table(box=None, header_style="bold", pad_edge=False)
    has_seconds = any(one.name == SECONDS for one in objectives)
    for column in ("trial", *(one.name for one in objectives), "epoch", *([] if has_seconds else [SECONDS])):
        table.add_column(column, justify="right")
    table.add_column("configuration", overflow="fold")
    for record in spread(front_of(records, objectives), MAX_LISTED):
        result, others = record.result, (values_of(record.result, objectives[1:]) or ())[1:]
        table.add_row(
            str(record.number), result.score, *map(format_quantity, others), str(result.best_epoch or ""),
            *([] if has_seconds else [f"{result.seconds:.1f}"]), format_point(record.point),
        )  # fmt: skip
    return table


def spread(front: Sequence[TrialRecord], count: int) -> list[TrialRecord]:
    """Return some trials in even steps, the first and the last among them.

    Args:
        front: Trials in any order.
        count: Maximum number of trials, at least two.
    """
    if len(front) <= count:
        return list(front)
    return [front[round(index * (len(front) - 1) / (count - 1))] for index in range(count)]
