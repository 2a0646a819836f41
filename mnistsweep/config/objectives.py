"""The objectives of a search: one, or several that are searched for their Pareto front.

The key `objective` holds a name or a list of names, and `direction` as many directions. The first objective is a metric
of the logs: it selects the best epoch of a training. The others are metrics at that epoch, `parameters` (those of the
model, trained or not) or `seconds` (duration of the trial). With repeats or folds a metric is the mean over all
trainings.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mnistsweep.config.constraints import PARAMETERS, SECONDS, known_names
from mnistsweep.config.objective import (
    AUTO,
    DIRECTIONS,
    check_direction,
    check_objective,
    direction_of,
    resolve_direction,
)
from mnistsweep.errors import suggest

MEASURED = (PARAMETERS, SECONDS)
"""Objectives that are no metrics of the logs; smaller values are better."""


@dataclass(frozen=True)
class Objective:
    """A quantity that is optimized.

    Attributes:
        name: Name of a metric in the logs, `parameters` or `seconds`.
        direction: ``max`` or ``min``: whether larger or smaller values are better.
    """

    name: str
    direction: str

    @property
    def sign(self) -> int:
        """Factor that makes smaller values better."""
        return -1 if self.direction == "max" else 1

    @property
    def better(self) -> str:
        """Part of a sentence: ``maximized`` or ``minimized``."""
        return "maximized" if self.direction == "max" else "minimized"


def texts_in(value: Any) -> list[str]:
    """Return the texts of a key that holds a text or a list of texts.

    Example:
        >>> texts_in("val_accuracy"), texts_in(["val_accuracy", "parameters"])
        (['val_accuracy'], ['val_accuracy', 'parameters'])
    """
    return [str(one) for one in value] if isinstance(value, list | tuple) else [str(value)]


def with_first(objective: Any, name: str) -> Any:
    """Return the value of the key `objective` with another first name.

    Args:
        objective: Name, or list of names.
        name: Name of the first objective.
    """
    return [name, *texts_in(objective)[1:]] if isinstance(objective, list | tuple) else name


def objectives_of(objective: Any, direction: Any) -> tuple[Objective, ...]:
    """Return the objectives of a checked configuration, with their directions.

    Args:
        objective: Value of the key `objective`.
        direction: Value of the key `direction`.

    Example:
        >>> [one.direction for one in objectives_of(["val_accuracy", "parameters", "val_loss"], "auto")]
        ['max', 'min', 'min']
    """
    first, *others = texts_in(objective) or [AUTO]  # an empty list has been refused
    directions = _directions(direction, 1 + len(others))
    rest = [Objective(name, _resolved(name, given)) for name, given in zip(others, directions[1:], strict=True)]
    return (Objective(first, resolve_direction(first, directions[0])), *rest)


def check_objectives(objective: Any, direction: Any, metrics: Sequence[str] | None) -> list[str]:
    """Check the keys `objective` and `direction`; returns a message for each fault.

    Args:
        objective: A name, or a list of names.
        direction: A direction, or a list with one for each objective.
        metrics: Names of the metrics that the model measures beside its loss; None: they are not known yet.
    """
    names = texts_in(objective)
    if len(names) < 2:
        return _check_single(names, direction, metrics)
    faults = check_list(names, direction)
    if names[0] in MEASURED:
        rule = "the first objective must be a metric of the logs, because its best epoch is where the others are taken"
        swapped = ",".join([*names[1:], names[0]])
        faults.append(f"objective: {rule}; received {names[0]}; write for example objective=[{swapped}].")
    elif not faults:
        faults += check_objective(names[0], "max", metrics)  # its direction is checked with those of the others
    if faults or metrics is None:
        return faults
    return unmeasured(names, known_names(metrics)) or unknown_directions(names, direction)


def _check_single(names: Sequence[str], direction: Any, metrics: Sequence[str] | None) -> list[str]:
    directions = texts_in(direction)
    if not names:
        return ["objective: must name at least one; received []; write for example objective=val_accuracy."]
    if len(directions) != 1:
        return [f"direction: must be one for the only objective {names[0]}; received {_list(directions)}; name one."]
    if names[0] in MEASURED and metrics is not None:
        rule = f"{names[0]} is no metric of the logs, so it can only follow one"
        return [f"objective: {rule}; received {names[0]}; write for example objective=[val_accuracy,{names[0]}]."]
    return check_objective(names[0], directions[0], metrics)


def check_list(names: Sequence[str], direction: Any) -> list[str]:
    """Check several objectives, without what they measure; returns a message for each fault.

    Args:
        names: Names of the objectives, at least two.
        direction: Value of the key `direction`.
    """
    counts, directions = Counter(names), texts_in(direction)
    faults = [
        f"objective: each must be named once; received {name} {count} times; remove one."
        for name, count in counts.items()
        if count > 1
    ]
    if AUTO in names[1:]:
        rule = "auto stands for the metric of the model, which comes first"
        faults.append(f"objective: {rule}; received {_list(names)}; write [auto,NAME].")
    unknown = [one for one in directions if one not in DIRECTIONS]
    for one in unknown:
        faults.append(f"direction: each must be auto, max or min; received {one!r}; {suggest(one, DIRECTIONS)}.")
    if len(directions) != len(names) and directions != ["auto"] and not unknown:
        example = _list([_resolved(name, "auto") for name in names])
        rule = f"must be a list with one for each of the {len(names)} objectives"
        received = _list(directions) if isinstance(direction, list | tuple) else direction
        faults.append(f"direction: {rule}; received {received}; write for example direction={example}.")
    return faults


def unmeasured(names: Sequence[str], known: Sequence[str]) -> list[str]:
    """Check that all objectives but the first are measured; returns a message for each that is not.

    Args:
        names: Names of all objectives.
        known: Names of the metrics in the logs.
    """
    choices = [*MEASURED, *known]
    rule = "is no metric of the logs, nor parameters or seconds"
    return [f"objective: {name!r} {rule}; {suggest(name, choices)}." for name in names[1:] if name not in choices]


def unknown_directions(names: Sequence[str], direction: Any) -> list[str]:
    """Check that the better direction of each objective is known; returns a message if it is not.

    Args:
        names: Names of all objectives.
        direction: Value of the key `direction`.
    """
    given = _directions(direction, len(names))
    if len(names) < 2:
        return [] if names[0] == AUTO else check_direction(names[0], given[0])
    unclear = [
        name
        for name, one in zip(names, given, strict=True)
        if one == "auto" and name not in (AUTO, *MEASURED) and direction_of(name) is None
    ]
    if not unclear:
        return []
    rule = "no name of a metric or a loss of Keras, so the better direction is unknown"
    example = _list([_resolved(name, one) for name, one in zip(names, given, strict=True)])
    return [f"direction: {', '.join(map(repr, unclear))}: {rule}; write for example direction={example}."]


def _directions(direction: Any, count: int) -> list[str]:
    """Return a direction for each objective; `auto` stands for all of them."""
    given = texts_in(direction)
    return given if len(given) == count else ["auto"] * count


def _resolved(name: str, direction: str) -> str:
    if direction == "auto" and name in MEASURED:
        return "min"
    return resolve_direction(name, direction)


def _list(texts: Sequence[str]) -> str:
    return f"[{','.join(texts)}]"
