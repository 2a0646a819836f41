"""Overrides that Hydra must not apply when it composes for the sweeper.

Hydra composes a sweep's configuration without the ranges: with ``optimizer=adam,sgd optimizer.momentum=0.9`` it would
look for a momentum in the default preset, adam, and find none. A fixed value inside a config group is therefore handed
to Hydra as a range of one text with a tag, which it passes on to the sweeper as it is; planning takes it apart again.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote, unquote

from mnistsweep.config import grammar
from mnistsweep.errors import ConfigError

# The config groups of a training; what stands inside one of them depends on its preset.
GROUPS = ("data", "model", "optimizer", "schedule")

_HEAD, _TAIL = "tag(fixed,choice('", "'))"


def key_of(override: str) -> str:
    """The key of an override.

    Example:
        >>> key_of("+optimizer.clipnorm=1.0"), key_of("~data"), key_of("optimizer@other=sgd")
        ('optimizer.clipnorm', 'data', 'optimizer')
    """
    return override.lstrip("+~").split("=", 1)[0].split("@", 1)[0]


def is_inside(override: str, groups: Sequence[str] = GROUPS) -> bool:
    """Whether an override sets a key inside of a config group, such as ``optimizer.momentum=0.9``."""
    group, dot, _ = key_of(override).partition(".")
    return bool(dot) and group in groups


def hold(overrides: Sequence[str]) -> list[str]:
    """Hold back the fixed values inside of config groups.

    Example:
        >>> hold(["optimizer=adam,sgd", "optimizer.momentum=0.9", "model.dropout=0.1,0.2"])
        ['optimizer=adam,sgd', "optimizer.momentum=tag(fixed,choice('0.9'))", 'model.dropout=0.1,0.2']
    """
    return [_held(text) if is_inside(text) and _is_fixed(text) else text for text in overrides]


def release(overrides: Sequence[str]) -> list[str]:
    """Undo `hold`.

    Example:
        >>> release(["optimizer.momentum=tag(fixed,choice('0.9'))"])
        ['optimizer.momentum=0.9']
    """
    return [_released(text) for text in overrides]


def _held(text: str) -> str:
    key, _, value = text.partition("=")
    return f"{key}={_HEAD}{quote(value, safe='')}{_TAIL}"  # percent-encoded: nothing is left that Hydra would read


def _released(text: str) -> str:
    key, _, value = text.partition("=")
    held = value.startswith(_HEAD) and value.endswith(_TAIL)
    return f"{key}={unquote(value[len(_HEAD) : -len(_TAIL)])}" if held else text


def _is_fixed(text: str) -> bool:
    _, _, value = text.partition("=")
    if text[0] in "+~" or not value.strip():
        return False
    try:
        return not grammar.parse([text]).dimensions
    except ConfigError:
        return False
