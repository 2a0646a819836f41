"""Overrides of a command line, parsed once into typed records.

Hydra's grammar writes an override as ``key=value``, with a range in place of the value for a key that is searched, with
``+`` in front of a key that is added, and as ``~key`` for a key that is deleted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Glob, Quote, QuotedString, Sweep
from hydra.core.override_parser.types import Override as HydraOverride

from mnistsweep.config.constraints import quoted_override
from mnistsweep.config.grammar import check_no_range, interval_of, listed_values
from mnistsweep.config.secret_values import holds_secret, with_references
from mnistsweep.config.syntax import COMMAND_LINE, PARAMS, PARSER_ERRORS, Place, describe_syntax_error
from mnistsweep.dimension_values import different_values
from mnistsweep.dimensions import Choice, Column
from mnistsweep.errors import ConfigError

# The key under which files have ranges; the command line may have it too.
PARAMS_KEY = "hydra.sweeper.params"

# The config groups of a training. The keys inside a group depend on its preset.
GROUPS = ("data", "model", "optimizer", "schedule")

# Keys with texts, which keep what was typed where Hydra's grammar reads a number: `1e5`, `007`.
TEXT_KEYS = ("name", "logs")

# Prefix of the hyperparameters of a user's KerasTuner HyperModel: `model.hp.<name>`.
HYPERPARAMETERS = "model.hp."


@dataclass(frozen=True)
class Override:
    """One override of a command line.

    Attributes:
        text: The override as typed; a secret in it is replaced by a reference (`secret_values`), as in `value`. For
            the value of a hyperparameter, ``model.hp.lr=0.1``, an override that adds it: ``++model.hp={lr:0.1}``.
        key: Dotted key or name of a config group, without a leading ``+`` or ``~``.
        package: Package of a config group, ``other`` in ``optimizer@other=sgd``; None if there is none.
        value: Value that the key is set to; None for a range and for a deleted key.
        dimension: Dimension that a range describes; None for a fixed value and for a deleted key.
        is_added: Whether the override adds the key (leading ``+``).
        is_deleted: Whether the override deletes the key (leading ``~``).
        listed: Values that a range lists, in the order given; None for an interval and for a fixed value.
    """

    text: str
    key: str
    package: str | None = None
    value: Any = None
    dimension: Column | None = None
    is_added: bool = False
    is_deleted: bool = False
    listed: tuple[Any, ...] | None = field(default=None, compare=False)

    @property
    def is_range(self) -> bool:
        """Whether the override is a range, which a sweep searches."""
        return self.dimension is not None

    @property
    def is_hydra(self) -> bool:
        """Whether the key is one of Hydra's own, such as ``hydra.job.name`` or ``hydra/launcher``."""
        return self.key.replace("/", ".").partition(".")[0] == "hydra"

    @property
    def group(self) -> str | None:
        """The first part of a dotted key: ``optimizer`` for ``optimizer.momentum``; None for a key without a dot."""
        group, dot, _ = self.key.partition(".")
        return group if dot else None


def parse_override(
    text: str,
    options: Callable[[str], Iterable[str]] = lambda group: (),
    place: Place = COMMAND_LINE,
    may_repeat: bool = False,
) -> Override:
    """Parse one override.

    Args:
        text: The override as typed.
        options: Function that returns the presets of a config group, for ``glob(...)``.
        place: Where the override was written, for messages.
        may_repeat: Whether a range may list a value several times, as a key of a `Zip` may; `Override.dimension` then
            has each value once.

    Raises:
        ConfigError: Hydra's grammar does not allow the text.
        SpaceError: The range is empty or contradictory.

    Example:
        >>> parse_override("model.dropout=interval(0,0.6)").dimension
        Float(key='model.dropout', low=0.0, high=0.6, log=False, conditions=())
        >>> parse_override("+optimizer.clipnorm=1.0").value
        1.0
    """
    text = quoted_override(text)
    parsed = _parse(text, place)
    key, deleted = parsed.key_or_group, parsed.is_delete()
    if f"{key}.".startswith(f"{PARAMS_KEY}.") and not deleted:
        _check_params_key(key, parsed)
        text = f"++{text.lstrip('+')}"  # the entries are keys of the user's, which Hydra does not know
        parsed = _parse(text, place)
    is_added = parsed.is_add() or parsed.is_force_add()
    if not parsed.is_sweep_override():
        value = parsed.value()
        check_no_range(key, value, text.partition("=")[2])
        if key in TEXT_KEYS and isinstance(value, int | float):  # name=1e5 is no number
            value = text.partition("=")[2].strip()
            text = f"{text.partition('=')[0]}={quoted(value)}"
        safe = with_references(key, value)
        if safe != value:
            text = text.partition("=")[0] + ("" if deleted else f"={written(safe)}")
        if key.startswith(HYPERPARAMETERS) and not deleted:
            text, is_added = f"++{HYPERPARAMETERS[:-1]}={{{_dictionary_key(key)}:{text.partition('=')[2]}}}", True
        return Override(text, key, parsed.package, None if deleted else safe, None, is_added, deleted)
    if deleted:
        raise ConfigError(f"{text!r}: a key that is deleted cannot be swept.")
    swept = key if parsed.package is None else f"{key}@{parsed.package}"  # refused later: it is not a known key
    listed = listed_values(swept, parsed, options)
    if listed is None:
        return Override(text, swept, None, None, interval_of(swept, parsed), is_added)
    dimension = Choice(swept, different_values(listed) if may_repeat else listed)
    _refuse_secrets(dimension)
    return Override(text, swept, None, None, dimension, is_added, listed=listed)


