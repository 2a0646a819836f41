"""The sweeps below a folder, and what else is there."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from mnistsweep.paths import SweepPaths, TrialPaths

MAX_DEPTH = 5
"""Maximum depth at which sweeps are found: experiments, and groups of them, may stand above sweeps."""


@dataclass
class SweepFolders:
    """What is below a folder. The folders of sweeps and trainings are not searched.

    Attributes:
        sweeps: Paths of the folders that hold a sweep, or what is left of one, in the order of their names.
        num_trainings: Number of trainings that `mnistsweep train` has made.
        others: Paths of the folders in which there is neither a sweep nor a training.
        unsearched: Paths of the folders that cannot be read, or are too deep.
    """

    sweeps: list[Path] = field(default_factory=list)
    num_trainings: int = 0
    others: list[Path] = field(default_factory=list)
    unsearched: list[Path] = field(default_factory=list)

    def add(self, folder: Path, depth: int) -> bool:
        """Add what is in a folder.

        Args:
            folder: Path of the folder.
            depth: Depth of the folder below the first one.

        Returns:
            Whether something in it is a sweep or a training, or may be one.
        """
        try:
            with os.scandir(folder) as opened:
                entries = sorted(opened, key=lambda entry: entry.name)
        except OSError:  # it belongs to another user, or has just been removed
            self.unsearched.append(folder)
            return True
        names = {entry.name for entry in entries}
        if holds_sweep(names):
            self.sweeps.append(folder)
            return True
        if _holds_training(names):
            self.num_trainings += 1
            return True
        inner = [folder / entry.name for entry in entries if _is_searched(entry)]
        if inner and depth == MAX_DEPTH:
            self.unsearched.append(folder)
            return True
        known = [self.add(path, depth + 1) for path in inner]
        if any(known) or depth == 0:
            self.others += [path for path, is_known in zip(inner, known, strict=True) if not is_known]
        return any(known)


def find_sweeps(folder: Path) -> SweepFolders:
    """Find the sweeps below a folder, or the sweep in it. Links are followed only to folders of sweeps.

    Args:
        folder: Path of a folder, for example ``logs``.
    """
    found = SweepFolders()
    found.add(folder, 0)
    return found


def holds_sweep(names: Collection[str]) -> bool:
    """Whether a folder is that of a sweep, which may have lost its plan or its ledger.

    Args:
        names: Names of the files and folders in it.
    """
    paths = SweepPaths(Path())
    has_results = paths.results.name in names and paths.all_trials.name in names
    return paths.sweep.name in names or paths.journal.name in names or has_results


def _holds_training(names: Collection[str]) -> bool:
    paths = TrialPaths(Path())
    return paths.config.name in names and any(
        file.name in names for file in (paths.result, paths.history, paths.resume, paths.error)
    )


def _is_searched(entry: os.DirEntry[str]) -> bool:
    """Whether an entry of a folder is a folder that may hold sweeps."""
    if entry.name.startswith("."):
        return False
    try:
        if entry.is_dir(follow_symlinks=False):
            return True
        return entry.is_symlink() and SweepPaths(Path(entry.path)).sweep.is_file()
    except OSError:
        return False
