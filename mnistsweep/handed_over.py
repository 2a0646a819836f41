"""Functions and arrays of a Python program that are handed over to worker processes, under dotted paths.

A configuration names code by dotted paths, and a function in a notebook has none. `mnistsweep.sweep` offers such
objects under names of this module: ``model._target_=mnistsweep.handed_over.build_model``. It looks each name up among
the objects that the program has offered in this process, or that its parent process has passed on.

`cloudpickle` writes the objects to a temporary file without a name, which only this user can read, and which the
workers inherit as an open file. So nothing is left on disk, however the processes end, and the folder of the sweep
holds nothing that is pickled: to continue the sweep, the program makes the same call again.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from pathlib import Path
from types import ModuleType
from typing import IO, Any

from mnistsweep.error_descriptions import describe_error
from mnistsweep.errors import ConfigError, refused_write
from mnistsweep.target_source import find_spec_in, search_folders

PREFIX = f"{__name__}."
"""Beginning of the dotted paths of objects that are handed over."""

VARIABLE = "MNISTSWEEP_HANDED_OVER"
"""Environment variable with the number of the open file that a worker has inherited."""

LENGTH_BYTES = 8

_offered: ContextVar[Mapping[str, Any] | None] = ContextVar("offered", default=None)
_received: dict[str, Any] = {}


def __getattr__(name: str) -> Any:
    """The object that the program has offered under a name."""
    if name.startswith("__"):
        raise AttributeError(name)
    objects = _offered.get()
    if objects is None:
        objects = _receive()
    if name in objects:
        return objects[name]
    raise ConfigError(
        f"{PREFIX}{name}: {name!r} is part of the Python program that called mnistsweep.sweep, and is stored in no "
        "file; make the same call again, and use the methods of its result (report, best_model)."
    )


@contextlib.contextmanager
def offered(objects: Mapping[str, Any]) -> Iterator[None]:
    """Context in which this thread finds objects by their names.

    Args:
        objects: Objects by name.
    """
    token = _offered.set(objects)
    try:
        yield
    finally:
        _offered.reset(token)


@contextlib.contextmanager
def passed_on(objects: Mapping[str, Any]) -> Iterator[int]:
    """Context in which a temporary file holds objects for worker processes.

    Args:
        objects: Objects by name.

    Yields:
        Number of the open file, which the workers inherit.

    Raises:
        ConfigError: An object cannot be passed on to another process.
    """
    with tempfile.TemporaryFile() as file:
        for name, value in objects.items():
            try:
                _write(file, name.encode(), value)
            except OSError as error:
                raise refused_write(error, tempfile.gettempdir()) or error from error
            except Exception as error:  # objects that hold locks, open files, generators, ... raise many types
                raise ConfigError(
                    f"{name}: cannot be passed on to worker processes ({describe_error(error)}); give a function that "
                    "creates it."
                ) from error
        file.flush()
        yield file.fileno()


def dotted_path(value: Any) -> str | None:
    """Dotted path by which any process with the same `sys.path` finds a function or a class; None if there is none.

    Args:
        value: Any object.

    Example:
        >>> dotted_path(sys.intern), dotted_path(lambda: None)
        ('sys.intern', None)
    """
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", "")
    if not isinstance(module, str) or not name.replace(".", "").isidentifier() or not _is_importable(module):
        return None
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return f"{module}.{name}" if found is value else None


def import_path(paths: Sequence[str] | None = None) -> str:
    """Value of PYTHONPATH with which another process finds the modules that this process finds.

    Args:
        paths: Folders that are searched; None: those of this process.
    """
    listed = [path or str(Path.cwd()) for path in (sys.path if paths is None else paths)]
    return os.pathsep.join(dict.fromkeys(path for path in listed if os.pathsep not in path))


def _is_importable(module: str) -> bool:
    """Whether another process can import a module: `__main__` and modules that were created at run time are not."""
    if module == "__main__" or module not in sys.modules:
        return False
    if module in sys.builtin_module_names:
        return True
    folders: Sequence[str] = sys.path
    spec = None
    parts = module.split(".")
    for length in range(1, len(parts) + 1):
        spec = find_spec_in(folders, ".".join(parts[:length]))
        folders = search_folders(spec, parts[length - 1], folders)
        if spec is None or (length < len(parts) and not folders):
            return False
    file = getattr(sys.modules[module], "__file__", None)
    return spec is not None and file is not None and spec.origin == file


def _write(file: IO[bytes], name: bytes, value: Any) -> None:
    """Write the name and the content of an object, each after its length."""
    import cloudpickle

    file.write(len(name).to_bytes(LENGTH_BYTES) + name + bytes(LENGTH_BYTES))
    start = file.tell()
    with _by_value(sys.modules.get(getattr(value, "__module__", None) or type(value).__module__)):
        cloudpickle.dump(value, file)
    end = file.tell()
    file.seek(start - LENGTH_BYTES)
    file.write((end - start).to_bytes(LENGTH_BYTES))
    file.seek(end)


@contextlib.contextmanager
def _by_value(module: ModuleType | None) -> Iterator[None]:
    """Context in which the functions of a module that another process cannot import are passed on with their code."""
    import cloudpickle

    if module is None or module.__name__ == "__main__" or _is_importable(module.__name__):
        yield
        return
    cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        cloudpickle.unregister_pickle_by_value(module)


def _receive() -> Mapping[str, Any]:
    """The objects that this worker process has inherited; none if it has inherited no file."""
    if not _received and VARIABLE in os.environ and _is_open(int(os.environ[VARIABLE])):
        import cloudpickle

        with mmap.mmap(int(os.environ[VARIABLE]), 0, access=mmap.ACCESS_READ) as content:
            blocks = list(_blocks(content))
            for (start, end), place in zip(blocks[::2], blocks[1::2], strict=True):
                name = content[start:end].decode()
                try:
                    with memoryview(content)[slice(*place)] as view:
                        _received[name] = cloudpickle.loads(view)
                except Exception as error:  # an import fails in this process, ...
                    reason = f"cannot be read in a worker process ({describe_error(error)})"
                    raise ConfigError(f"{name}: {reason}; import what it needs inside of it.") from error
    return _received


def _is_open(file: int) -> bool:
    """Whether this process has the open file: a process that a worker has started has only the variable."""
    try:
        return os.fstat(file).st_size > 0
    except OSError:
        return False


def _blocks(content: mmap.mmap) -> Iterator[tuple[int, int]]:
    """Start and end of each name and each object."""
    end = 0
    while end < len(content):
        start = end + LENGTH_BYTES
        end = start + int.from_bytes(content[end:start])
        yield start, end
