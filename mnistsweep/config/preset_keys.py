"""Keys of a preset that must not reach a function or an optimizer that the preset was not written for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from omegaconf import DictConfig, OmegaConf, open_dict

from mnistsweep import targets
from mnistsweep.config.overrides import GROUPS, Override, parse_fixed, texts_of
from mnistsweep.config.recipe import Recipe, compose_raw
from mnistsweep.config.resources import PRIMARY, conf_folder


def without_stray_keys(recipe: Recipe) -> DictConfig:
    """Compose a recipe and drop the keys that belong to a preset that the user replaced.

    ``model._target_=my_model.build`` on top of the default preset would pass that preset's keys to a function that does
    not have these parameters; keys that the user typed stay. ``optimizer=sgd`` on top of a ``best.yaml`` that was found
    with adam would leave adam's name and keys in place of sgd's.

    Returns:
        The configuration with Hydra's own part under ``hydra``; it must not be changed.

    Raises:
        Exception: One of `recipe.HYDRA_ERRORS`.
    """
    composed = compose_raw(recipe)
    overrides = parse_fixed(recipe.overrides)
    typed = [override.key for override in overrides]
    chosen = [group for group in GROUPS if group in typed and not _is_packaged(recipe)]
    replaced = [group for group in GROUPS if f"{group}._target_" in typed]
    if not chosen and not replaced:
        return composed
    composed = composed.copy()
    with open_dict(composed):
        for group in chosen:
            preset = _packaged(recipe, overrides, group)
            if _subject(preset) != _subject(composed[group]):
                composed[group] = preset
        for group in replaced:
            outer = texts_of(override for override in overrides if override.group not in GROUPS)
            preset = OmegaConf.select(without_stray_keys(replace(recipe, overrides=outer)), group) or {}
            own = [override.key.removeprefix(f"{group}.") for override in overrides if override.group == group]
            raw: Any = OmegaConf.to_container(composed[group])  # interpolations stay: their values may be secrets
            composed[group] = targets.without_preset_keys(raw, preset, own)
    return composed


def _is_packaged(recipe: Recipe) -> bool:
    return recipe.config_name == PRIMARY and recipe.folders[0] == f"file://{conf_folder()}"


def _packaged(recipe: Recipe, overrides: Sequence[Override], group: str) -> Any:
    """A group without the user's primary configuration: the preset, and the keys of the group that the user typed."""
    own = texts_of(override for override in overrides if group in (override.key, override.group))
    first = f"file://{conf_folder()}"
    folders = (first, *(url for url in recipe.folders if url != first))
    return without_stray_keys(replace(recipe, overrides=own, config_name=PRIMARY, folders=folders))[group]


def _subject(group: Any) -> Any:
    """What a group configures: the optimizer's name, the function that builds the model."""
    return (group.get("name"), group.get("_target_")) if isinstance(group, DictConfig) else None
