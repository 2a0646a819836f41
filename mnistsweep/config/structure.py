"""A composed configuration held against the schema: no key too many, none too few, each value of its type."""

from __future__ import annotations

import typing
from collections.abc import Collection, Iterable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from numbers import Real
from types import NoneType, UnionType
from typing import Any

from mnistsweep.config.schema import REQUIRED_GROUPS, Config
from mnistsweep.errors import ConfigError, suggest

# The types of the schema: in words, and the values that are accepted.
_TYPES: dict[Any, tuple[str, Any]] = {
    NoneType: ("null", NoneType),
    bool: ("true or false", bool),
    int: ("a whole number", int),
    float: ("a number", Real),
    str: ("a text", str | int | float),
    list[str]: ("a list of texts, [a, b]", list),
    list[Any]: ("a list, [...]", list),
    dict[str, Any]: ("keys with values, {key: value}", dict),
}


def read(plain: Mapping[str, Any], added: Collection[str] = ()) -> tuple[Config, list[str]]:
    """Read a configuration.

    Args:
        plain: Plain dictionaries and lists.
        added: Keys that the user added on purpose (``+width=32``), for interpolations of their own.

    Returns:
        The typed configuration, with defaults in place of wrong values, so that the other checks can go on; and what
        was wrong.

    Raises:
        ConfigError: A whole group is missing, so that the other checks cannot go on.
    """
    faults: list[str] = []
    own = {key: value for key, value in plain.items() if key in _hints(Config) or key not in added}
    config: Config = _record(Config(), own, "", faults)
    missing = [group for group in REQUIRED_GROUPS if not isinstance(getattr(config, group), dict)]
    for group in missing:
        faults.append(f"{group}: a preset's name, or keys with values, received {_show(getattr(config, group))}.")
    if missing:
        raise ConfigError("\n".join(faults))
    return config, faults


def _record(default: Any, plain: Mapping[str, Any], prefix: str, faults: list[str]) -> Any:
    kind: Any = type(default)
    hints = _hints(kind)
    faults += [_unknown(key, prefix, hints) for key in plain if key not in hints]
    values = {}
    for name in (entry.name for entry in fields(default)):
        key, own = prefix + name, getattr(default, name)
        if name not in plain:
            faults.append(f"{key}: the key is missing; it cannot be left out.")
        elif is_dataclass(own) and isinstance(plain[name], Mapping):
            values[name] = _record(own, plain[name], f"{key}.", faults)
        elif fits := [option for option in _options(hints[name]) if _fits(plain[name], option)]:
            values[name] = _cast(plain[name], fits[0])
        else:
            faults.append(f"{key}: {_rule(hints[name])}, received {_show(plain[name])}.")
    return kind(**values)


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _options(hint: Any) -> tuple[Any, ...]:
    return typing.get_args(hint) if isinstance(hint, UnionType) else (hint,)


def _fits(value: Any, hint: Any) -> bool:
    if hint is Any:
        return True
    if hint is int and isinstance(value, float):
        return value.is_integer()
    if isinstance(value, bool):
        return hint is bool
    if hint == list[str] and isinstance(value, list):
        return all(isinstance(item, str) for item in value)
    return hint in _TYPES and isinstance(value, _TYPES[hint][1])


def _cast(value: Any, hint: Any) -> Any:
    return hint(value) if hint in (int, float, str) else value


def _rule(hint: Any) -> str:
    return " or ".join(_TYPES[option][0] if option in _TYPES else "keys with values" for option in _options(hint))


def _show(value: Any) -> str:
    return "null" if value is None else repr(value)


def _unknown(key: str, prefix: str, known: Iterable[str]) -> str:
    if key == "space" and not prefix:  # content that landed under the group's name
        return "space: a file of this group begins with the line '# @package hydra.sweeper.params'."
    return f"{prefix}{key}: there is no such key; {suggest(prefix + key, [prefix + name for name in known])}."
