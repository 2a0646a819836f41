"""A private SLURM on this machine for the tests: three virtual nodes of two cores, started and stopped by scripts."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

TOOLS_VARIABLE = "MNISTSWEEP_SLURM_TOOLS"
"""Environment variable with the folder of ``start-slurm.sh`` and ``stop-slurm.sh``."""

DEFAULT_TOOLS = Path(__file__).parents[3] / "shared" / "tools" / "slurm"

PORTS = 500
"""Number of ports that one SLURM uses."""


def find_tools() -> Path:
    """Folder of the scripts; skips the test where there is none."""
    tools = Path(os.environ.get(TOOLS_VARIABLE, DEFAULT_TOOLS))
    if not (tools / "start-slurm.sh").is_file():
        pytest.skip(f"no start-slurm.sh in {tools} ({TOOLS_VARIABLE} names its folder)")
    return tools


@contextlib.contextmanager
def running_slurm() -> Iterator[Path]:
    """Context in which the commands of SLURM reach a private one; yields the folder of its files.

    Skips the tests where it cannot be installed or started.
    """
    tools, folder = find_tools(), Path(tempfile.mkdtemp(prefix="slurm-"))
    folder.chmod(0o711)  # munged wants that everybody can reach its socket
    port = 21000 + os.getpid() % 20 * PORTS
    variables = {"SLURM_DIR": str(folder / "run"), "SLURM_NODES": "3", "SLURM_CPUS": "2", "SLURM_BASEPORT": str(port)}
    environment = {**os.environ, **variables}
    try:
        # To a file: the daemons inherit the output, and would keep a pipe open.
        with (folder / "started").open("w") as printed:
            command = ["bash", str(tools / "start-slurm.sh")]
            started = subprocess.run(command, env=environment, stdout=printed, stderr=printed, check=False, timeout=300)
        if started.returncode:  # the machine has no SLURM and gets none: no fault of the package
            pytest.skip(f"no private SLURM on this machine: {(folder / 'started').read_text()[-500:]}")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SLURM_CONF", str(folder / "run" / "etc" / "slurm.conf"))
            yield folder / "run"
    finally:
        subprocess.run(["bash", str(tools / "stop-slurm.sh")], env=environment, check=False, timeout=120)
        shutil.rmtree(folder, ignore_errors=True)


def eventually(condition: Callable[[], object], seconds: float = 300.0) -> None:
    """Wait for a condition that is looked at twice a second; the limit is one that only a broken program reaches."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"the condition was still false after {seconds} s"
        time.sleep(0.5)


def queue() -> list[str]:
    """Identifiers of the jobs that wait or run."""
    command = ["squeue", "--noheader", "--array", "--format=%i"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
