"""The Pareto front of a search with several objectives: the trials of which no other is better in all of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from mnistsweep.analysis.pareto import is_nondominated
from mnistsweep.config.constraints import SECONDS
from mnistsweep.config.objectives import Objective
from mnistsweep.study.records import Result, State, TrialRecord
from mnistsweep.text import format_quantity


def quantities_with_seconds(result: Result) -> Mapping[str, float]:
    """Return the measured quantities of a trial by name, with its duration in seconds.

    Args:
        result: Result of the trial.
    """
    return {**result.quantities, SECONDS: result.seconds}


def values_of(result: Result, further: Sequence[Objective]) -> tuple[float, ...] | None:
    """Return the values of all objectives; None if one is not known, or not finite.

    Args:
        result: Result of a trial; `objective` is the value of the first objective.
        further: All objectives but the first.

    Example:
        >>> values_of(Result(0.9, quantities={"parameters": 50}), [Objective("parameters", "min")])
        (0.9, 50)
    """
    known = quantities_with_seconds(result)
    values = (result.objective, *(known.get(one.name) for one in further))
    found = tuple(value for value in values if value is not None and math.isfinite(value))
    return found if len(found) == len(values) else None


def losses_of(record: TrialRecord, objectives: Sequence[Objective]) -> tuple[float, ...] | None:
    """Return the values of all objectives with the signs that make smaller ones better; None if it is not compared.

    Only completed trials that keep all constraints are compared.

    Args:
        record: Trial in any state.
        objectives: All objectives.
    """
    if record.state is not State.COMPLETED or record.result.violated:
        return None
    values = values_of(record.result, objectives[1:])
    return None if values is None else tuple(one.sign * value for one, value in zip(objectives, values, strict=True))


def front_of(records: Iterable[TrialRecord], objectives: Sequence[Objective]) -> list[TrialRecord]:
    """Return the trials on the Pareto front, the best first objective first.

    A trial is on the front unless another one is at least as good in all objectives and better in one. Trials that are
    equal in all of them are on the front together, in the order of their numbers.

    Args:
        records: Trials in any order and state.
        objectives: All objectives.
    """
    compared = [(losses, record) for record in records if (losses := losses_of(record, objectives)) is not None]
    if not compared:
        return []
    on_front = is_nondominated([losses for losses, _ in compared])
    found = [one for one, is_on in zip(compared, on_front, strict=True) if is_on]
    return [record for _, record in sorted(found, key=lambda one: (one[0], one[1].number))]


def ranked_by(objective: Objective, records: Iterable[TrialRecord]) -> list[TrialRecord]:
    """Return the trials with the value of another objective in place of the first one, without their curves.

    Args:
        objective: An objective that is not the first.
        records: Trials in any order and state.
    """
    known = [(one, quantities_with_seconds(one.result).get(objective.name)) for one in records]
    return [replace(one, values={}, result=replace(one.result, objective=value)) for one, value in known]


def text_of(record: TrialRecord, objectives: Sequence[Objective]) -> str:
    """Return the values of all objectives of a trial: ``val_accuracy 0.9812, parameters 10122``.

    Args:
        record: Trial with a first objective; the others are left out where they are not known.
        objectives: All objectives.
    """
    known = quantities_with_seconds(record.result)
    found = [(one.name, known.get(one.name)) for one in objectives[1:]]
    others = [f"{name} {format_quantity(value)}" for name, value in found if value is not None]
    return ", ".join([f"{objectives[0].name} {record.result.score}", *others])


def notes_on(best: TrialRecord, objectives: Sequence[Objective]) -> list[str]:
    """Return sentences on the best trial of a search with several objectives, without full stops.

    Args:
        best: Trial of the Pareto front with the best first objective.
        objectives: All objectives; with a single one there is nothing to say.
    """
    if len(objectives) < 2:
        return []
    return [
        f"it is the trial with the best {objectives[0].name} on the Pareto front: {text_of(best, objectives)}",
        "`mnistsweep export SWEEP --trial N` writes the configuration of another trial",
    ]
