"""Limit of a worker's memory, past which a new process takes its place."""

from __future__ import annotations

import psutil

from mnistsweep.memory import available_bytes, total_bytes

# Fraction of the machine's memory that all workers together may use where `worker_memory_gb` is not set.
MEMORY_FRACTION = 0.8


class MemoryLimit:
    """Memory limit of this process.

    Args:
        gigabytes: Limit in gigabytes (10^9 bytes); None: an equal share of 80 % of the machine's memory, or of
            that of its container.
        workers: Number of workers on this machine.

    Attributes:
        num_bytes: Limit in bytes.
    """

    def __init__(self, gigabytes: float | None, workers: int) -> None:
        self.num_bytes = (
            int(gigabytes * 1e9) if gigabytes is not None else int(MEMORY_FRACTION * total_bytes() / workers)
        )

    @property
    def free_bytes(self) -> float:
        """Memory that this process may still use, in bytes."""
        return min(self.num_bytes - psutil.Process().memory_info().rss, available_bytes())

    def is_exceeded(self) -> bool:
        """Whether the resident memory of this process is above the limit."""
        return bool(psutil.Process().memory_info().rss > self.num_bytes)
