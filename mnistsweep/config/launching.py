"""From a command line to Hydra."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import hydra

from mnistsweep.config import grammar
from mnistsweep.config.compose import HYDRA_OPTIONS, Recipe, searchpath
from mnistsweep.config.held import hold, key_of
from mnistsweep.config.resources import PRIMARY, folders_for
from mnistsweep.config.schema import register
from mnistsweep.errors import ConfigError


def recipe_of(config_dir: str | None, config_name: str | None, overrides: Sequence[str]) -> Recipe:
    """The recipe of a command line.

    Args:
        config_dir: A folder of the user's with configurations.
        config_name: The primary configuration; None: the package's.
        overrides: All of them, Hydra's own and ranges among them.

    Raises:
        ConfigError: There is no such folder or primary configuration.
    """
    typed = [text for text in overrides if key_of(text) == "hydra.searchpath"]
    more = [str(url) for text in typed for url in grammar.value_of(text) or ()]
    name = None if config_name is None else config_name.removesuffix(".yaml")
    folders = folders_for(config_dir, name, more)
    return Recipe(tuple(text for text in overrides if text not in typed), name or PRIMARY, folders)


def launch(recipe: Recipe, flags: Sequence[str], sweeping: bool, job: Callable[[Any], Any]) -> None:
    """Let Hydra compose and run.

    Args:
        recipe: Of the command line.
        flags: Hydra's options; with any of them nothing runs, but something is shown.
        sweeping: Whether the sweeper runs, or the job once.
        job: What to run.

    Raises:
        Exception: One of `explaining.HYDRA_ERRORS`, or what the job raises.
    """
    register()
    overrides = list(recipe.overrides)
    if flags:
        overrides = [text for text in overrides if not is_range(text)]  # Hydra shows what is fixed
    elif sweeping:
        overrides = ["--multirun", *hold(overrides)]
    main = hydra.main(recipe.folders[0].removeprefix("file://"), recipe.config_name, **HYDRA_OPTIONS)(job)
    with _arguments([*flags, *overrides, searchpath(recipe.folders[1:])]):
        main()


def is_range(override: str) -> bool:
    """Whether an override is a range; one that cannot be read is none."""
    try:
        return bool(grammar.parse([override]).dimensions)
    except ConfigError:
        return False


@contextmanager
def _arguments(arguments: Sequence[str]) -> Iterator[None]:
    """Hydra reads the process's arguments; with its full errors on, it raises them instead of printing and exiting."""
    before, full = sys.argv, os.environ.get("HYDRA_FULL_ERROR")
    sys.argv = ["mnistsweep", *arguments]
    os.environ["HYDRA_FULL_ERROR"] = "1"
    try:
        yield
    finally:
        sys.argv = before
        if full is None:
            os.environ.pop("HYDRA_FULL_ERROR", None)
        else:
            os.environ["HYDRA_FULL_ERROR"] = full
