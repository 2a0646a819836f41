"""A user's module with models, for all tests of this folder."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from user_models import USER_MODULE


@pytest.fixture(scope="session")
def module(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Name of a user's module with models, in a folder on Python's search path."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "tuned_by_user.py").write_text(USER_MODULE, encoding="utf-8")
    sys.path.append(str(folder))
    yield "tuned_by_user"
    sys.path.remove(str(folder))
