"""This machine: cores, memory, GPUs, and whether Keras's backend sees them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator

from mnistsweep import devices
from mnistsweep.doctor.findings import Finding, fault, note, ok
from mnistsweep.memory import available_bytes, format_bytes, total_bytes
from mnistsweep.text import format_count

BACKEND_SECONDS = 120
"""Time in which a process must have imported Keras, on a slow disk too."""

MIN_FREE_BYTES = 1e9
"""Free memory below which a worker with TensorFlow may not start."""

# The backend is imported in a process of its own: it takes seconds, and may crash.
_PROGRAM = (
    "import json, keras; "
    "print(json.dumps([keras.backend.backend(), [str(one) for one in keras.distribution.list_devices()]]))"
)


def check_processor(workers: int) -> Iterator[Finding]:
    """Check the cores and the memory of this machine.

    Args:
        workers: Number of workers that are to run at the same time.
    """
    cores, free = devices.num_cores(), available_bytes()
    text = f"{format_count(cores, 'core')}, {format_bytes(total_bytes())} of memory, {format_bytes(free)} free"
    yield ok("processor", text)
    if workers > cores:
        yield note("processor", f"workers={workers} share {format_count(cores, 'core')}: they slow each other down")
    if free < MIN_FREE_BYTES * workers:
        yield note(
            "memory", f"{format_bytes(free)} are free for {format_count(workers, 'worker')}; each needs about 1 GB"
        )


def check_backend() -> Iterator[Finding]:
    """Check that Keras can be imported, and that its backend sees the GPUs of this machine."""
    gpus, python = devices.gpus(), [sys.executable, "-c", _PROGRAM]
    try:
        done = subprocess.run(
            python, capture_output=True, text=True, timeout=BACKEND_SECONDS, check=False,
            env={**os.environ, **devices.environment(0, 1), "CUDA_VISIBLE_DEVICES": _visible(gpus)},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        yield fault(
            "backend", f"`import keras` has not ended after {BACKEND_SECONDS} s; is the disk slow, or a GPU hung?"
        )
        return
    lines = done.stdout.splitlines()
    if done.returncode or not lines:
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        yield fault("backend", f"`import keras` fails: {last}")
        return
    name, found = json.loads(lines[-1])
    seen = [one for one in found if not one.startswith("cpu")]
    if gpus and not seen:
        yield fault("GPU", f"{name} sees none of {format_count(len(gpus), 'GPU')}; {_remedy(name)}")
    elif seen:
        yield ok("GPU", f"{name} sees {', '.join(seen)}")
    else:
        yield note("GPU", f"none; {name} trains on the processor")


def _visible(gpus: list[str]) -> str:
    """All GPUs of this machine; `devices.environment` gives a worker one of them."""
    return os.environ.get("CUDA_VISIBLE_DEVICES", ",".join(gpus))


def _remedy(backend: str) -> str:
    if backend == "tensorflow":
        return "pip install 'mnistsweep[gpu]', and compare the driver (nvidia-smi) with TensorFlow's requirements"
    return f"install the version of {backend} for GPUs"
