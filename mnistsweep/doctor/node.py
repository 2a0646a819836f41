"""What a job of a launcher finds out about its node, for the process that has submitted it."""

from __future__ import annotations

import json
import os
import platform
import socket
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mnistsweep import devices
from mnistsweep.atomic import atomic_write
from mnistsweep.config.hydra_jobs import job_index
from mnistsweep.doctor.packages import versions
from mnistsweep.locks import try_exclusive_lock

LOCK = "held.lock"
"""Name of the file that the submitting process keeps locked while the jobs run."""


@dataclass(frozen=True)
class NodeReport:
    """What a job has found out.

    Attributes:
        host: Name of the node.
        versions: Versions of Python and of the packages that decide how a trial ends.
        sees_folder: Whether the job sees the file that the submitting process has written.
        got_lock: Whether the job got the lock that the submitting process holds.
        seconds: Time of the node's clock, since the epoch.
        gpus: Names of the GPUs that the job may use.
        cores: Number of cores that the job may use.
    """

    host: str
    versions: dict[str, str]
    sees_folder: bool
    got_lock: bool
    seconds: float
    gpus: list[str]
    cores: int


@dataclass(frozen=True)
class NodeJob:
    """The function that a launcher runs in each job.

    Args:
        folder: Absolute path of a folder that the submitting process has created, with the file `LOCK`.
    """

    folder: Path

    def __call__(self, config: Any) -> dict[str, Any]:
        """Examine the node; the configuration of the job is not used.

        Returns:
            The attributes of a `NodeReport`.
        """
        report = asdict(examine(self.folder))
        if report["sees_folder"]:
            with atomic_write(self.folder / f"{job_index()}.json", create_folder=False) as part:
                part.write_text(json.dumps(report), encoding="utf-8")
        return report


def examine(folder: Path) -> NodeReport:
    """Examine this node.

    Args:
        folder: Absolute path of the folder of the submitting process.
    """
    lock, got_lock = folder / LOCK, False
    sees_folder = lock.is_file()
    if sees_folder:
        with try_exclusive_lock(lock) as got_lock:
            pass
    found = {"Python": platform.python_version(), **versions()}
    host = os.environ.get("SLURMD_NODENAME") or socket.gethostname()
    return NodeReport(host, found, sees_folder, got_lock, time.time(), devices.gpus(), devices.num_cores())
