"""Hydra's override grammar, read as a search space.

What Hydra calls a sweep override becomes a dimension:

=====================================  ========================================================
``key=a,b`` or ``key=choice(a,b)``      `Choice`; numbers keep their order; the key may be a group
``key=range(1,10,2)``                   `Choice` of 1, 3, 5, 7, 9: the end is left out, as in Python
``key=interval(0,0.6)``                 `Float`, both ends included
``key=int(interval(1,5))``              `Int`, both ends included
``key=tag(log,interval(1e-4,1e-1))``    `Float`, logarithmic; ``int(tag(log,...))`` an `Int`
=====================================  ========================================================
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import (
    ChoiceSweep,
    Glob,
    IntervalSweep,
    Override,
    Quote,
    QuotedString,
    RangeSweep,
)
from hydra.errors import HydraException

from mnistsweep.dimensions import Choice, Dimension, Float, Int
from mnistsweep.errors import ConfigError, SpaceError, suggest

KNOWN_TAGS = {"log"}

# A range of more values is no list that anybody means to try.
MAX_VALUES = 10_000


@dataclass(frozen=True)
class Request:
    """What the overrides ask for: what is fixed, what is swept.

    Attributes:
        fixed: Overrides that hold for every trial, as Hydra takes them.
        dimensions: The swept keys, in the order given.
        added: Swept keys that the configuration need not have yet (written with a leading ``+``).
    """

    fixed: tuple[str, ...]
    dimensions: tuple[Dimension, ...]
    added: frozenset[str]


def parse(
    overrides: Sequence[str],
    params: Mapping[str, Any] | None = None,
    options: Callable[[str], Iterable[str]] = lambda group: (),
) -> Request:
    """Split overrides into fixed ones and dimensions.

    Args:
        overrides: The command line's; the last one of a key wins.
        params: ``hydra.sweeper.params``: the same strings; the command line wins over them.
        options: The names in a config group, for ``glob(...)``.

    Raises:
        ConfigError: An override that Hydra cannot read.
        SpaceError: An empty or contradictory range.

    Example:
        >>> parse(["trainer.epochs=3", "model.dropout=interval(0,0.6)"]).dimensions
        (Float(key='model.dropout', low=0.0, high=0.6, log=False, conditions=()),)
    """
    written = [_from_param(key, value) for key, value in (params or {}).items()] + list(overrides)
    last = {_key(override): override for override in map(_parse_one, written)}
    fixed, dimensions, added = [], [], set()
    for key, override in last.items():
        if not override.is_sweep_override():
            fixed.append(override.input_line or "")
        elif override.is_delete():
            raise ConfigError(f"{override.input_line!r}: a key that is deleted cannot be swept.")
        else:
            dimensions.append(_dimension(key, override, options))
            if override.is_add() or override.is_force_add():
                added.add(key)
    return Request(tuple(fixed), tuple(dimensions), frozenset(added))


def value_of(text: str) -> Any:
    """The value that a fixed override sets.

    Example:
        >>> value_of("optimizer.momentum=0.9")
        0.9
    """
    return _parse_one(text).value()


def _from_param(key: str, value: Any) -> str:
    """An entry of ``hydra.sweeper.params`` as an override: a text is one already, a list is a choice of its items."""
    if isinstance(value, list | tuple):
        items = ",".join(map(_written, value))
        return f"{key}={items}" if len(value) > 1 else f"{key}=choice({items})"  # choice(null) is no Hydra
    return f"{key}={value if isinstance(value, str) else _written(value)}"


def _written(value: Any) -> str:
    """A plain value in Hydra's grammar."""
    if isinstance(value, list | tuple):
        return f"[{','.join(map(_written, value))}]"
    if isinstance(value, Mapping):
        return f"{{{','.join(f'{key}:{_written(item)}' for key, item in value.items())}}}"
    if isinstance(value, str):
        return QuotedString(value, Quote.single).with_quotes()
    return "null" if value is None else str(value)


