"""Fixtures of the commands: a copy of the shared sweep."""

from __future__ import annotations

from pathlib import Path

import pytest
from reports import Reported, copied


@pytest.fixture
def folder(reported: Reported, tmp_path: Path) -> Path:
    """Copy of the shared sweep with its report."""
    return copied(reported.folder, tmp_path / "copy")


@pytest.fixture
def bare(reported: Reported, tmp_path: Path) -> Path:
    """Copy of the shared sweep without its report."""
    return copied(reported.folder, tmp_path / "bare", report=False)
