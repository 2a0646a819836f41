"""Hydra's errors in this project's words."""

from __future__ import annotations

import re

import pytest
from hydra.core.config_store import ConfigStore

from mnistsweep.config.compose import compose
from mnistsweep.config.recipe import Recipe
from mnistsweep.errors import ConfigError


def test_a_launcher_of_an_extra_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    compose(Recipe())  # loads Hydra's plugins
    monkeypatch.delitem(ConfigStore.instance().repo["hydra"]["launcher"], "joblib.yaml", raising=False)
    with pytest.raises(ConfigError, match=r"^hydra/launcher=joblib: needs .*; pip install 'mnistsweep\[joblib\]'\.$"):
        compose(Recipe(overrides=("hydra/launcher=joblib",)))


@pytest.mark.parametrize(
    "override", ["data='${'", "model='a${b'", "data.path='${'", "+x='${'", "+x=[1,'${']", "+x={a: '${'}"]
)
def test_an_interpolation_that_is_not_closed(override: str) -> None:
    key = override.lstrip("+").partition("=")[0]
    rule = re.escape(f"{key}: '${{' begins the value of another key, ${{key}}; received ")
    with pytest.raises(ConfigError, match=rf"^{rule}.*; for the characters themselves write '\\\$\{{'\.$"):
        compose(Recipe((override,)))


def test_the_characters_of_an_interpolation_are_kept() -> None:
    assert compose(Recipe(("+x='\\${a'",))).x == "${a"
