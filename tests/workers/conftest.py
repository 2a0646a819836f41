"""Fixtures of the tests of workers."""

from __future__ import annotations

from pathlib import Path

import pytest
from running_sweeps import Folder


@pytest.fixture
def sweeps(tmp_path: Path, tiny_data: list[str]) -> Folder:
    folder = tmp_path / "with a space"
    folder.mkdir()
    return Folder(folder, tiny_data)
