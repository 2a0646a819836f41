"""Memory of this machine that a process may use: the machine's, or less in a container, a batch job, or a shell."""

from __future__ import annotations

import contextlib
import ctypes
import math
import resource
from collections.abc import Iterator
from pathlib import Path

import psutil

from mnistsweep.errors import DataError

_CGROUPS = Path("/sys/fs/cgroup")


def total_bytes() -> float:
    """Memory of the machine, or of this process's control group if that is less, in bytes."""
    return min(psutil.virtual_memory().total, *(limit for limit, _ in _cgroup_memory()), math.inf)


def available_bytes() -> float:
    """Memory that this process can still get, in bytes: free or used for caches, and within its limits."""
    in_group = (limit - used for limit, used in _cgroup_memory())
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    of_process = math.inf if soft == resource.RLIM_INFINITY else soft - psutil.Process().memory_info().vms
    return max(0.0, min(psutil.virtual_memory().available, of_process, *in_group))


def format_bytes(count: float) -> str:
    """Return an amount of memory in a decimal unit.

    Example:
        >>> format_bytes(4_000_000_000), format_bytes(1_250_000), format_bytes(12)
        ('4.0 GB', '1.2 MB', '0.0 MB')
    """
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"


def require_memory(num_bytes: float, purpose: str) -> None:
    """Check that memory is free, before it is used.

    Args:
        num_bytes: Required memory in bytes.
        purpose: What needs the memory, and how much, for the message.

    Raises:
        DataError: Less memory is free.
    """
    available = available_bytes()
    if num_bytes > available:
        raise DataError(
            f"{purpose}, and {format_bytes(available)} of memory are free; use fewer or smaller examples, a dtype with "
            "fewer bytes, or a machine with more memory."
        )


def return_free_memory() -> None:
    """Return memory that this process has freed to the operating system, where the C library can do so (glibc)."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _cgroup_memory() -> Iterator[tuple[float, float]]:
    """Limit and use of memory of each control group of this process that has a limit, in bytes (Linux)."""
    for folder, limit_file, used_file in _cgroup_files():
        try:
            limit = float((folder / limit_file).read_text(encoding="ascii"))
            used = float((folder / used_file).read_text(encoding="ascii"))
            statistics = (folder / "memory.stat").read_text(encoding="ascii").split()
        except (OSError, ValueError):  # no such control group, or "max": no limit
            continue
        values = dict(zip(statistics[::2], statistics[1::2], strict=False))
        caches = values.get("total_inactive_file", values.get("inactive_file", "0"))  # the kernel frees these first
        yield limit, used - float(caches)


def _cgroup_files() -> Iterator[tuple[Path, str, str]]:
    """Folder of each control group that contains this process, with the names of its two files (v2, v1)."""
    try:
        lines = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            names, root = ("memory.max", "memory.current"), _CGROUPS
        elif "memory" in controllers.split(","):
            names, root = ("memory.limit_in_bytes", "memory.usage_in_bytes"), _CGROUPS / "memory"
        else:
            continue
        folder = root / path.lstrip("/")
        for group in (folder, *folder.parents):
            if group.is_relative_to(root):
                yield group, *names
