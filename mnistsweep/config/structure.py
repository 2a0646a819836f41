"""The structure of a composed configuration: checks its keys and their types against the schema."""

from __future__ import annotations

import math
import typing
from collections.abc import Collection, Iterable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from numbers import Real
from types import NoneType, UnionType
from typing import Any

from mnistsweep.config.added_keys import is_added
from mnistsweep.config.schema import REQUIRED_GROUPS, Config
from mnistsweep.errors import ConfigError, suggest

# For each type of the schema: its name in messages, and the Python types of accepted values.
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


def read_config(plain: Mapping[str, Any], added: Collection[str] = ()) -> tuple[Config, list[str]]:
    """Read a configuration from plain dictionaries and lists.

    Args:
        plain: Composed configuration.
        added: Keys that the user added on purpose (``+width=32``), for interpolations in other keys; these are ignored.

    Returns:
        The typed configuration, which has the default in place of each wrong value so that other checks can continue;
        and a message for each fault.

    Raises:
        ConfigError: A whole group is missing, so that the other checks cannot continue.
    """
    faults: list[str] = []
    schema_keys = {key: value for key, value in plain.items() if key in _hints(Config) or key not in added}
    config: Config = _read_record(Config(), schema_keys, "", faults)
    missing = [group for group in REQUIRED_GROUPS if not isinstance(getattr(config, group), dict)]
    for group in missing:
        rule = "must be the name of a preset, or keys with values"
        faults.append(f"{group}: {rule}; received {_format(getattr(config, group))}.")
    if missing:
        raise ConfigError("\n".join(faults))
    return config, faults


def _read_record(default: Any, plain: Mapping[str, Any], prefix: str, faults: list[str]) -> Any:
    """Read one dataclass of the schema, with the dataclasses inside it.

    Args:
        default: Instance with the default values.
        plain: Values by key.
        prefix: Path of the record with a dot at its end; empty for the whole configuration.
        faults: List to which messages are appended.
    """
    kind: Any = type(default)
    hints = _hints(kind)
    faults += [_unknown_key(key, prefix, hints) for key in plain if key not in hints]
    values = {}
    for name in (entry.name for entry in fields(default)):
        key, nested = prefix + name, getattr(default, name)
        if name not in plain and is_added(key):
            values[name] = nested
            continue
        if name not in plain:
            faults.append(f"{key}: the key is missing; it is required.")
        elif is_dataclass(nested) and isinstance(plain[name], Mapping):
            values[name] = _read_record(nested, plain[name], f"{key}.", faults)
        elif fitting := [option for option in _options(hints[name]) if _fits(plain[name], option)]:
            values[name] = _convert(plain[name], fitting[0])
        else:
            is_number = str in _options(hints[name]) and isinstance(plain[name], float)
            remedy = f"; put a text that can be read as a number in quotes, '{key}=\"TEXT\"'" if is_number else ""
            faults.append(f"{key}: must be {_rule(hints[name])}; received {_format(plain[name])}{remedy}.")
    return kind(**values)


@cache
def _hints(kind: Any) -> dict[str, Any]:
    declared = {entry.name: entry.metadata.get("hint") for entry in fields(kind)}
    return typing.get_type_hints(kind) | {name: hint for name, hint in declared.items() if hint is not None}


def _options(hint: Any) -> tuple[Any, ...]:
    """Alternatives of a type, such as `int` and `NoneType` of ``int | None``."""
    return typing.get_args(hint) if isinstance(hint, UnionType) else (hint,)


def _fits(value: Any, hint: Any) -> bool:
    if hint is Any:
        return True
    if hint is int and isinstance(value, float):
        return value.is_integer()
    if isinstance(value, bool):
        return hint is bool
    if hint is str and isinstance(value, float):
        return math.isfinite(value)  # name=12e4567 is the number inf, which is not the text that was written
    if hint == list[str] and isinstance(value, list):
        return all(isinstance(item, str) for item in value)
    return hint in _TYPES and isinstance(value, _TYPES[hint][1])


def _convert(value: Any, hint: Any) -> Any:
    return hint(value) if hint in (int, float, str) else value


def _rule(hint: Any) -> str:
    return " or ".join(_TYPES[option][0] if option in _TYPES else "keys with values" for option in _options(hint))


def _format(value: Any) -> str:
    return "null" if value is None else repr(value)


def _unknown_key(key: str, prefix: str, known: Iterable[str]) -> str:
    if key == "space" and not prefix:  # the file's content landed under the name of its group
        return "space: a file of this group must begin with the line '# @package hydra.sweeper.params'."
    return f"{prefix}{key}: there is no such key; {suggest(prefix + key, [prefix + name for name in known])}."