def _parse_one(text: str) -> Override:
    try:
        return OverridesParser.create().parse_override(text)
    except HydraException as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(
            f"{text!r} is no override: {reason}. An override is key=value, and a range is written "
            "key=a,b  key=range(1,6)  key=interval(0,0.6)  key=int(interval(1,5))  key=tag(log,interval(1e-4,1e-1))."
        ) from None


def _key(override: Override) -> str:
    return str(override.get_key_element()).lstrip("+~")


def _dimension(key: str, override: Override, options: Callable[[str], Iterable[str]]) -> Dimension:
    sweep: Any = override.value()
    if isinstance(sweep, Glob):
        known = list(options(key))
        if not sweep.filter(known):
            received = override.get_value_string()
            raise SpaceError(f"{key}: nothing matches {received}. Known: {', '.join(known) or 'none'}.")
        return Choice(key, tuple(sweep.filter(known)))
    unknown = set(getattr(sweep, "tags", ())) - KNOWN_TAGS
    if unknown:
        received = sorted(unknown)[0]
        raise SpaceError(
            f"{key}: the only tag of a range is log, received {received!r}; {suggest(received, KNOWN_TAGS)}."
        )
    if isinstance(sweep, IntervalSweep):
        return _interval(key, sweep, override.input_line or "")
    if "log" in sweep.tags:
        raise SpaceError(f"{key}: log goes with interval, received {override.get_value_string()}.")
    if getattr(sweep, "shuffle", False):
        received = override.get_value_string()
        raise SpaceError(f"{key}: which value comes first is the oracle's to say, received {received}; drop shuffle.")
    if isinstance(sweep, RangeSweep):
        return Choice(key, _range(key, sweep, override.get_value_string()))
    if isinstance(sweep, ChoiceSweep):
        return Choice(key, tuple(_plain(value) for value in sweep.list))
    raise SpaceError(f"{key}: no range that can be searched, received {override.get_value_string()}.")


def _range(key: str, sweep: RangeSweep, received: str) -> tuple[int | float, ...]:
    """The values of a range, without its end; computed as people do, so that 0.3 three times is 0.9."""
    numbers = [number for number in (sweep.start, sweep.stop, sweep.step) if number is not None]
    if not all(map(math.isfinite, numbers)) or sweep.step == 0:
        raise SpaceError(f"{key}: a range has finite bounds and a step that is not 0, received {received}.")
    start, stop, step = (Decimal(repr(number)) for number in numbers)
    count = max(0, math.ceil((stop - start) / step))
    if count == 0:
        raise SpaceError(f"{key}: an empty range, received {received}; its end is left out.")
    if count > MAX_VALUES:
        raise SpaceError(f"{key}: {count:,} values are too many to list, received {received}; write an interval.")
    kind = int if all(isinstance(number, int) for number in numbers) else float
    return tuple(kind(start + index * step) for index in range(count))


# A bound with a fraction, in the text of an interval.
_FRACTION = re.compile(r"interval\([^)]*\d*\.\d*[1-9]")


def _interval(key: str, sweep: IntervalSweep, text: str) -> Dimension:
    if sweep.start is None or sweep.end is None:
        raise SpaceError(f"{key}: an interval has two bounds, received {sweep.start} and {sweep.end}.")
    log = "log" in sweep.tags
    if isinstance(sweep.start, int) and isinstance(sweep.end, int):
        if _FRACTION.search(text):  # Hydra cuts the fraction off: int(interval(0.2,0.6)) would be 0 to 0
            raise SpaceError(f"{key}: the bounds of whole numbers are whole, received {text.partition('=')[2]}.")
        return Int(key, sweep.start, sweep.end, log)
    return Float(key, float(sweep.start), float(sweep.end), log)


def _plain(value: Any) -> Any:
    if isinstance(value, QuotedString):
        return value.text
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {_plain(key): _plain(item) for key, item in value.items()}
    return value
