"""Modules of a user, which the configuration names by dotted paths."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest


def write_module(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> str:
    """Write an importable module to a folder of the test; its name differs in each test, because imports are cached."""
    name = f"module_{zlib.crc32(text.encode()):08x}_{folder.name.replace('-', '_')}"
    (folder / f"{name}.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(folder)
    return name
