"""Which GPU or how many cores a worker gets, said through the environment, before any backend is imported.

TensorFlow, PyTorch and JAX all read these variables when they start, so that nothing here imports one of them.
"""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

# GPU memory that grows as it is needed, so that several processes can share a GPU.
MEMORY_GROWTH = {"TF_FORCE_GPU_ALLOW_GROWTH": "true", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}

QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3"}


def num_cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def gpus() -> list[str]:
    """The GPUs that may be used, as `CUDA_VISIBLE_DEVICES` names them; empty where there is none.

    A list that the user set is kept; otherwise `nvidia-smi` is asked.
    """
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        names = (name.strip() for name in chosen.split(","))
        return list(itertools.takewhile(lambda name: name not in ("", "-1"), names))  # as CUDA reads it
    program = shutil.which("nvidia-smi")
    return list(_listed(program)) if program is not None else []


@cache
def _listed(program: str) -> tuple[str, ...]:
    """The GPUs that `nvidia-smi` lists; it can take seconds, so it is asked once."""
    command = [program, "--query-gpu=uuid", "--format=csv,noheader"]
    try:
        listed = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple(listed.stdout.split()) if listed.returncode == 0 else ()


def threads_of(workers: int, threads: int | None = None) -> int:
    """CPU threads of one worker: as configured, else its share of the cores."""
    return threads or max(1, num_cores() // workers)


def environment(worker: int, workers: int, threads: int | None = None) -> dict[str, str]:
    """The variables of a worker's process.

    Args:
        worker: Counted from 0.
        workers: How many run at the same time on this machine.
        threads: CPU threads of one training; None: the worker's share of the cores.

    Returns:
        Thread counts; with GPUs, one of them for each worker in turn, with memory that grows as it is needed, so that
        several workers can share one.
    """
    count = str(threads_of(workers, threads))
    variables = dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), count)
    variables |= {"TF_NUM_INTEROP_THREADS": "1" if count == "1" else "2", **QUIET}
    found = gpus()
    if found:
        variables |= {"CUDA_VISIBLE_DEVICES": found[worker % len(found)], **MEMORY_GROWTH}
    return variables


@cache
def start_keras(threads: int, deterministic: bool) -> None:
    """Import Keras for a process that trains by itself; once.

    Args:
        threads: CPU threads of a training.
        deterministic: Whether operations are to be deterministic (`trainer.deterministic`).
    """
    os.environ.update(environment(0, 1, threads))
    with quiet_start():
        import keras  # noqa: F401
    if deterministic:
        use_op_determinism()


def use_op_determinism() -> None:
    """Make the backend's operations deterministic (`trainer.deterministic`); must come before the first of them."""
    import keras

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()
    elif keras.backend.backend() == "torch":
        import torch

        torch.use_deterministic_algorithms(True)


@contextmanager
def quiet_start() -> Iterator[None]:
    """Keep off the terminal what the backend's libraries, C++ past Python's streams, write to it while they start."""
    os.environ.update({**QUIET, **os.environ})  # what the user set stays
    saved = os.dup(2)
    try:
        with Path(os.devnull).open("w") as sink:
            os.dup2(sink.fileno(), 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
