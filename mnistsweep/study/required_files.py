"""The files of a running sweep that its processes need: a sweep without them cannot continue.

A user may delete or move the sweep's folder, or a part of it, while the sweep runs. Every error that follows is then an
effect of that, and no fault of a trial. Nothing may be written into a folder that is only half there.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from mnistsweep.errors import FilesLost
from mnistsweep.paths import SweepPaths


def check_required_files(paths: SweepPaths, trial: int | None = None) -> None:
    """Check that the folder of a running sweep holds what its processes need, apart from the ledger.

    Args:
        paths: Paths of the sweep's files.
        trial: Number of a trial that this process is training: its configuration has been written.

    Raises:
        FilesLost: A file or a folder was deleted or moved.
    """
    required = [paths.folder, paths.sweep, paths.workers, paths.all_trials]
    if trial is not None:
        required.append(paths.trial(trial).config)
    for path in required:
        if not path.exists():
            raise FilesLost(
                f"{path} was deleted or moved while the sweep ran, so the sweep has stopped. No trial counts as "
                "failed. Restore it; then the same command continues."
            )


@contextlib.contextmanager
def explain_lost_files(paths: SweepPaths) -> Iterator[None]:
    """Raise errors that follow from lost files of a running sweep as one error that names what was lost.

    Args:
        paths: Paths of the sweep's files.

    Raises:
        FilesLost: An error occurred, and a file or a folder was deleted or moved.
    """
    try:
        yield
    except Exception as error:
        try:
            check_required_files(paths)
        except FilesLost as lost:
            raise lost from error
        raise
