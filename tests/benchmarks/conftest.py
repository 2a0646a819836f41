"""Modules of the benchmarks, importable as in their scripts."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from types import ModuleType

import pytest
from benchmark_commands import importable_benchmarks


@pytest.fixture
def benchmarks() -> Iterator[None]:
    with importable_benchmarks():
        yield


@pytest.fixture
def common(benchmarks: None) -> ModuleType:
    return import_module("helpers.common")
