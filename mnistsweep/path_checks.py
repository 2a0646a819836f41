"""Checks of paths that a user names, before anything is written: one list of rules for all keys and commands.

A check asks the operating system with the rights of this process, and changes nothing. What only an attempt can show
(a file system that creates no folders, such as ``/proc``) is an error of the attempt: see `new_folder`.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from mnistsweep.errors import ConfigError
from mnistsweep.path_texts import MAX_NAME_BYTES, expanded, shown, text_fault

_RIGHTS = {os.R_OK: "read", os.W_OK: "write", os.X_OK: "enter"}

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFREG: "a file",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


@dataclass(frozen=True)
class Need:
    """What a path is needed for.

    Attributes:
        wanted: What the path must name, for messages.
        kind: Kind of file, `stat.S_IFDIR` or `stat.S_IFREG`.
        access: Rights that are needed for what exists, as for `os.access`.
        access_above: Rights that are needed for the folder above what exists.
        is_created: Whether what is missing is created, with the folders above it.
    """

    wanted: str
    kind: int
    access: int
    access_above: int = os.X_OK
    is_created: bool = False


READ_FILE = Need("a file that can be read", stat.S_IFREG, os.R_OK)
READ_FOLDER = Need("a folder that can be read", stat.S_IFDIR, os.R_OK | os.X_OK)
WRITE_FOLDER = Need("a folder that can be written", stat.S_IFDIR, os.R_OK | os.W_OK | os.X_OK, is_created=True)
EXISTING_FOLDER = Need("a folder that exists and can be written", stat.S_IFDIR, os.R_OK | os.W_OK | os.X_OK)
UPDATE_FILE = Need("a file that can be written", stat.S_IFREG, os.R_OK | os.W_OK, is_created=True)
REPLACE_FILE = Need("a file that can be read and replaced", stat.S_IFREG, os.R_OK, os.W_OK | os.X_OK, is_created=True)
OUTPUT_FILE = Need("a file that can be written", stat.S_IFREG, os.F_OK, os.W_OK | os.X_OK, is_created=True)

_FOLDER_ABOVE = Need("a folder that can be entered", stat.S_IFDIR, os.X_OK)


def check_path(key: str, path: str | Path, need: Need, remedy: str = "name another one") -> list[str]:
    """Check that a path can be used.

    Args:
        key: Key or option that names the path, for the message.
        path: Path of a file or a folder; in a text, ``~`` at the beginning is the home folder.
        need: What the path is needed for.
        remedy: What the user can do, for the message.

    Returns:
        No message, or one of the form ``key: rule; received path: reason; remedy.``

    Example:
        >>> check_path("logs", "/dev/null", WRITE_FOLDER)
        ["logs: must name a folder that can be written; received '/dev/null': it is a device; name another one."]
    """
    reason = path_fault(path, need)
    return [f"{key}: must name {need.wanted}; received {shown(path)}: {reason}; {remedy}."] if reason else []


def path_fault(path: str | Path, need: Need) -> str | None:
    """Reason for which a path cannot be used; None if it can be used.

    Args:
        path: Path of a file or a folder; in a text, ``~`` at the beginning is the home folder.
        need: What the path is needed for.
    """
    return text_fault(str(path)) or _fault(expanded(path) if isinstance(path, str) else path, need)


def required(key: str, path: str, need: Need) -> Path:
    """Path that a user names, after its check.

    Args:
        key: Key or option that names the path, for the message.
        path: Path as given by the user; ``~`` at the beginning is the home folder.
        need: What the path is needed for.

    Raises:
        ConfigError: The path cannot be used.
    """
    if faults := check_path(key, path, need):
        raise ConfigError(faults[0])
    return expanded(path)


def is_file(path: Path) -> bool:
    """Whether a path names a regular file; False where `Path.is_file` raises: no permission, a name too long.

    Args:
        path: Any path.
    """
    return os.path.isfile(path)  # noqa: PTH113


def is_folder(path: Path) -> bool:
    """Whether a path names a folder; False where `Path.is_dir` raises: no permission, a name too long.

    Args:
        path: Any path.
    """
    return os.path.isdir(path)  # noqa: PTH112


def is_missing(path: Path) -> bool:
    """Whether there is nothing at a path, not even a broken link; False if it cannot be examined, or is no path.

    Args:
        path: Any path.
    """
    if text_fault(str(path)):
        return False
    try:
        path.lstat()
    except OSError as error:
        return isinstance(error, FileNotFoundError)
    return False


@contextlib.contextmanager
def new_folder(key: str, folder: Path) -> Iterator[None]:
    """Create a folder and those above it; if the block fails, remove those of them that are still empty.

    Args:
        key: Key that names the folder, for the message.
        folder: Path of the folder; it may exist.

    Raises:
        ConfigError: The folder cannot be created.
    """
    missing = [one for one in (folder, *folder.parents) if not one.is_dir()]
    try:
        _create_folder(key, folder)
        yield
    except BaseException:
        for one in missing:
            with contextlib.suppress(OSError):  # it holds a file, or it was not created
                one.rmdir()
        raise


def _create_folder(key: str, folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        received = shown(error.filename or folder)
        raise ConfigError(
            f"{key}: must name {WRITE_FOLDER.wanted}; received {received}: {_strerror(error)}; name another one."
        ) from error


def _fault(path: Path, need: Need) -> str | None:
    """Reason for which a path cannot be used, from its first part to its last one; None if it can be used."""
    nearest = Path()
    for part in (*reversed(path.parents), path):
        if not os.path.lexists(part):
            return _fault_of_missing(path, part, nearest, need)
        if part == path:
            return _fault_of_existing(path, need)
        is_above = part == path.parent and os.path.lexists(path)
        above = replace(_FOLDER_ABOVE, access=need.access_above) if is_above else _FOLDER_ABOVE
        if fault := _fault_of_existing(part, above):
            return f"{shown(part)} above it: {fault}"
        nearest = part
    return None


def _fault_of_missing(path: Path, first: Path, folder: Path, need: Need) -> str | None:
    """Reason for which a missing path cannot be used; None if it can be created.

    Args:
        path: Path that is missing.
        first: First part of the path that is missing.
        folder: Folder in which this part is missing.
        need: What the path is needed for.
    """
    limit = _max_name_bytes(folder)
    if any(len(os.fsencode(name)) > limit for name in path.parts):
        return f"a name in it is longer than {limit} bytes"
    if not need.is_created:
        return "it does not exist" if first == path else f"there is no folder {shown(first)}"
    fault = _refused_access(folder, os.W_OK | os.X_OK)
    return f"it does not exist, and {shown(folder)} above it: {fault}" if fault else None


def _fault_of_existing(path: Path, need: Need) -> str | None:
    """Reason for which something that exists cannot be used; None if it can be used."""
    try:
        kind = stat.S_IFMT(path.stat().st_mode)
    except OSError as error:
        if error.errno == errno.ELOOP:
            return "it is a symbolic link that leads to itself"
        if error.errno == errno.ENOENT:
            return f"it is a symbolic link to {shown(path.readlink())}, which does not exist"
        return _strerror(error)
    if kind != need.kind:
        return f"it is {_KINDS.get(kind, 'something else')}"
    return _refused_access(path, need.access)


def _refused_access(path: Path, access: int) -> str | None:
    """Reason for which the operating system refuses access to something that exists; None if it does not."""
    refused = [word for right, word in _RIGHTS.items() if access & right and not _is_allowed(path, right)]
    if not refused:
        return None
    if "write" in refused and os.statvfs(path).f_flag & os.ST_RDONLY:
        return "the file system is read-only"
    return f"no permission to {' or '.join(refused)}"


def _is_allowed(path: Path, right: int) -> bool:
    """Whether the rights of this process allow access; the effective user is the one that counts."""
    return os.access(path, right, effective_ids=os.access in os.supports_effective_ids)


def _strerror(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _max_name_bytes(folder: Path) -> int:
    """Maximum length of a name in a folder; file systems with encrypted names allow less than others."""
    try:
        return os.pathconf(folder, "PC_NAME_MAX")
    except (OSError, ValueError):
        return MAX_NAME_BYTES