def _check_params_key(key: str, parsed: HydraOverride) -> None:
    """Check an override of ``hydra.sweeper.params``: its value is a mapping of keys to ranges.

    Raises:
        ConfigError: The value is no mapping, or the override sets one entry that is a range or has a dotted key, which
            Hydra would read as nested mappings.
    """
    inner = key.removeprefix(PARAMS_KEY).lstrip(".")
    value = parsed.get_value_string()
    if "." in inner or (inner and parsed.is_sweep_override()):
        raise ConfigError(
            f"{key}: a range on the command line is KEY=RANGE; received {key}={value}; write {inner}={value}."
        )
    entries = None if inner or parsed.is_sweep_override() else parsed.value()
    if isinstance(entries, dict) and any(isinstance(entry, Sweep | Glob) for entry in entries.values()):
        raise ConfigError(f"{key}: a range in it is quoted; received {value}; write KEY=RANGE for each key.")
    if not inner and not isinstance(entries, dict):
        raise ConfigError(f"{key}: must be {{KEY: RANGE, ...}}; received {value}; write KEY=RANGE for each key.")


def _dictionary_key(key: str) -> str:
    """Name of a hyperparameter as a key of a dictionary in Hydra's grammar, whatever characters it contains."""
    return re.sub(r"([\\()\[\]{}:=,\s])", r"\\\1", key.removeprefix(HYPERPARAMETERS))


def _refuse_secrets(dimension: Choice) -> None:
    """Refuse a choice of secrets: its values would be written to the ledger, to ``results.csv`` and to TensorBoard.

    Raises:
        ConfigError: A value of the dimension is a secret.
    """
    if any(holds_secret(dimension.key, value) for value in dimension.values):
        raise ConfigError(
            f"{dimension.key}: a secret cannot be swept, because each trial records its values; write "
            "'${oc.env:NAME}' with environment variables that hold the secrets."
        )


def parse_overrides(
    texts: Iterable[str], options: Callable[[str], Iterable[str]] = lambda group: (), may_repeat: bool = False
) -> tuple[list[Override], list[str]]:
    """Parse the overrides of a command line.

    Args:
        texts: The overrides as typed.
        options: Function that returns the presets of a config group, for ``glob(...)``.
        may_repeat: Whether ranges may list a value several times, see `parse_override`.

    Returns:
        The overrides that can be parsed, and one message for each other text.
    """
    overrides, faults = list[Override](), list[str]()
    for text in texts:
        try:
            overrides.append(parse_override(text, options, may_repeat=may_repeat))
        except ConfigError as error:
            faults += str(error).splitlines()
    return overrides, faults


def parse_fixed(texts: Iterable[str]) -> tuple[Override, ...]:
    """Parse overrides that Hydra has accepted before, such as those of a `Recipe`."""
    return tuple(map(parse_override, texts))


def parse_params(
    params: Mapping[str, Any] | None, options: Callable[[str], Iterable[str]], may_repeat: bool = False
) -> list[Override]:
    """Parse ``hydra.sweeper.params``, the ranges that a file of the group ``space`` or a named sweep brings.

    Args:
        params: Keys with ranges in Hydra's grammar; a list is a choice of its items, another value is fixed.
        options: Function that returns the presets of a config group, for ``glob(...)``.
        may_repeat: Whether ranges may list a value several times, see `parse_override`.

    Raises:
        ConfigError: Hydra's grammar does not allow an entry.
        SpaceError: A range is empty or contradictory.

    Example:
        >>> parse_params({"trainer.epochs": [1, 5]}, options=lambda group: ())[0].text
        'trainer.epochs=1,5'
    """
    return [
        parse_override(f"{key}={param_text(value)}", options, PARAMS, may_repeat)
        for key, value in (params or {}).items()
    ]


def param_text(value: Any) -> str:
    """A value of an entry of ``hydra.sweeper.params`` in Hydra's grammar; a text is in this grammar already."""
    if isinstance(value, list | tuple):
        items = ",".join(map(written, value))
        return items if len(value) > 1 else f"choice({items})"  # the grammar forbids choice(null)
    return value if isinstance(value, str) else written(value)


def last_of_each_key(overrides: Iterable[Override]) -> list[Override]:
    """Drop each override whose key is set again later; the others keep the position of the key's first override."""
    return list({(override.key, override.package): override for override in overrides}.values())


def texts_of(overrides: Iterable[Override]) -> tuple[str, ...]:
    """The overrides as typed."""
    return tuple(override.text for override in overrides)


def quoted(text: str) -> str:
    """A text as a value in Hydra's grammar, whatever characters it contains."""
    return QuotedString(text, Quote.single).with_quotes()


@cache
def _parse(text: str, place: Place) -> HydraOverride:
    """The override as Hydra's parser returns it, parsed once for each text of a process (0.3 ms)."""
    try:
        return OverridesParser.create().parse_override(text)
    except PARSER_ERRORS as error:
        raise ConfigError(describe_syntax_error(text, error, place)) from None


def written(value: Any) -> str:
    """A plain value in Hydra's grammar.

    Args:
        value: Number, text, boolean, None, or lists and mappings of these.

    Example:
        >>> written({"rates": [0.1, None], "name": "a, b"})
        "{rates:[0.1,null],name:'a, b'}"
    """
    if isinstance(value, list | tuple):
        return f"[{','.join(map(written, value))}]"
    if isinstance(value, Mapping):
        return f"{{{','.join(f'{key}:{written(item)}' for key, item in value.items())}}}"
    if isinstance(value, str):
        return quoted(value)
    return "null" if value is None else str(value)
