"""Checks of ``data.path``; the message names what exists instead."""

from __future__ import annotations

from pathlib import Path

from mnistsweep.errors import DataError, suggest


def existing_folder(path: str) -> Path:
    """Check that a path names a folder.

    Args:
        path: Path as given by the user. ``~`` is the home folder; a relative path starts at the working directory.

    Returns:
        The folder.

    Raises:
        DataError: The path does not exist, or is a file.
    """
    folder = Path(path).expanduser()
    if not folder.is_dir():
        raise DataError(f"data.path must name a folder with the four IDX files; {_instead(folder, 'a file')}")
    return folder


def existing_file(path: str) -> Path:
    """Check that a path names a file.

    Args:
        path: Path as given by the user. ``~`` is the home folder; a relative path starts at the working directory.

    Returns:
        The file.

    Raises:
        DataError: The path does not exist, or is a folder.
    """
    file = Path(path).expanduser()
    if not file.is_file():
        raise DataError(f"data.path must name an .npz file; {_instead(file, 'a folder')}")
    return file


def _instead(path: Path, other: str) -> str:
    """Describe what exists at or near a path."""
    if path.exists():
        return f"{str(path)!r} is {other}"
    parent = path.parent
    if not parent.is_dir():
        return f"neither {str(path)!r} nor its folder exists"
    remedy = suggest(path.name, [entry.name for entry in parent.iterdir()])
    return f"there is no {path.name!r} in {str(parent.resolve())!r}" + (f": {remedy}" if remedy else ", which is empty")
