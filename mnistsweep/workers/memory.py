"""Limit of a worker's memory, past which a new process takes its place."""

from __future__ import annotations

from pathlib import Path

import psutil

# Fraction of the machine's memory that all workers together may use where `worker_memory_gb` is not set.
MEMORY_FRACTION = 0.8


class MemoryLimit:
    """Memory limit of this process.

    Args:
        gigabytes: Limit in gigabytes (10^9 bytes); None: an equal share of 80 % of the machine's memory.
        workers: Number of workers on this machine.

    Attributes:
        num_bytes: Limit in bytes.
    """

    def __init__(self, gigabytes: float | None, workers: int) -> None:
        total = min(psutil.virtual_memory().total, _cgroup_limit())
        self.num_bytes = int(gigabytes * 1e9) if gigabytes is not None else int(MEMORY_FRACTION * total / workers)

    def is_exceeded(self) -> bool:
        """Whether the resident memory of this process is above the limit."""
        return bool(psutil.Process().memory_info().rss > self.num_bytes)


def _cgroup_limit() -> float:
    """Memory limit of this process's control group in bytes (Linux): containers and job schedulers set one."""
    for name in ("memory.max", "memory/memory.limit_in_bytes"):  # cgroup v2, v1
        try:
            return float((Path("/sys/fs/cgroup") / name).read_text(encoding="ascii"))
        except (OSError, ValueError):  # no such control group, or "max": no limit
            continue
    return float("inf")
