"""Atomic writing: a reader of a file sees the old content or the new content, never a part."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from mnistsweep.yaml_aliases import check_aliases

# Maximum length of each part of a temporary name that comes from the file: a longer name may not fit a file system.
MAX_STEM_BYTES = 100

# Pattern of the names that `atomic_write` gives to its temporary files.
_TEMPORARY_NAME = re.compile(r"\..+-[0-9a-f]{12}(\.weights)?(\.\w+)?")

# Suffix that Keras requires of a file with weights.
_WEIGHTS = ".weights.h5"

# Beginning of a text that some reader of YAML could take for a number.
_NUMBER_LIKE = re.compile(r"[-+]?\.?[0-9]")


@contextlib.contextmanager
def atomic_write(path: Path, durable: bool = True, create_folder: bool = True) -> Iterator[Path]:
    """Replace a file in one step.

    Yields a temporary path in the same folder, with the same suffix. On success the temporary file replaces `path`; on
    an exception it is removed.

    Args:
        path: Path of the file.
        durable: Whether to wait until the data are on the disk. Not needed for files that can be derived again.
        create_folder: Whether to create the file's folder if it is missing. A running sweep never does, because a user
            may have deleted its folder.

    Example:
        >>> import tempfile
        >>> target = Path(tempfile.mkdtemp()) / "a.txt"
        >>> with atomic_write(target) as part:
        ...     _ = part.write_text("whole")
        >>> target.read_text()
        'whole'
    """
    if create_folder and not path.parent.is_dir():  # this test is much cheaper than mkdir
        path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(_temporary_name(path))
    try:
        yield part
        if durable:
            with part.open("rb+") as file:
                os.fsync(file.fileno())
        part.replace(path)
    except BaseException as error:
        if isinstance(error, OSError) and error.filename == str(part):
            error.filename = str(path)  # the user knows no other name
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            part.unlink()
        raise


def _temporary_name(path: Path) -> str:
    """Name of a temporary file beside a file, with the same suffix; it is short where the file's name is long."""
    stem = os.fsencode(path.stem)[:MAX_STEM_BYTES].decode("utf-8", errors="ignore")
    suffix = _WEIGHTS if path.name.endswith(_WEIGHTS) else path.suffix
    suffix = suffix if len(os.fsencode(suffix)) <= MAX_STEM_BYTES else ""
    return f".{stem}-{secrets.token_hex(6)}{suffix}"


def remove_temporary_files(folder: Path) -> None:
    """Remove the temporary files of `atomic_write` calls that a kill interrupted.

    Args:
        folder: Path of a folder in which no process writes at this moment; it need not exist.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> (folder / ".best-0123456789ab.keras").touch()
        >>> remove_temporary_files(folder)
        >>> list(folder.iterdir())
        []
    """
    for path in temporary_files(folder):
        path.unlink(missing_ok=True)


def temporary_files(folder: Path) -> list[Path]:
    """Paths of the temporary files of `atomic_write` calls that run, or that a kill interrupted.

    Args:
        folder: Path of a folder; it need not exist.
    """
    return [path for path in folder.glob(".*") if _TEMPORARY_NAME.fullmatch(path.name)]


def read_yaml(path: Path) -> Any:
    """Read a YAML file of plain values.

    Args:
        path: Path of the file.

    Raises:
        yaml.YAMLError: The file is not valid YAML, or its aliases stand for too many values.
        UnicodeDecodeError: The file is not text in UTF-8.
    """
    text = path.read_text(encoding="utf-8")
    check_aliases(text)
    return yaml.load(text, Loader=_LOADER)


def write_yaml(path: Path, content: Mapping[str, Any], durable: bool = True) -> None:
    """Write plain values as a YAML file, in one step.

    Args:
        path: Path of the file; its folder is created if missing.
        content: Mapping of plain values (dictionaries, lists, strings, numbers, booleans, None).
        durable: Whether to wait until the data are on the disk, as in `atomic_write`.
    """
    with atomic_write(path, durable) as part:
        part.write_text(yaml_text(content), encoding="utf-8")


def yaml_text(content: Mapping[str, Any]) -> str:
    """Plain values as the text of a YAML file.

    Args:
        content: Mapping of plain values, as in `write_yaml`.

    Example:
        >>> yaml_text({"rate": "1e-3", "units": [1, 2]})
        "rate: '1e-3'\\nunits:\\n- 1\\n- 2\\n"
    """
    text: str = yaml.dump(dict(content), Dumper=_Dumper, sort_keys=False, allow_unicode=True)
    return text


# PyYAML's reader and writer in C are five times as fast; some installations do not have them.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """Writer of YAML in which a text is a text for every reader: PyYAML, and Hydra's reader, which knows ``1e-3``."""


def _represent_text(dumper: Any, text: str) -> Any:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="'" if _NUMBER_LIKE.match(text) else None)


_Dumper.add_representer(str, _represent_text)
