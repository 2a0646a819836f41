"""`mnistsweep sweep`: open the sweep, run its workers with a live table, print a summary."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from typing import Any

from rich.console import Console

from mnistsweep.commands.live_table import LiveTable
from mnistsweep.commands.sweep_output import print_complete, print_header, print_stopped, print_summary
from mnistsweep.console import SafeConsole
from mnistsweep.errors import SweepStopped
from mnistsweep.paths import SweepPaths
from mnistsweep.planning.opening import open_sweep
from mnistsweep.planning.plan import Plan
from mnistsweep.study.ledger import Ledger
from mnistsweep.study.views import Views
from mnistsweep.workers.launchers import Launch
from mnistsweep.workers.messages import STOPS_BECAUSE, TRIAL_STARTS

# Larger exit codes are 128 + the number of the signal that interrupted a job, as in shells.
SIGNALLED = 128


def run_sweep(plan: Plan, launch: Launch) -> int:
    """Run a sweep to its end; the same call continues an interrupted sweep.

    Args:
        plan: Plan of the sweep.
        launch: Function that runs the workers and returns their exit codes.

    Returns:
        The exit code: 0, or 130 or 143 when interrupted.

    Raises:
        MnistSweepError: The sweep cannot be started or cannot continue.
    """
    console = SafeConsole()
    open_sweep(plan)
    ledger = Ledger(plan.paths, plan.config.storage)
    if _is_complete(plan, ledger):
        print_complete(plan, console)
        _finish_files(plan, ledger)
        print_summary(plan, ledger, console)
        return 0
    print_header(plan, ledger, console)
    try:
        code = _run_workers(plan, ledger, launch, console)
    finally:
        _finish_files(plan, ledger)
    if code:
        print_stopped(plan, ledger, console)
        return code
    print_summary(plan, ledger, console)
    return 0


def _is_complete(plan: Plan, ledger: Ledger) -> bool:
    records = ledger.records()
    return plan.budget.is_spent(records, ledger.hours()) and all(record.state.finished for record in records)


def _run_workers(plan: Plan, ledger: Ledger, launch: Launch, console: Console) -> int:
    """Run the workers until all have exited.

    Returns:
        0, or the exit code of an interrupt.

    Raises:
        SweepStopped: A worker failed, or trials are left unfinished.
    """
    session = uuid.uuid4().hex[:8]

    def epochs_of(point: dict[str, Any]) -> int:
        return int(point.get("trainer.epochs", plan.config.trainer.epochs)) * plan.config.trainer.repeats

    ledger.start_session(session, time.time())
    try:
        with LiveTable(ledger, plan.budget, plan.direction, plan.config.objective, epochs_of, console):
            codes = [code for code in launch(plan, session) if isinstance(code, int) and code]
    except KeyboardInterrupt as interrupt:
        return int(interrupt.args[0]) if interrupt.args and isinstance(interrupt.args[0], int) else 130
    interrupted = [code for code in codes if code > SIGNALLED]
    if interrupted:
        return interrupted[0]
    if codes:
        raise SweepStopped(_failure_reason(plan.paths, codes))
    left = len(ledger.read().running)
    if left:
        raise SweepStopped(f"{left} trial{'s are' if left > 1 else ' is'} unfinished; the same command continues.")
    return 0


def _finish_files(plan: Plan, ledger: Ledger) -> None:
    """Update the exported views and remove resume files of finished trials: a killed worker may have done neither."""
    Views(plan.paths, plan.space, plan.direction, plan.config.objective).refresh(ledger.read)
    for record in ledger.records():
        if record.state.finished:
            plan.paths.trial(record.number).resume.unlink(missing_ok=True)


def _failure_reason(paths: SweepPaths, codes: Sequence[int]) -> str:
    """Why workers failed, from their logs: the reason that stops the sweep, or else the last line of the last log."""
    logs = paths.worker_logs
    lines = [line for log in logs for line in log.read_text(errors="replace").splitlines() if line.strip()]
    reasons = [line.removeprefix(STOPS_BECAUSE) for line in lines if line.startswith(STOPS_BECAUSE)]
    if reasons:
        return reasons[-1]
    printed = [line for line in lines if not line.startswith(TRIAL_STARTS)]
    last = printed[-1] if printed else "it printed nothing"
    return f"a worker ended with code {codes[0]}: {last} (logs: {', '.join(str(log) for log in logs)})"
