"""What ``results.csv`` shows of a sweep, without its ledger."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass, replace

from mnistsweep.paths import SweepPaths
from mnistsweep.study.records import STOPPED, State
from mnistsweep.study.results_table import CONFIRMS, FEASIBLE

_ENDED = {state.value for state in State if state.finished} | {STOPPED}

# Objective, negated where it is maximized, and number of a trial.
_Score = tuple[float, int]


@dataclass(frozen=True)
class ResultsSummary:
    """The trials of a table.

    Attributes:
        num_finished: Number of trials of the search that have ended, or were stopped with the sweep.
        num_stopped: Number of the stopped ones among them.
        best: Best objective; None if no trial has one.
        best_trial: Number of the trial with the best objective.
        is_plain: Whether the best trial of the ledger follows from the table: all trials have ended, none confirms
            another, and no pruned one, which may not be comparable, is as good as the best.
    """

    num_finished: int = 0
    num_stopped: int = 0
    best: float | None = None
    best_trial: int | None = None
    is_plain: bool = True


def summarize_results(paths: SweepPaths, direction: str) -> ResultsSummary:
    """Read the table; damaged rows are left out, as if there were no table.

    Args:
        paths: Paths of the sweep's files.
        direction: Direction of the first objective: ``max`` or ``min``.
    """
    summary, scores, pruned, sign = ResultsSummary(), list[_Score](), list[_Score](), -1 if direction == "max" else 1
    try:
        with paths.results.open(newline="", encoding="utf-8", errors="replace") as file:
            for row in csv.DictReader(file):
                state = row.get("state")
                if state not in _ENDED or row.get(CONFIRMS):
                    summary = replace(summary, is_plain=False)
                    continue
                num_finished, num_stopped = summary.num_finished + 1, summary.num_stopped + (state == STOPPED)
                summary = replace(summary, num_finished=num_finished, num_stopped=num_stopped)
                if state != State.FAILED and row.get(FEASIBLE) != str(False):
                    score = sign * _number(row.get("objective")), int(_number(row.get("trial")))
                    (pruned if state == State.PRUNED else scores).append(score)
    except (OSError, csv.Error, ValueError):  # the table is derived from the ledger, which is read instead
        return replace(summary, is_plain=False)
    if pruned and (not scores or min(pruned)[0] <= min(scores)[0]):
        summary = replace(summary, is_plain=False)
    if not scores:
        return summary
    best, number = min(scores)
    return replace(summary, best=sign * best, best_trial=number)


def _number(cell: str | None) -> float:
    value = float(cell or "nan")
    if not math.isfinite(value):
        raise ValueError(f"must be a number; received {cell!r}")
    return value
