"""The script that `sbatch` gets, made by submitit from the keys of ``hydra/launcher=slurm``, and its submission."""

from __future__ import annotations

import importlib.util
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mnistsweep.errors import ConfigError, SweepStopped
from mnistsweep.workers.slurm.queue import QueueUnavailable, message_in, run_command
from mnistsweep.workers.stopping import grace_seconds

MIN_WORKING_SECONDS = 60
"""Minimum time between the start of a job and the request to stop: SLURM may ask a minute early."""

LAUNCHER = "hydra/launcher=slurm"

# Keys that are no parameters of submitit, and options of sbatch that are set here.
_OWN_KEYS = ("_target_", "max_num_timeout", "additional_parameters", "python", "name", "timeout_min", "mem_gb")
_OWN_OPTIONS = ("array", "signal", "requeue", "output", "error", "open-mode")


def check_settings(settings: Mapping[str, Any]) -> None:
    """Check what can be known without SLURM, and that its commands and submitit are there.

    Args:
        settings: Keys of the launcher.

    Raises:
        ConfigError: They cannot be used on this machine.
    """
    if importlib.util.find_spec("submitit") is None:
        raise ConfigError(f"{LAUNCHER}: needs submitit, which is not installed; pip install 'mnistsweep[slurm]'.")
    if missing := [name for name in ("sbatch", "squeue", "scancel", "srun") if shutil.which(name) is None]:
        raise ConfigError(
            f"{LAUNCHER}: needs {missing[0]}, which is not on this machine; run the command on a login node of the "
            "cluster, or use hydra/launcher=local."
        )
    minutes, delay = settings["timeout_min"], settings["signal_delay_s"]
    if delay < (least := int(grace_seconds()) + 1):
        raise ConfigError(
            f"hydra.launcher.signal_delay_s: a worker needs up to {least} s to stop; received {delay}; use "
            f"{max(60, least)}."
        )
    if minutes * 60 < delay + MIN_WORKING_SECONDS:
        least = -(-(delay + MIN_WORKING_SECONDS) // 60)
        raise ConfigError(
            f"hydra.launcher.timeout_min: must be at least {least}: the workers are asked to stop {delay} s before "
            f"the limit (hydra.launcher.signal_delay_s), and need a minute to begin; received {minutes}."
        )
    if settings["array_parallelism"] < 1:
        received = settings["array_parallelism"]
        raise ConfigError(f"hydra.launcher.array_parallelism: must be at least 1; received {received}.")
    if settings["max_num_timeout"] < 0:
        received = settings["max_num_timeout"]
        raise ConfigError(f"hydra.launcher.max_num_timeout: must not be negative; received {received}.")
    for name in settings["additional_parameters"]:
        if name.replace("_", "-") in _OWN_OPTIONS:
            raise ConfigError(
                f"hydra.launcher.additional_parameters: {name} is set by the sweep; received it; leave it out."
            )


def script_text(settings: Mapping[str, Any], name: str, logs: Path, numbers: range, command: Sequence[str]) -> str:
    """The script for a job array.

    Args:
        settings: Keys of the launcher.
        name: Name of the jobs where the settings have none.
        logs: Absolute path of the folder of the workers' logs.
        numbers: Numbers of the workers.
        command: Module that a job runs, and its arguments.

    Raises:
        ConfigError: submitit refuses the settings.
    """
    import submitit

    parameters = {key: value for key, value in settings.items() if key not in _OWN_KEYS and value is not None}
    throttle = min(settings["array_parallelism"], len(numbers))
    own = {
        "array": f"{numbers.start}-{numbers.stop - 1}%{throttle}",
        "signal": f"B:USR2@{settings['signal_delay_s']}",  # to the script's own process, which python replaces
        "output": f"{str(logs).replace('%', '%%')}/%a.log",
        "requeue": True,
    }
    memory = None if settings["mem_gb"] is None else f"{int(settings['mem_gb'] * 1024)}MB"
    python = settings["python"] or shlex.quote(sys.executable)
    try:
        executor = submitit.SlurmExecutor(folder=logs)
        executor.update_parameters(
            **parameters, job_name=settings["name"] or name, time=settings["timeout_min"], mem=memory, nodes=1,
            ntasks_per_node=1, stderr_to_stdout=True, use_srun=False, wckey=None,
            additional_parameters={**settings["additional_parameters"], **own},
        )  # fmt: skip
        return str(executor._make_submission_file_text(f"exec {python} -u -m {shlex.join(command)}", ""))
    except (ValueError, TypeError, AssertionError, RuntimeError) as error:
        raise ConfigError(f"{LAUNCHER}: {error}") from error


def check_script(text: str, settings: Mapping[str, Any]) -> None:
    """Ask SLURM whether it would accept a script; nothing is submitted.

    Args:
        text: The script.
        settings: Keys of the launcher.

    Raises:
        ConfigError: It would not, or it does not answer.
    """
    try:
        answer = run_command(["sbatch", "--test-only"], text)
    except QueueUnavailable as error:
        raise ConfigError(f"{LAUNCHER}: SLURM does not answer: {error}.") from error
    if answer.returncode:
        raise ConfigError(_refusal(message_in(answer.stderr), settings))


def submit_script(text: str) -> str:
    """Submit a script, and return the identifier of its job array.

    Args:
        text: The script.

    Raises:
        SweepStopped: SLURM refuses it, or does not answer.
    """
    try:
        answer = run_command(["sbatch", "--parsable"], text)
    except QueueUnavailable as error:
        raise SweepStopped(f"{LAUNCHER}: the jobs could not be submitted: {error}.") from error
    if answer.returncode:
        raise SweepStopped(f"{LAUNCHER}: SLURM refuses the jobs: {message_in(answer.stderr)}.")
    return answer.stdout.strip().partition(";")[0]


def _refusal(message: str, settings: Mapping[str, Any]) -> str:
    """Why SLURM refuses the jobs, with the key if it is known and what exists."""
    if "partition" in message.lower() and settings["partition"] is not None:
        try:
            known = sorted(set(run_command(["sinfo", "--noheader", "--format=%R"]).stdout.split()))
        except QueueUnavailable:
            known = []
        hint = f"; there are {', '.join(known)}" if known else ""
        return f"hydra.launcher.partition: SLURM refuses {settings['partition']!r}: {message}{hint}."
    return f"{LAUNCHER}: SLURM refuses the jobs: {message}; the keys hydra.launcher.* say what they ask for."
