"""The bound on the disk space of paused trials: the checkpoints that are least likely to be needed are removed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mnistsweep.paths import SweepPaths, saved_model

GIGABYTE = 10**9
"""Bytes of a gigabyte."""


def bound_checkpoints(paths: SweepPaths, order: Sequence[int], best: int | None, max_gb: float) -> list[int]:
    """Remove checkpoints of paused trials until the others take no more than the allowed space.

    The files are the resume file and the model of the best epoch. A trial without its resume file can still be trained
    from its first epoch. The model of the best trial of the sweep stays.

    Args:
        paths: Paths of the sweep's files.
        order: Numbers of the paused trials, the one least likely to be continued first.
        best: Number of the best trial of the sweep; None if there is none.
        max_gb: Maximum size of all these files, in GB.

    Returns:
        Numbers of the trials that have lost their resume file.
    """
    files = {number: _files(paths, number, number == best) for number in order}
    sizes = {file: _size(file) for own in files.values() for file in own}
    total, removed = sum(sizes.values()), []
    for number in order:
        if total <= max_gb * GIGABYTE:
            break
        if any(sizes[file] for file in files[number]):
            removed.append(number)
        for file in files[number]:
            file.unlink(missing_ok=True)
            total -= sizes[file]
    return removed


def _files(paths: SweepPaths, number: int, is_best: bool) -> list[Path]:
    trial = paths.trial(number)
    return [trial.resume] if is_best else [trial.resume, saved_model(trial.model)]


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:  # it was removed before, or by hand
        return 0
