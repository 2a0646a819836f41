"""One job of SLURM: a worker of a sweep with its supervisor (``python -m mnistsweep.commands.slurm_job FOLDER ...``).

SLURM asks a job to stop before its time limit, and when it takes its node away (preemption). The worker then gives its
trial back at its last finished epoch, and the job is queued again. A job that was cancelled ends. The last worker of a
sweep does what the command that has started it would have done at the end, if that command no longer runs.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from mnistsweep.commands.last_worker import end_if_last
from mnistsweep.errors import MnistSweepError
from mnistsweep.paths import SweepPaths
from mnistsweep.planning.plan_file import read_plan
from mnistsweep.printable import make_streams_safe
from mnistsweep.redaction import mask, redact_output
from mnistsweep.stop_signal import interrupt_code
from mnistsweep.study.ledger import Ledger
from mnistsweep.workers import supervisor
from mnistsweep.workers.messages import BATCH_JOB, SIGNALLED
from mnistsweep.workers.slurm.launch import DETACHED
from mnistsweep.workers.slurm.queue import is_preempted, requeue
from mnistsweep.workers.worker_numbers import held_number

WARNINGS = (signal.SIGUSR1, signal.SIGUSR2)
"""Signals before the time limit and at a preemption; which one depends on the cluster."""

REQUEUE_SECONDS = 60.0
"""Maximum time until SLURM ends a job that it has agreed to queue again."""


def main(arguments: Sequence[str]) -> int:
    """Run the worker of this job, and return the exit code of the job.

    Args:
        arguments: Folder of the sweep, name of the start, maximum number of times that the job is queued again, and
            `DETACHED` if the start does not wait.
    """
    make_streams_safe()
    redact_output()
    for number in WARNINGS:
        signal.signal(number, _ignore)  # after the worker has ended, too
    folder, session, limit, is_detached = Path(arguments[0]), arguments[1], int(arguments[2]), DETACHED in arguments[3:]
    index, job_id = int(os.environ["SLURM_ARRAY_TASK_ID"]), _job_id()
    print(f"worker {index}: job {job_id} on {os.environ.get('SLURMD_NODENAME', 'this machine')}", flush=True)
    try:
        code = _run_worker(folder, index, session)
        is_over = code > SIGNALLED and (code - SIGNALLED in WARNINGS or is_preempted(job_id))
        if is_over and _is_queued_again(SweepPaths(folder), index, job_id, limit):
            time.sleep(REQUEUE_SECONDS)
            return code
        end_if_last(SweepPaths(folder), index, code, is_detached, _restarts())
    except MnistSweepError as error:
        print(f"worker {index}: {mask(' '.join(str(error).splitlines()))}", file=sys.stderr)
        return error.exit_code
    return code


def _ignore(number: int, frame: object) -> None:
    """Do nothing; a handler, because the default of these signals ends the process."""


def _job_id() -> str:
    return f"{os.environ['SLURM_ARRAY_JOB_ID']}_{os.environ['SLURM_ARRAY_TASK_ID']}"


def _restarts() -> int:
    """How often this job had been queued again when it started."""
    return int(os.environ.get("SLURM_RESTART_COUNT", "0"))


def _run_worker(folder: Path, index: int, session: str) -> int:
    """Run the worker until it has ended; returns its exit code, or 128 + the signal that this process received."""
    surroundings = supervisor.Surroundings(second_signal_ends_process=False, further_signals=WARNINGS)
    paths = SweepPaths(folder)
    threads = read_plan(paths).config.trainer.threads
    try:
        with held_number(paths, index):
            return supervisor.run_workers(folder, [index], threads, session, _command, surroundings)[0]
    except KeyboardInterrupt as interrupt:
        return interrupt_code(interrupt)


def _command(folder: Path, index: int, session: str) -> list[str]:
    return [*supervisor.worker_command(folder, index, session), BATCH_JOB]


def _is_queued_again(paths: SweepPaths, index: int, job_id: str, limit: int) -> bool:
    """Queue this job again if the sweep has more to do; whether SLURM has agreed."""
    plan = read_plan(paths)
    if Ledger(paths, plan.config.storage).ending(plan.budget) is not None:
        return False
    if _restarts() >= limit:
        print(f"worker {index}: not queued again: it was {limit} times (hydra.launcher.max_num_timeout)", flush=True)
        return False
    refusal = requeue(job_id)
    text = f"could not be queued again: {refusal}" if refusal else "is queued again: its time is over"
    print(f"worker {index}: job {job_id} {text}", flush=True)
    return not refusal


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        sys.exit(main(sys.argv[1:]))
