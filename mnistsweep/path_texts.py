"""Texts as paths: which ones this program accepts as a path or a name, and how a message shows a path.

Nothing here asks the operating system about a file; `path_checks` does.
"""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

# Maximum length of the path of a folder: the limit of the operating system less the names of the files in the folder.
MAX_PATH_BYTES = 4096 - 256

# Maximum length of a name on most file systems.
MAX_NAME_BYTES = 255

# Length from which a path is shown without its middle, in characters.
MAX_SHOWN = 200


def expanded(path: str) -> Path:
    """Path as a user writes it; ``~`` at its beginning is the home folder.

    Args:
        path: Path as given by the user.
    """
    return Path(os.path.expanduser(path))  # noqa: PTH111  # `Path.expanduser` raises where the home folder is unknown


def text_fault(path: str) -> str | None:
    """Reason for which a text is no path that this program uses; None if it is one.

    Args:
        path: Path as given by the user.
    """
    if not path.strip():
        return "it is empty"
    for character in path:
        category = unicodedata.category(character)
        if category == "Cs":
            return f"{character!r} in it is not valid UTF-8"
        if category in ("Cc", "Zl", "Zp"):
            return f"{character!r} in it is a control character"
    if path.startswith("~") and expanded(path) == Path(path):
        return "there is no such home folder"
    if len(os.fsencode(Path(path).absolute())) > MAX_PATH_BYTES:
        return f"the path is longer than {MAX_PATH_BYTES} bytes"
    return None


def name_fault(name: str) -> str | None:
    """Reason for which a text is no name of a new folder; None if it is one.

    Args:
        name: Name as given by the user.

    Example:
        >>> name_fault("a/b"), name_fault("café 2")
        ("it has a '/'", None)
    """
    if fault := text_fault(name):
        return fault
    if not name[0].isalnum():
        return "it does not begin with a letter or a digit"
    for separator in "/\\":
        if separator in name:
            return f"it has a {separator!r}"
    if name[-1] in ". ":
        return "it ends with a dot or a space"
    if len(os.fsencode(name)) > MAX_NAME_BYTES:
        return f"it is longer than {MAX_NAME_BYTES} bytes"
    return None


def shown(path: str | Path) -> str:
    """Path in quotation marks for a message, on one line and without its middle where it is long.

    Args:
        path: Any path.

    Example:
        >>> shown("a\\nb")
        "'a\\\\nb'"
    """
    text = str(path)
    if len(text) > MAX_SHOWN:
        half = MAX_SHOWN // 2
        text = f"{text[:half]}...{text[-half:]}"
    return repr(text)
