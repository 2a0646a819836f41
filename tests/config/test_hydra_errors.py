"""Hydra's errors in this project's words."""

from __future__ import annotations

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
