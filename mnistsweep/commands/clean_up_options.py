"""The options of `mnistsweep clean-up`."""

from __future__ import annotations

import argparse
import re

from mnistsweep.commands.clean_up import Selected
from mnistsweep.errors import ConfigError
from mnistsweep.study.removable import Kind

_SECONDS = {"m": 60, "h": 3600, "d": 24 * 3600, "w": 7 * 24 * 3600}


def selected_files(options: argparse.Namespace) -> Selected:
    """What the options select.

    Args:
        options: Options of the command line.

    Raises:
        ConfigError: A value is invalid.
    """
    if options.keep is not None and not options.models:
        raise ConfigError("--keep: requires --models; without it no model is removed.")
    if options.keep is not None and options.keep < 1:
        raise ConfigError(
            f"--keep: must be at least 1, because the best trial keeps its model; received {options.keep}."
        )
    kinds = {Kind.MODELS: options.models, Kind.EVENTS: options.events, Kind.LOGS: options.logs}
    age = 0.0 if options.older_than is None else age_seconds(options.older_than)
    return Selected(frozenset(kind for kind, is_given in kinds.items() if is_given), options.keep or 1, age)


def age_seconds(text: str) -> float:
    """Seconds of an age.

    Args:
        text: A number with a unit: ``m`` (minutes), ``h`` (hours), ``d`` (days) or ``w`` (weeks).

    Raises:
        ConfigError: The text is no age.

    Example:
        >>> age_seconds("30d"), age_seconds("1.5h")
        (2592000.0, 5400.0)
    """
    found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)([mhdw])", text, re.ASCII)
    if found is None:
        rule = "must be a number with a unit: m (minutes), h (hours), d (days) or w (weeks)"
        raise ConfigError(f"--older-than: {rule}; received {text!r}; for example 30d.")
    return float(found[1]) * _SECONDS[found[2]]
