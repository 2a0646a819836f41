"""The presets in `conf/data` compose, are explained key by key and agree with the code."""

from __future__ import annotations

from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from mnistsweep import data
from mnistsweep.data.settings import OWN_KEYS, Settings, read
from mnistsweep.errors import ConfigError

CONF = Path(__file__).parents[2] / "conf"
PRESETS = sorted(file.stem for file in (CONF / "data").glob("*.yaml") if file.stem != "base")


def composed(*overrides: str) -> dict[str, Any]:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = OmegaConf.to_container(compose(overrides=list(overrides)), resolve=True)
    group: dict[str, Any] = config["data"]  # type: ignore[index, call-overload, assignment]
    return group


def test_the_presets_are_these() -> None:
    assert PRESETS == ["custom", "fashion_mnist", "idx", "mnist", "npz"]


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_has_every_key(preset: str) -> None:
    assert set(composed(f"+data={preset}")) - {"path"} == OWN_KEYS


@pytest.mark.parametrize("preset", ["mnist", "fashion_mnist"])
def test_a_preset_that_needs_nothing_is_sound(preset: str) -> None:
    data.check(composed(f"+data={preset}"))


@pytest.mark.parametrize(("preset", "key"), [("idx", "path"), ("npz", "path"), ("custom", "_target_")])
def test_a_preset_that_needs_a_key_names_it(preset: str, key: str) -> None:
    with pytest.raises(ConfigError, match=rf"^data\.{key}:? must "):
        data.check(composed(f"+data={preset}"))


def test_defaults_in_the_code_are_those_of_the_file() -> None:
    written = asdict(read(composed("+data=mnist", "data.scaling=auto")))
    assert written == asdict(Settings("mnistsweep.data.sources.load_mnist", {}))


def test_a_function_of_keras_is_one_override() -> None:
    config = composed("+data=custom", "data._target_=keras.datasets.cifar10.load_data")
    assert read(config).loader == "keras.datasets.cifar10.load_data"


def test_a_composed_configuration_need_not_be_converted() -> None:
    config = OmegaConf.create(composed("+data=mnist", "data.augmentation.rotation=10"))
    assert read(config).augmentation.rotation == 10.0


@pytest.mark.parametrize("file", sorted((CONF / "data").glob("*.yaml")), ids=lambda file: file.stem)
def test_every_key_is_explained(file: Path) -> None:
    lines = file.read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("# ")
    for above, line in pairwise(lines):
        if ":" in line and not line.lstrip().startswith(("#", "-", "defaults:")):
            assert above.lstrip().startswith("#"), f"{file.name}: a comment is missing above {line!r}"
