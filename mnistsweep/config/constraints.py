"""Constraints of a search: bounds of quantities that a trial must keep to be the best.

A quantity is `parameters` (those of the model, trained or not), `seconds` (duration of the trial), or a metric of the
logs at the epoch of the best objective. With repeats or folds a metric is the mean over all trainings.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from mnistsweep.errors import ConfigError, suggest

KEY = "constraints"

PARAMETERS, SECONDS = "parameters", "seconds"

EXAMPLE = "'constraints=[parameters<=100000, seconds<=60]'"
"""How a user writes the key in a shell: without the quotes the shell takes ``<`` and ``>`` for redirections."""

MAX_VIOLATION = 1e12
"""Violation of a quantity that is not a finite number, or that was not measured: Optuna accepts no NaN."""

_FORM = re.compile(r"\s*([^<>=]*[^<>=\s])\s*(<=|>=)\s*([^<>=\s]+)\s*")

_ITEM = re.compile(r"[^\s,'\"\[\]][^,'\"\[\]]*")


@dataclass(frozen=True)
class Constraint:
    """An upper or a lower bound of a quantity.

    Attributes:
        name: Name of the quantity.
        is_upper: Whether the quantity must be at most the bound; otherwise it must be at least the bound.
        bound: Finite number.
    """

    name: str
    is_upper: bool
    bound: float

    def __str__(self) -> str:
        """Return the constraint as a user writes it, ``parameters<=100000``."""
        number = int(self.bound) if self.bound == int(self.bound) else self.bound
        return f"{self.name}{'<=' if self.is_upper else '>='}{number}"

    def violation(self, value: float | None) -> float:
        """Return by how much a value violates the constraint, as a share of the bound; at most 0: it does not.

        Shares make the violations of several constraints comparable, because samplers add them up.

        Args:
            value: Value of the quantity; None if it was not measured.

        Example:
            >>> Constraint("seconds", True, 60.0).violation(90.0), Constraint("val_accuracy", False, 0.5).violation(1.0)
            (0.5, -1.0)
        """
        if value is None or not math.isfinite(value):
            return MAX_VIOLATION
        excess = value - self.bound if self.is_upper else self.bound - value
        return max(-MAX_VIOLATION, min(excess / (abs(self.bound) or 1.0), MAX_VIOLATION))


def parse_constraints(entries: Sequence[Any]) -> tuple[Constraint, ...]:
    """Return the constraints of a checked configuration.

    Args:
        entries: Value of the key `constraints`.

    Example:
        >>> parse_constraints(["parameters<=100000", "val_auc >= 0.9"])[1]
        Constraint(name='val_auc', is_upper=False, bound=0.9)
    """
    return tuple(found for found in map(_parse, entries) if found is not None)


def quantities_of(constraints: Iterable[Constraint], others: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the names of the quantities of a trial, each once; without `seconds`, which every result has.

    Args:
        constraints: Constraints of the search.
        others: Quantities that are measured for another reason: those that are objectives.
    """
    return tuple(name for name in dict.fromkeys([*others, *(one.name for one in constraints)]) if name != SECONDS)


def check_constraints(entries: Sequence[Any], metrics: Sequence[str] | None) -> list[str]:
    """Check the key `constraints`; returns a message for each fault.

    Args:
        entries: Value of the key.
        metrics: Names of the metrics that the model measures beside its loss; None: they are not known yet.
    """
    faults, bounds = [], dict[tuple[str, bool], float]()
    for entry in entries:
        constraint = _parse(entry)
        if constraint is None:
            rule = "each must be NAME<=NUMBER or NAME>=NUMBER with a finite number"
            faults.append(f"{KEY}: {rule}; received {entry!r}; write for example {EXAMPLE}.")
            continue
        name, side = constraint.name, constraint.is_upper
        if side and name in (PARAMETERS, SECONDS) and constraint.bound <= 0:
            faults.append(f"{KEY}: {name} must have a bound above 0; received {constraint}; correct the bound.")
        opposite = bounds.get((name, not side))
        if (name, side) in bounds:
            sign = "<=" if side else ">="
            faults.append(f"{KEY}: {name} must have one bound with {sign}; received several; leave out all but one.")
        elif opposite is not None and (constraint.bound < opposite if side else constraint.bound > opposite):
            low, high = (opposite, constraint.bound) if side else (constraint.bound, opposite)
            faults.append(f"{KEY}: no value of {name} is at least {low:g} and at most {high:g}; correct a bound.")
        bounds[name, side] = constraint.bound
    return faults if metrics is None else [*faults, *unmeasured(entries, known_names(metrics))]


def known_names(metrics: Iterable[str]) -> list[str]:
    """Return the names of metrics in the logs: those of the validation split, then those of the training split.

    Args:
        metrics: Names of the metrics that the model measures; `loss` is added.
    """
    names = dict.fromkeys(["loss", *(metric.lower() for metric in metrics)])
    return [f"{side}{name}" for side in ("val_", "") for name in names]


def unmeasured(entries: Sequence[Any], known: Sequence[str]) -> list[str]:
    """Check that all constrained quantities are measured; returns a message for each that is not.

    Args:
        entries: Value of the key `constraints`.
        known: Names of the metrics in the logs.
    """
    names = [PARAMETERS, SECONDS, *known]
    missing = [name for name in quantities_of(parse_constraints(entries)) if name not in names]
    rule = "is no metric of the logs, nor parameters or seconds"
    return [f"{KEY}: {name!r} {rule}; {suggest(name, names)}." for name in missing]


def quoted_override(text: str) -> str:
    """Return an override of the key `constraints` with quotes around its items, which Hydra's grammar requires.

    Args:
        text: Override as typed; one of another key is returned as it is.

    Raises:
        ConfigError: The end of the list is missing: a shell has taken it for the file of a redirection.

    Example:
        >>> quoted_override("constraints=[parameters<=100000, seconds<=60]")
        "constraints=['parameters<=100000', 'seconds<=60']"
    """
    key, _, value = text.partition("=")
    if key.lstrip("+") == KEY and value.startswith("[") and not value.rstrip().endswith("]"):
        rule = "must be a list, [...]; a shell takes < and > for redirections"
        raise ConfigError(f"{KEY}: {rule}; received {value}; write {EXAMPLE} with the quotes.")
    if key.lstrip("+") != KEY or "'" in value or '"' in value or not re.search("[<>]", value):
        return text
    return f"{key}={_ITEM.sub(lambda item: repr(item[0].strip()), value)}"


def _parse(entry: Any) -> Constraint | None:
    match = _FORM.fullmatch(entry) if isinstance(entry, str) else None
    if match is None:
        return None
    try:
        bound = float(match[3])
    except ValueError:
        return None
    return Constraint(match[1], match[2] == "<=", bound) if math.isfinite(bound) else None
