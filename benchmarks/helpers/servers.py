"""A private database server for the benchmarks."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch


def start_postgresql(stack: contextlib.ExitStack) -> Callable[[], str] | None:
    """A private server like that of the tests, which however waits for the disk; None if none is installed."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "helpers"))
    try:
        import postgresql  # type: ignore[import-not-found]
        import pytest
    except ImportError as error:
        print(f"PostgreSQL: skipped, {error}")
        return None
    try:
        stack.enter_context(patch.dict(postgresql.SETTINGS, fsync="on"))
        new_database: Callable[[], str] = stack.enter_context(postgresql.running_server()).new_database
    except pytest.skip.Exception as reason:
        print(f"PostgreSQL: skipped, {reason}")
        return None
    return new_database
