"""Ranges of Hydra's override grammar as dimensions of a search space.

=====================================  ========================================================
``key=a,b`` or ``key=choice(a,b)``      `Choice`; numbers keep their order; the key may be a config group
``key=range(1,10,2)``                   `Choice` of 1, 3, 5, 7, 9: the end is left out, as in Python
``key=interval(0,0.6)``                 `Float`, both ends included
``key=int(interval(1,5))``              `Int`, both ends included
``key=tag(log,interval(1e-4,1e-1))``    `Float`, logarithmic; ``int(tag(log,...))`` is an `Int`
=====================================  ========================================================
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from hydra.core.override_parser.types import ChoiceSweep, Glob, IntervalSweep, Override, QuotedString, RangeSweep, Sweep

from mnistsweep.dimensions import Column, Float, Int
from mnistsweep.errors import SpaceError, suggest
from mnistsweep.intervals import MAX_WHOLE, check_whole

KNOWN_TAGS = {"log"}

# A range of more values is a mistake: nobody means to try each of them.
MAX_VALUES = 10_000


def listed_values(key: str, override: Override, options: Callable[[str], Iterable[str]]) -> tuple[Any, ...] | None:
    """The values that a range lists, in the order given; None for an interval.

    Args:
        key: Dotted key or name of a config group.
        override: The range, as Hydra parsed it.
        options: Function that returns the presets of a config group, for ``glob(...)``.

    Raises:
        SpaceError: The range is empty or contradictory.
    """
    sweep: Any = override.value()
    if isinstance(sweep, Glob):
        return _matching(key, sweep, list(options(key)), override.get_value_string())
    _check_tags(key, sweep, override.get_value_string())
    if isinstance(sweep, IntervalSweep):
        return None
    if isinstance(sweep, RangeSweep):
        return _range(key, sweep, override.get_value_string())
    if isinstance(sweep, ChoiceSweep):
        check_no_range(key, sweep.list, override.get_value_string())
        return tuple(_plain(value) for value in sweep.list)
    raise SpaceError(f"{key}: not a range that can be searched; received {override.get_value_string()}.")


def interval_of(key: str, override: Override) -> Column:
    """The dimension that an interval describes, a range without listed values.

    Args:
        key: Dotted key.
        override: The range, as Hydra parsed it.

    Raises:
        SpaceError: The bounds are contradictory.
    """
    return _interval(key, override.value(), override.get_value_string())


def check_no_range(key: str, value: Any, received: str) -> None:
    """Refuse a range or a pattern inside of a value: only a whole value can be a range.

    Args:
        key: Dotted key or name of a config group.
        value: Value of a fixed override, or the values of a choice, as Hydra parsed them.
        received: The whole value as typed.

    Raises:
        SpaceError: The value is a range or a pattern, or contains one.
    """
    if isinstance(value, Sweep | Glob):
        raise SpaceError(f"{key}: a range cannot be part of another value; received {received}.")
    if isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            check_no_range(key, item, received)


def _matching(key: str, glob: Glob, known: list[str], received: str) -> tuple[str, ...]:
    """The presets that match a pattern."""
    matching = tuple(glob.filter(known))
    if not matching:
        raise SpaceError(f"{key}: nothing matches {received}. Known: {', '.join(known) or 'none'}.")
    return matching


def _check_tags(key: str, sweep: Any, received: str) -> None:
    """Refuse what a range of Hydra can contain but a search cannot use.

    Raises:
        SpaceError: An unknown tag, a logarithm of listed values, or a shuffle.
    """
    unknown = sorted(set(getattr(sweep, "tags", ())) - KNOWN_TAGS)
    if unknown:
        hint = suggest(unknown[0], KNOWN_TAGS)
        raise SpaceError(f"{key}: the only tag of a range is log; received {unknown[0]!r}; {hint}.")
    if "log" in getattr(sweep, "tags", ()) and not isinstance(sweep, IntervalSweep):
        raise SpaceError(f"{key}: log requires an interval; received {received}.")
    if getattr(sweep, "shuffle", False):
        raise SpaceError(f"{key}: the oracle decides the order of values; received {received}; remove shuffle.")


def _range(key: str, sweep: RangeSweep, received: str) -> tuple[int | float, ...]:
    """The values of a range, without its end, in decimal arithmetic: 0.3 three times is 0.9."""
    numbers = [number for number in (sweep.start, sweep.stop, sweep.step) if number is not None]
    if not all(map(math.isfinite, numbers)) or sweep.step == 0:
        raise SpaceError(f"{key}: the bounds of a range are finite and its step is not 0; received {received}.")
    start, stop, step = (Decimal(repr(number)) for number in numbers)
    count = max(0, math.ceil((stop - start) / step))
    if count == 0:
        raise SpaceError(f"{key}: the range is empty; received {received}; its end is left out.")
    if count > MAX_VALUES:
        raise SpaceError(
            f"{key}: {count:,} values are too many to list; received {received}; write an interval instead."
        )
    kind = int if all(isinstance(number, int) for number in numbers) else float
    return tuple(kind(start + index * step) for index in range(count))


# An interval in the text of a range, with its arguments, which may have names: `interval(start=1,end=2)`.
_INTERVAL = re.compile(r"interval\s*\(([^()]*)\)")


def _interval(key: str, sweep: Any, received: str) -> Column:
    if sweep.start is None or sweep.end is None:
        raise SpaceError(f"{key}: an interval needs two bounds; received {sweep.start} and {sweep.end}.")
    log = "log" in sweep.tags
    if isinstance(sweep.start, int) and isinstance(sweep.end, int):
        _check_whole_bounds(key, (sweep.start, sweep.end), received)
        return Int(key, sweep.start, sweep.end, log)
    return Float(key, float(sweep.start), float(sweep.end), log)


def _check_whole_bounds(key: str, bounds: tuple[int, int], received: str) -> None:
    """Check the bounds of whole numbers as the user wrote them.

    Hydra truncates fractions, so ``int(interval(0.2,0.6))`` would be 0 to 0, and rounds large numbers.

    Raises:
        SpaceError: A bound is not whole, or too large.
    """
    written = _INTERVAL.search(received)
    arguments = written[1].split(",") if written else map(str, bounds)
    typed = sorted(Decimal(argument.rpartition("=")[2].strip().replace("_", "")) for argument in arguments)
    if any(bound != bound.to_integral_value() for bound in typed):
        raise SpaceError(f"{key}: the bounds of whole numbers must be whole; received {received}.")
    low, high = (min(max(bound, Decimal(-MAX_WHOLE)), Decimal(MAX_WHOLE)) for bound in typed)
    fix = f"write {received.replace(written[0], f'interval({low},{high})')}" if written else None
    for bound in typed:
        check_whole(key, int(bound), received, fix)


def _plain(value: Any) -> Any:
    if isinstance(value, QuotedString):
        return value.text
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {_plain(key): _plain(item) for key, item in value.items()}
    return value
