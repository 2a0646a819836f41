"""The end of a sweep without the command that has started it: the last worker does what that command would do."""

from __future__ import annotations

import contextlib

from rich.console import Console

from mnistsweep.commands.notification import notifying
from mnistsweep.commands.repeated_start import require_result
from mnistsweep.commands.sweep import failure_reason
from mnistsweep.commands.sweep_files import finish_files
from mnistsweep.commands.sweep_output import print_ending, print_stopped, print_summary
from mnistsweep.commands.sweep_state import is_started
from mnistsweep.console import SafeConsole
from mnistsweep.errors import SweepStopped, SweepUnfinished
from mnistsweep.locks import exclusive_lock
from mnistsweep.paths import SweepPaths
from mnistsweep.planning.plan import Plan
from mnistsweep.planning.plan_file import read_plan
from mnistsweep.study.ending import SAME_COMMAND
from mnistsweep.study.heartbeat_monitor import open_monitor
from mnistsweep.study.ledger import Ledger
from mnistsweep.text import format_count
from mnistsweep.workers.messages import SIGNALLED
from mnistsweep.workers.slurm.queue import QueuedJob, QueueUnavailable, cancel
from mnistsweep.workers.slurm.recorded_jobs import is_end_recorded, live_jobs, record_end


def end_if_last(paths: SweepPaths, index: int, code: int, is_detached: bool, restarts: int) -> None:
    """Bring the sweep to its end if no other worker runs and none will: files, summary, notification.

    Args:
        paths: Paths of the sweep's files.
        index: Number of the worker that has ended.
        code: Its exit code.
        is_detached: Whether the start of this worker does not wait for it. Otherwise the start ends the sweep as long
            as it runs.
        restarts: How often the job of this worker had been queued again when it started.

    Raises:
        MnistSweepError: The sweep has failed, or has ended with budget left.
    """
    if not is_detached and is_started(paths):
        return
    plan = read_plan(paths)
    with exclusive_lock(paths.end_lock):
        ledger = Ledger(paths, plan.config.storage)
        monitor = open_monitor(paths, plan.config.storage, plan.config.lease_seconds)
        if monitor.observed_workers(record.owner for record in ledger.running()):
            return
        ending = ledger.ending(plan.budget)
        live = _live_jobs(paths)
        waiting = [job.job_id for job in live if job.is_waiting]
        is_requeued = any(job.number == index and job.restarts > restarts for job in live)
        if ending is None and (waiting or is_requeued):
            return
        with contextlib.suppress(QueueUnavailable):
            cancel(waiting)
        if is_end_recorded(paths, ledger, plan.budget):
            return
        try:
            end_sweep(plan, ledger, index, code, SafeConsole())
        finally:
            record_end(paths, ledger, plan.budget)


def end_sweep(plan: Plan, ledger: Ledger, index: int, code: int, console: Console) -> None:
    """Write the tables, print the summary, and notify, as the command that starts a sweep does.

    Args:
        plan: Plan of the sweep.
        ledger: Ledger of the sweep.
        index: Number of the worker that has ended last.
        code: Its exit code.
        console: Console to print to.

    Raises:
        MnistSweepError: The sweep has failed, or has ended with budget left.
    """

    def run() -> int:
        finish_files(plan, ledger)
        ending = ledger.ending(plan.budget)
        if code > SIGNALLED and (ending is None or ending.is_stopped):
            print_stopped(plan, ledger, code, console)
            return code
        if 0 < code < SIGNALLED:
            raise SweepStopped(failure_reason(plan.paths, {index: code}, {}))
        if left := len(ledger.read().running):
            raise SweepUnfinished(f"{format_count(left, 'trial')} left unfinished; {SAME_COMMAND}.")
        if ending is None:
            raise SweepUnfinished(f"the workers have ended, and budget is left; {SAME_COMMAND}.")
        print_ending(plan, ledger, console)
        print_summary(plan, ledger, console)
        require_result(plan, ledger)
        return 0

    notifying(plan, console, run)


def _live_jobs(paths: SweepPaths) -> list[QueuedJob]:
    """The sweep's jobs that wait or run; none if SLURM does not answer."""
    try:
        return live_jobs(paths)
    except QueueUnavailable:
        return []
