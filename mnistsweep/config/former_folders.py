"""The key `warm_start`: folders of former sweeps."""

from __future__ import annotations

from typing import Any

from mnistsweep.path_texts import shown, text_fault

KEY = "warm_start"


def former_folders(value: Any) -> tuple[str, ...]:
    """Return the folders that a checked value of the key names; none for null.

    Args:
        value: Value of the key: null, a path, or a list of paths.

    Example:
        >>> former_folders("logs/other"), former_folders(None)
        (('logs/other',), ())
    """
    if value is None:
        return ()
    return tuple(value) if isinstance(value, list | tuple) else (value,)


def check_former_folders(value: Any) -> list[str]:
    """Check the key; returns a message for each fault. Whether the folders hold sweeps is checked later.

    Args:
        value: Value of the key.
    """
    rule = "must be the path of a sweep's folder, or a list of different ones"
    folders, faults = former_folders(value), list[str]()
    for folder in folders:
        if not isinstance(folder, str):
            faults.append(f"{KEY}: {rule}; received {folder!r}; write {KEY}=logs/NAME.")
        elif fault := text_fault(folder):
            faults.append(f"{KEY}: {rule}; received {shown(folder)}: {fault}; write {KEY}=logs/NAME.")
    if not faults and len(set(folders)) < len(folders):
        faults.append(f"{KEY}: {rule}; received {list(folders)}; name each once.")
    return faults
