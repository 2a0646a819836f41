"""`mnistsweep stop`: asks the workers of a running sweep to stop, on whichever host they run."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from mnistsweep.commands.live_table import tally
from mnistsweep.commands.sweep_files import finish_files
from mnistsweep.commands.sweep_output import print_ending
from mnistsweep.console import SafeConsole
from mnistsweep.errors import SweepStopped
from mnistsweep.paths import SweepPaths
from mnistsweep.planning.plan_file import plan_of
from mnistsweep.study.ending import Limit
from mnistsweep.study.heartbeat_monitor import open_monitor
from mnistsweep.study.ledger import Ledger
from mnistsweep.study.sweep import load_sweep
from mnistsweep.text import format_count
from mnistsweep.workers.slurm.queue import QueueUnavailable, cancel
from mnistsweep.workers.slurm.recorded_jobs import live_jobs, read_jobs
from mnistsweep.workers.stopping import grace_seconds


def stop(folder: Path, wait: Callable[[float], None] = time.sleep) -> None:
    """Ask all workers of a sweep to stop, and wait until they have exited.

    Each worker keeps the resume file of its trial's last epoch. The command that started the sweep continues it. For a
    sweep that has ended, the limit that ended it is printed.

    Args:
        folder: Path of the sweep's folder.
        wait: Function that sleeps for the given number of seconds.

    Raises:
        StudyError: The folder holds no sweep, or its ledger cannot be read.
        ConfigError: The environment variable of `stopping.unresponsive_seconds` holds no positive number.
        SweepStopped: Some workers still run after `stopping.grace_seconds()` and two leases.
    """
    sweep = load_sweep(folder)
    plan = plan_of(sweep)
    ledger = Ledger(sweep.paths, plan.config.storage)
    monitor = open_monitor(sweep.paths, plan.config.storage, plan.config.lease_seconds)
    console = SafeConsole()

    def running_workers() -> list[str]:
        return monitor.alive_workers(record.owner for record in ledger.running())

    ledger.request_stop()
    cancelled = _cancel_waiting(sweep.paths, console)
    left = int(grace_seconds() + 2 * plan.config.lease_seconds)
    if workers := running_workers():
        console.print(f"asked {format_count(len(workers), 'worker')} to stop ...")
    while (workers := running_workers()) and left > 0:
        wait(1.0)
        left -= 1
    if workers:
        raise SweepStopped(f"{sweep.paths.folder}: asked to stop, but still running: {', '.join(workers)}")
    if cancelled:
        finish_files(plan, ledger)  # there may have been no worker that could do it
    done, ending = tally(ledger.records(), plan.num_trials), ledger.ending(plan.budget)
    if ending is None or ending.limit is Limit.STOP_REQUEST:
        console.print(f"stopped: {done}. The command that started the sweep continues it.", soft_wrap=True)
    else:
        console.print(done, soft_wrap=True)
        print_ending(plan, ledger, console)


def _cancel_waiting(paths: SweepPaths, console: Console) -> int:
    """Cancel the sweep's batch jobs that wait for their start; returns their number."""
    try:
        waiting = [job.job_id for job in live_jobs(paths) if job.is_waiting]
        cancel(waiting)
    except QueueUnavailable as error:
        jobs = ", ".join(job.job_id for job in read_jobs(paths))
        console.print(f"SLURM does not answer ({error}): jobs of {jobs} may still wait, and stop when they start.")
        return 0
    if waiting:
        console.print(f"cancelled {format_count(len(waiting), 'job')} that waited: {', '.join(waiting)}")
    return len(waiting)
