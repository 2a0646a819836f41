"""The size of files and folders on the disk."""

from __future__ import annotations

import os
from pathlib import Path


def folder_size(folder: Path) -> int:
    """Sum of the sizes of all files below a folder, in bytes.

    Links are not followed: what they point to is not part of the folder. A file with several names counts once. Files
    that are removed meanwhile, and folders that cannot be read, count 0.

    Args:
        folder: Path of the folder.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = (folder / "a").write_bytes(b"12345")
        >>> (folder / "b").symlink_to(folder / "a")
        >>> folder_size(folder)
        5
    """
    total, seen, left = 0, set[tuple[int, int]](), [str(folder)]
    while left:
        try:
            with os.scandir(left.pop()) as entries:
                for entry in entries:
                    if entry.is_symlink():
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        left.append(entry.path)
                        continue
                    found = entry.stat(follow_symlinks=False)
                    if found.st_nlink == 1 or (found.st_dev, found.st_ino) not in seen:
                        total += found.st_size
                        seen.update([(found.st_dev, found.st_ino)] if found.st_nlink > 1 else [])
        except OSError:
            continue
    return total


def file_size(file: Path) -> int:
    """Size of a file in bytes; 0 if it is a link, or if there is none."""
    try:
        return 0 if file.is_symlink() else file.lstat().st_size
    except OSError:
        return 0


def format_size(size: float) -> str:
    """Return the size of files in a decimal unit.

    Example:
        >>> format_size(12), format_size(345_678), format_size(1_250_000), format_size(4_000_000_000)
        ('12 B', '345.7 kB', '1.2 MB', '4.0 GB')
    """
    for unit, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if size >= unit:
            return f"{size / unit:,.1f} {name}"
    return f"{size:.0f} B"
