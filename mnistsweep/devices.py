"""GPU and CPU threads of a worker, set through environment variables before any backend is imported.

TensorFlow, PyTorch and JAX read these variables when they are imported, so this module imports none of them for that.
"""

from __future__ import annotations

import itertools
import logging
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from mnistsweep.quiet_import import make_imports_quiet, without_standard_error

# Variables that make the GPU memory of a process grow as needed, so that several processes can share a GPU.
MEMORY_GROWTH = {"TF_FORCE_GPU_ALLOW_GROWTH": "true", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}

# Variables that silence the log of TensorFlow's C++ code.
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3"}

# TensorFlow's warning about the functions of a model (of Keras 3.15, and of `training.engines.resident`).
_RETRACING = re.compile(r"calls to <function (TensorFlowTrainer|_compile)\..* triggered tf\.function retracing")


def num_cores() -> int:
    """Number of CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def gpus() -> list[str]:
    """Names of the GPUs that may be used, as in `CUDA_VISIBLE_DEVICES`; empty without a GPU.

    They come from `CUDA_VISIBLE_DEVICES` if it is set, otherwise from `nvidia-smi`.
    """
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        names = (name.strip() for name in chosen.split(","))
        # CUDA ignores all names after an empty name or -1.
        return list(itertools.takewhile(lambda name: name not in ("", "-1"), names))
    program = shutil.which("nvidia-smi")
    return list(_listed(program)) if program is not None else []


@cache
def _listed(program: str) -> tuple[str, ...]:
    """Names of the GPUs that `nvidia-smi` lists; it can take seconds, so it is run once."""
    command = [program, "--query-gpu=uuid", "--format=csv,noheader"]
    try:
        listed = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple(listed.stdout.split()) if listed.returncode == 0 else ()


def threads_of(workers: int, threads: int | None = None) -> int:
    """CPU threads of one worker.

    Args:
        workers: Number of workers that run at the same time on this machine.
        threads: Configured number (`trainer.threads`); None: an equal share of the cores, at least 1.
    """
    return threads or max(1, num_cores() // workers)


def environment(worker: int, workers: int, threads: int | None = None) -> dict[str, str]:
    """Environment variables of a worker's process.

    Args:
        worker: Number of the worker, counted from 0.
        workers: Number of workers that run at the same time on this machine.
        threads: CPU threads of one training; None: an equal share of the cores.

    Returns:
        Variables with the number of threads. On a machine with GPUs also the worker's GPU: workers are assigned to GPUs
        in turn, and GPU memory grows as needed, so that several workers can share a GPU.
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
    """Import Keras for a process that is no worker; a repeated call does nothing.

    Args:
        threads: CPU threads of a training.
        deterministic: Whether operations are deterministic (`trainer.deterministic`).
    """
    os.environ.update(environment(0, 1, threads))
    with quiet_start():
        import keras  # noqa: F401
    if deterministic:
        use_op_determinism()


def use_op_determinism() -> None:
    """Make the backend's operations deterministic (`trainer.deterministic`); must be called before the first one."""
    import keras

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()
    elif keras.backend.backend() == "torch":
        import torch

        torch.use_deterministic_algorithms(True)


def silence_backend() -> None:
    """Silence the log of TensorFlow's C++ code, before anything imports TensorFlow; the user's settings stay.

    TensorFlow's warning about functions that are traced again and again is left out for those of Keras and of the
    engines: each model of a process has its own, and TensorFlow counts them together.
    """
    os.environ.update({**QUIET, **os.environ})
    make_imports_quiet()
    logging.getLogger("tensorflow").addFilter(_is_no_retracing)  # adding it twice has no effect


def _is_no_retracing(record: logging.LogRecord) -> bool:
    return not (isinstance(record.msg, str) and _RETRACING.search(record.msg))


@contextmanager
def quiet_start() -> Iterator[None]:
    """Silence what the C++ libraries of a backend write to the standard error while they are imported."""
    silence_backend()
    with without_standard_error():
        yield
