"""Messages between a worker process and its supervisor: exit codes, lines in the worker's log, variables."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

# Exit code of a worker that used too much memory: the supervisor starts a new process in its place.
REPLACE = 75

# Larger exit codes are 128 + the number of the signal that interrupted a worker, as in shells.
SIGNALLED = 128

# Exit code of a worker that found that the sweep cannot continue; the other workers find the same.
SWEEP_STOPPED = 3

# Exit code of a worker that found that files of the sweep were deleted or moved: the supervisor stops the others.
FILES_LOST = 4

# Beginning of the log line that a worker writes when it starts a trial; the trial's number follows.
TRIAL_STARTS = "begins trial "

# Beginning of the log line that a worker writes before it exits with an error; the reason follows.
STOPS_BECAUSE = "stops: "

COUNT_VARIABLE = "MNISTSWEEP_WORKERS_OF_SUPERVISOR"
"""Environment variable of a worker process: number of workers that share the cores, the memory and the GPUs with it."""

BATCH_JOB = "batch-job"
"""Last argument of a worker process in a job of a batch system."""

# Function that is called with the number of each trial when it starts.
Announce = Callable[[int], None]


def announce_nothing(number: int) -> None:
    """Do nothing; for a worker without a supervisor."""


def announce_to_log(number: int) -> None:
    """Write that a trial starts to the log of a worker, for its supervisor."""
    print(f"{TRIAL_STARTS}{number}", flush=True)


@contextlib.contextmanager
def engine_lines() -> Iterator[None]:
    """Context that writes which engine trains (`training.engines.announcement`) to the log of a worker."""
    logger, handler = logging.getLogger("mnistsweep.engine"), logging.StreamHandler(sys.stdout)
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)


def has_started_trial(log: Path, offset: int) -> bool:
    """Whether a worker process has started a trial.

    Args:
        log: Path of the worker's log, to which earlier processes of the same worker may have written too.
        offset: Size of the log in bytes when the process was started.
    """
    with log.open("rb") as file:
        file.seek(offset)
        return any(line.startswith(TRIAL_STARTS.encode()) for line in file)
