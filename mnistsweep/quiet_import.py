"""An import of TensorFlow that prints nothing, wherever it happens: a user's module may be the first to import it.

TensorFlow's C++ code writes to the standard error before it reads its log level.
"""

from __future__ import annotations

import contextlib
import importlib.abc
import os
import sys
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

_MODULE = "tensorflow"


def make_imports_quiet() -> None:
    """Silence the next import of TensorFlow; a repeated call does nothing."""
    if _MODULE not in sys.modules and not any(isinstance(finder, _QuietFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _QuietFinder())


@contextlib.contextmanager
def without_standard_error() -> Iterator[None]:
    """Context in which what is written to the standard error, also by C++ code, is lost."""
    saved = os.dup(2)
    try:
        with Path(os.devnull).open("w") as sink:
            os.dup2(sink.fileno(), 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)


class _QuietFinder(importlib.abc.MetaPathFinder):
    """Finds TensorFlow as Python does, with a loader that is quiet."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path, target) if name == _MODULE else None
        if spec is not None and spec.loader is not None:
            spec.loader = _QuietLoader(spec.loader)
        return spec


class _QuietLoader(importlib.abc.Loader):
    """Loads a module with another loader, and prints nothing."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        module: ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader  # what reads the module later finds nothing unusual
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        with without_standard_error():
            self._loader.exec_module(module)
