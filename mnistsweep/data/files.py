"""Checks of ``data.path``; the message names what exists instead."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mnistsweep.errors import DataError, suggest
from mnistsweep.path_checks import READ_FILE, READ_FOLDER, Need, is_folder, is_missing, path_fault
from mnistsweep.path_texts import expanded, shown


def existing_folder(path: str) -> Path:
    """Check that a path names a folder.

    Args:
        path: Path as given by the user. ``~`` is the home folder; a relative path starts at the working directory.

    Returns:
        The folder.

    Raises:
        DataError: The path does not exist, is something else, or may not be read.
    """
    return _existing(path, "a folder with the four IDX files", READ_FOLDER, "folder", is_folder)


def existing_file(path: str) -> Path:
    """Check that a path names a file.

    Args:
        path: Path as given by the user. ``~`` is the home folder; a relative path starts at the working directory.

    Returns:
        The file.

    Raises:
        DataError: The path does not exist, is something else, or may not be read.
    """
    return _existing(path, "an .npz file", READ_FILE, ".npz file", lambda entry: entry.suffix == ".npz")


def require_file(file: Path) -> None:
    """Check that a file can be read: opening a named pipe would wait for ever, and a device may have no end.

    Args:
        file: Path of the file.

    Raises:
        DataError: It is something else than a file, or may not be read.
    """
    if fault := path_fault(file, READ_FILE):
        raise DataError(f"{shown(file)} cannot be read: {fault}")


def _existing(path: str, wanted: str, need: Need, kind: str, fits: Callable[[Path], bool]) -> Path:
    found = expanded(str(path))
    fault = path_fault(str(path), need)
    if fault is None:
        return found
    reason = _nearest(found, kind, fits) if is_missing(found) else f"{shown(found)} cannot be used: {fault}"
    raise DataError(f"data.path must name {wanted}; {reason}")


def _nearest(path: Path, kind: str, fits: Callable[[Path], bool]) -> str:
    """Describe what exists near a path that does not exist: entries of the kind that is wanted."""
    parent = path.parent
    if not parent.is_dir():
        return f"neither {shown(path)} nor its folder exists"
    missing = f"there is no {path.name!r} in {str(parent.resolve())!r}"
    entries = list(parent.iterdir())
    fitting = [entry.name for entry in entries if fits(entry)]
    if fitting:
        return f"{missing}: {suggest(path.name, fitting)}"
    return f"{missing}, which {f'has no {kind}' if entries else 'is empty'}"
