"""The examples in the documentation of the public names run."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

MODULES = (
    *("api.space", "api.keywords", "api.sweep", "api.result", "api.program", "handed_over", "config.overrides"),
    *("workers.trial", "workers.function_result", "running_trial", "study.results_table", "dimensions", "errors"),
)


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    failed, _ = doctest.testmod(importlib.import_module(f"mnistsweep.{name}"), optionflags=doctest.ELLIPSIS)
    assert failed == 0
