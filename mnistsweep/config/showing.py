"""The configuration as text (``--cfg``), and where it comes from (``--info``); nothing runs."""

from __future__ import annotations

import contextlib
import io
import sys
from dataclasses import replace
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import Container, DictConfig, OmegaConf, flag_override
from omegaconf.errors import OmegaConfBaseException

from mnistsweep.config.compose import compose
from mnistsweep.config.overrides import parse_overrides, texts_of
from mnistsweep.config.recipe import Recipe, compose_raw, hydra_arguments, initialized_hydra
from mnistsweep.config.references import unresolved_error
from mnistsweep.config.secret_values import with_references
from mnistsweep.errors import ConfigError
from mnistsweep.redaction import mask, mask_values


def configuration_text(recipe: Recipe, part: str, package: str | None = None, resolve: bool = False) -> str:
    """The configuration as YAML, as Hydra composes it.

    Args:
        recipe: Recipe of a command line; its ranges are left out.
        part: ``job`` for the configuration, ``hydra`` for Hydra's own part, ``all`` for both.
        package: Dotted key whose value alone is shown; None for the whole.
        resolve: Whether interpolations are replaced by their values.

    Raises:
        ConfigError: The configuration cannot be composed, or there is no such key.
    """
    recipe = _without_ranges(recipe)
    config = compose_raw(recipe).copy()
    before = HydraConfig.instance().cfg
    HydraConfig.instance().set_config(config)  # for interpolations of `${hydra:...}`
    try:
        OmegaConf.set_readonly(config.hydra, None)
        _keep(config, part)
        shown = config if package in (None, "_global_") else OmegaConf.select(config, str(package))
        if shown is None:
            raise ConfigError(f"--package: there is no {package!r} in the configuration.")
        key = "" if shown is config else str(package)
        if not isinstance(shown, Container):
            return mask(f"{mask_values(shown, key)}\n")
        header = "" if shown is config else f"# @package {package}\n"
        return mask(header + OmegaConf.to_yaml(_without_secrets(shown, key, resolve)))
    except OmegaConfBaseException as error:
        raise unresolved_error(error) from error
    finally:
        HydraConfig.instance().cfg = before


def _without_secrets(shown: Container, key: str, resolve: bool) -> Container:
    """A part of the configuration with ``***``, or with references, in place of secrets."""
    if resolve:
        OmegaConf.resolve(shown)
    plain: Any = OmegaConf.to_container(shown)
    safe = mask_values(plain, key) if resolve else with_references(key, plain)
    return shown if safe == plain else OmegaConf.create(safe)


def _without_ranges(recipe: Recipe) -> Recipe:
    """A recipe without its ranges.

    Raises:
        ConfigError: The recipe cannot be composed.
    """
    parsed, faults = parse_overrides(recipe.overrides, recipe.options, may_repeat=True)
    if faults:
        compose(recipe)  # raises, with these faults and all others
    fixed = replace(recipe, overrides=texts_of(override for override in parsed if not override.is_range))
    compose(fixed)
    return fixed


def _keep(config: DictConfig, part: str) -> None:
    with flag_override(config, ["struct", "readonly"], [False, False]):
        if part == "job":
            del config["hydra"]
        elif part == "hydra":
            for key in [key for key in config if key != "hydra"]:
                del config[key]
            with flag_override(config.hydra, ["struct", "readonly"], [False, False]):
                del config.hydra["hydra_help"]
                del config.hydra["help"]


def print_info(recipe: Recipe, topic: str) -> None:
    """Print what Hydra reports about a configuration.

    Hydra's public API has no such report. `show_info` is a public method of the object that `GlobalHydra` holds, a
    class of Hydra's private package. Checked with Hydra 1.3.8.

    Args:
        recipe: Recipe of a command line; its ranges are left out.
        topic: ``all``, ``config``, ``defaults``, ``defaults-tree``, ``plugins`` or ``searchpath``.

    Raises:
        ConfigError: The configuration cannot be composed.
    """
    recipe = _without_ranges(recipe)
    with_references("", OmegaConf.to_container(compose_raw(recipe)))  # masks the secrets of files
    with initialized_hydra(recipe) as hydra, contextlib.redirect_stdout(io.StringIO()) as printed:
        assert hydra.hydra is not None
        hydra.hydra.show_info(topic, recipe.config_name, hydra_arguments(recipe))
    sys.stdout.write(mask(printed.getvalue()))
