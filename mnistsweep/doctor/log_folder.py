"""The folder of the sweeps: whether it can be written, has space, and whether its locks exclude other processes."""

from __future__ import annotations

import contextlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from mnistsweep.doctor.findings import Finding, fault, note, ok
from mnistsweep.errors import ConfigError, MnistSweepError
from mnistsweep.locks import exclusive_lock
from mnistsweep.memory import format_bytes
from mnistsweep.path_checks import WRITE_FOLDER, check_path, new_folder
from mnistsweep.path_texts import expanded

MIN_FREE_BYTES = 1e9
SLOW_SYNC_SECONDS = 0.1
"""Duration of a durable write above which the ledger limits many short trials."""

_NUM_WRITES = 20

# Exit codes of a process that tries to get a lock that this process holds.
_EXCLUDED, _NOT_EXCLUDED = 10, 11

_OTHER_PROCESS = f"""
import sys
from pathlib import Path
from mnistsweep.locks import try_exclusive_lock
with try_exclusive_lock(Path(sys.argv[1])) as acquired:
    sys.exit({_NOT_EXCLUDED} if acquired else {_EXCLUDED})
"""


def check_log_folder(logs: str) -> Iterator[Finding]:
    """Check the folder of the sweeps; it is created as a sweep would create it. Nothing stays.

    Args:
        logs: Path of the folder (key `logs`).
    """
    try:
        with scratch_folder(logs) as folder:
            yield from _check_space(folder.parent)
            yield from _check_writes(folder)
            yield from check_locks(folder)
            yield from _check_mount(folder.parent)
    except (OSError, MnistSweepError) as error:
        yield fault("logs", str(error).removeprefix("logs: "))


@contextlib.contextmanager
def scratch_folder(logs: str) -> Iterator[Path]:
    """A context with a new folder in the folder of the sweeps; all that was created is removed at its end.

    Args:
        logs: Path of the folder of the sweeps (key `logs`), which is created if it is missing.

    Raises:
        ConfigError: The folder of the sweeps cannot be used.
        OSError: A folder in it cannot be created.
    """
    if faults := check_path("logs", logs, WRITE_FOLDER):
        raise ConfigError(faults[0])
    folder = expanded(logs).absolute()
    created = [one for one in (folder, *folder.parents) if not one.is_dir()]
    with new_folder("logs", folder), tempfile.TemporaryDirectory(prefix=".doctor-", dir=folder) as name:
        yield Path(name)
    for one in created:
        with contextlib.suppress(OSError):  # another process uses it now
            one.rmdir()


def check_locks(folder: Path) -> Iterator[Finding]:
    """Check that a file lock of this process excludes another process of this machine.

    Args:
        folder: Path of a folder in which a file may be created.
    """
    lock = folder / "doctor.lock"
    with exclusive_lock(lock):
        code = subprocess.run([sys.executable, "-c", _OTHER_PROCESS, str(lock)], capture_output=True, check=False)
    if code.returncode == _EXCLUDED:
        yield ok("locks", "two processes of this machine exclude each other")
    elif code.returncode == _NOT_EXCLUDED:
        yield fault(
            "locks",
            "two processes held the same lock at once, so two workers could train one trial; use another folder "
            "(logs=...), or storage=postgresql+psycopg://...",
        )
    else:
        last = (code.stderr.decode(errors="replace").strip().splitlines() or [f"exit code {code.returncode}"])[-1]
        yield fault("locks", f"they could not be tried: {last}")


def _check_space(folder: Path) -> Iterator[Finding]:
    free = shutil.disk_usage(folder).free
    text = f"{folder} can be written, {format_bytes(free)} free"
    if free < MIN_FREE_BYTES:
        yield note("logs", f"{text}: checkpoints and event files of a sweep may need more")
    else:
        yield ok("logs", text)


def _check_writes(folder: Path) -> Iterator[Finding]:
    taken = []
    with (folder / "writes").open("ab") as file:
        for _ in range(_NUM_WRITES):
            began = time.perf_counter()
            file.write(b"a line of a ledger\n")
            file.flush()
            os.fsync(file.fileno())
            taken.append(time.perf_counter() - began)
    middle = statistics.median(taken)
    text = f"a durable write takes {1000 * middle:.1f} ms"
    if middle > SLOW_SYNC_SECONDS:
        yield note("logs", f"{text}: with many short trials, storage=postgresql+psycopg://... is faster")
    else:
        yield ok("logs", text)


def _check_mount(folder: Path) -> Iterator[Finding]:
    """Check the options of a network file system on which locks depend (see `locks`)."""
    mounts = [one for one in psutil.disk_partitions(all=True) if folder.is_relative_to(one.mountpoint)]
    if not mounts:
        return
    mount = max(mounts, key=lambda one: len(one.mountpoint))
    if not mount.fstype.startswith("nfs"):
        return
    options = dict(option.partition("=")[::2] for option in mount.opts.split(","))
    local = options.get("local_lock", "none")
    if local not in ("none", "posix") or "nolock" in options:
        given = "nolock" if "nolock" in options else f"local_lock={local}"
        yield fault(
            "locks", f"{mount.mountpoint} is mounted with {given}: workers on other hosts do not see the locks; mount "
            "it without that option, or use storage=postgresql+psycopg://..."
        )  # fmt: skip
    elif mount.fstype == "nfs" and options.get("vers", "3").startswith("3"):
        yield note("locks", f"{mount.mountpoint} is NFS 3: the locks need a running lockd; NFS 4 does not")
