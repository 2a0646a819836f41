"""`mnistsweep sweep`: open the sweep, run its workers with a live table, print a summary."""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

from rich.console import Console

from mnistsweep.commands.extent import num_epochs
from mnistsweep.commands.live_table import LiveTable
from mnistsweep.commands.notification import notifying
from mnistsweep.commands.repeated_start import answer_complete, entered, require_result
from mnistsweep.commands.sweep_files import finish_files
from mnistsweep.commands.sweep_output import print_ending, print_header, print_stopped, print_submitted, print_summary
from mnistsweep.console import SafeConsole
from mnistsweep.errors import MnistSweepError, StudyError, SweepStopped, SweepUnfinished
from mnistsweep.paths import SweepPaths
from mnistsweep.planning.plan import Plan
from mnistsweep.space import Point
from mnistsweep.stop_signal import interrupt_code
from mnistsweep.study.ending import SAME_COMMAND
from mnistsweep.study.ledger import Ledger
from mnistsweep.study.records import State
from mnistsweep.study.required_files import check_required_files, explain_lost_files
from mnistsweep.text import format_count
from mnistsweep.workers.launchers import Launch
from mnistsweep.workers.messages import FILES_LOST, SIGNALLED, STOPS_BECAUSE, TRIAL_STARTS
from mnistsweep.workers.slurm.launch import SlurmLaunch
from mnistsweep.workers.slurm.recorded_jobs import record_end


def run_sweep(plan: Plan, launch: Launch, console: Console | None = None) -> int:
    """Run a sweep to its end; the same call continues an interrupted sweep.

    Args:
        plan: Plan of the sweep.
        launch: Function that runs the workers and returns their exit codes.
        console: Console to print to; None: the standard output.

    Returns:
        The exit code: 0, or 130 or 143 when interrupted.

    Raises:
        MnistSweepError: The sweep cannot be started or cannot continue.
        SweepUnfinished: All workers have ended, and budget is left.
    """
    console = console or SafeConsole()
    with entered(plan, console) as opened:
        if opened is None:
            return 0
        ledger = Ledger(opened.paths, opened.config.storage)
        if (code := answer_complete(opened, ledger, console)) is not None:
            return code
        return run_opened(opened, ledger, launch, console)


def run_opened(plan: Plan, ledger: Ledger, launch: Launch, console: Console) -> int:
    """Run the workers of one start of a sweep that is open, until they have ended, or submit them (``detach=true``).

    Args:
        plan: Plan of the sweep as the workers read it; the number of workers is that of this start.
        ledger: Ledger of the sweep.
        launch: Function that runs the workers and returns their exit codes.
        console: Console to print to.

    Returns:
        The exit code, see `run_sweep`, which also has the errors.
    """
    if plan.config.detach and isinstance(launch, SlurmLaunch):
        return _detach(plan, ledger, launch, console)
    return notifying(plan, console, lambda: _search(plan, ledger, launch, console))


def _new_session() -> str:
    return uuid.uuid4().hex[:8]


def _detach(plan: Plan, ledger: Ledger, launch: SlurmLaunch, console: Console) -> int:
    """Submit the workers of a sweep, which goes on without this process; the last one ends it."""
    print_header(plan, ledger, console)
    session = _new_session()
    ledger.start_session(session, time.time())
    print_submitted(plan, launch.submit(plan, session), console)
    return 0


def _search(plan: Plan, ledger: Ledger, launch: Launch, console: Console) -> int:
    """Run the workers of a sweep that is not complete; the exit code and the errors are those of `run_sweep`."""
    print_header(plan, ledger, console)
    if any(record.state is State.PAUSED for record in ledger.records()):
        finish_files(plan, ledger)  # what was stopped when the sweep had ended is paused now
    with _stopping_on_errors(plan.paths):
        with _finishing_files(plan, ledger):
            code = _run_workers(plan, ledger, launch, console)
        if code:
            print_stopped(plan, ledger, code, console)
            return code
        print_ending(plan, ledger, console)
        print_summary(plan, ledger, console)
        record_end(plan.paths, ledger, plan.budget)  # for batch jobs of other starts that end later
        require_result(plan, ledger)
    return 0


def _run_workers(plan: Plan, ledger: Ledger, launch: Launch, console: Console) -> int:
    """Run the workers until all have exited.

    Returns:
        0, or the exit code of an interrupt.

    Raises:
        SweepStopped: A worker failed.
        SweepUnfinished: Trials are left unfinished.
    """
    session, log_sizes = _new_session(), {log: log.stat().st_size for log in plan.paths.worker_logs}

    def epochs_of(point: Point) -> int | None:
        return num_epochs(plan, point)

    ledger.start_session(session, time.time())
    running_time = ledger.measure_running_time()
    table = LiveTable(
        ledger,
        plan.budget,
        plan.direction,
        plan.config.first_objective,
        epochs_of,
        running_time.seconds,
        console,
        plan.further,
    )
    try:
        with running_time, table:
            found = launch(plan, session)
            codes = found if isinstance(found, Mapping) else dict(enumerate(found))
    except KeyboardInterrupt as interrupt:
        return interrupt_code(interrupt)
    failed = {index: code for index, code in codes.items() if isinstance(code, int) and code}
    for code in failed.values():
        if code > SIGNALLED and FILES_LOST not in failed.values():  # else the supervisor has stopped this worker
            return code
    if failed:
        raise SweepStopped(failure_reason(plan.paths, failed, log_sizes))
    left = len(ledger.read().running)
    if left:
        raise SweepUnfinished(
            f"{format_count(left, 'trial')} {'are' if left > 1 else 'is'} unfinished; {SAME_COMMAND}."
        )
    return 0


@contextlib.contextmanager
def _stopping_on_errors(paths: SweepPaths) -> Iterator[None]:
    """Context in which the sweep runs: a ledger or a folder that is lost now is no error of the command."""
    try:
        with explain_lost_files(paths):
            yield
    except StudyError as error:
        raise SweepStopped(str(error)) from error


@contextlib.contextmanager
def _finishing_files(plan: Plan, ledger: Ledger) -> Iterator[None]:
    """Context that calls `finish_files` at its end; an error in the context takes precedence."""
    try:
        yield
    except BaseException:
        with contextlib.suppress(MnistSweepError, OSError):  # the ledger or the folder may be what caused the error
            check_required_files(plan.paths)
            finish_files(plan, ledger)
        raise
    finish_files(plan, ledger)


def failure_reason(paths: SweepPaths, failed: Mapping[int, int], log_sizes: Mapping[Path, int]) -> str:
    """Why workers failed, from their logs: a reason that stops the sweep, or else the last line of a log.

    Args:
        paths: Paths of the sweep's files.
        failed: Exit code of each worker that failed, by its number.
        log_sizes: Size in bytes of each log before the start: what it held then is of earlier starts.
    """
    logs = [log for log in map(paths.worker_log, failed) if log.is_file()]
    texts = [log.read_bytes()[log_sizes.get(log, 0) :].decode(errors="replace") for log in logs]
    lines = [line for text in texts for line in text.splitlines() if line.strip()]
    for line in lines:
        if line.startswith(STOPS_BECAUSE):
            return line.removeprefix(STOPS_BECAUSE)
    printed = [line for line in lines if not line.startswith(TRIAL_STARTS)]
    last = printed[-1] if printed else "it printed nothing"
    where = f" (logs: {', '.join(map(str, logs))})" if logs else ""
    return f"a worker ended with code {next(iter(failed.values()))}: {last}{where}"
