"""`mnistsweep sweep`: open the sweep, run its workers with a live table, print a summary."""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

from rich.console import Console

from mnistsweep import hparams_table
from mnistsweep.commands.extent import num_epochs
from mnistsweep.commands.live_table import LiveTable
from mnistsweep.commands.sweep_output import print_complete, print_ending, print_header, print_stopped, print_summary
from mnistsweep.console import SafeConsole
from mnistsweep.errors import MnistSweepError, StudyError, SweepStopped
from mnistsweep.paths import SweepPaths
from mnistsweep.planning.opening import open_sweep
from mnistsweep.planning.plan import Plan
from mnistsweep.space import Point
from mnistsweep.stop_signal import interrupt_code
from mnistsweep.study.ending import SAME_COMMAND, Ending
from mnistsweep.study.ledger import Ledger
from mnistsweep.study.no_result import no_result_error
from mnistsweep.study.ranking import best_of
from mnistsweep.study.records import State
from mnistsweep.study.required_files import check_required_files, explain_lost_files
from mnistsweep.study.views import Views
from mnistsweep.text import format_count
from mnistsweep.workers.launchers import Launch
from mnistsweep.workers.messages import FILES_LOST, SIGNALLED, STOPS_BECAUSE, TRIAL_STARTS


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
    """
    console = console or SafeConsole()
    plan = open_sweep(plan)
    ledger = Ledger(plan.paths, plan.config.storage)
    if (ending := _complete(plan, ledger)) is not None:
        print_complete(plan, ending, console)
        _finish_files(plan, ledger)
        print_summary(plan, ledger, console)
        _require_result(plan, ledger)
        return 0
    print_header(plan, ledger, console)
    if any(record.state is State.PAUSED for record in ledger.records()):
        _finish_files(plan, ledger)  # what was stopped when the sweep had ended is paused now
    with _stopping_on_errors(plan.paths):
        with _finishing_files(plan, ledger):
            code = _run_workers(plan, ledger, launch, console)
        if code:
            print_stopped(plan, ledger, code, console)
            return code
        print_ending(plan, ledger, console)
        print_summary(plan, ledger, console)
        _require_result(plan, ledger)
    return 0


def _require_result(plan: Plan, ledger: Ledger) -> None:
    """Check that a sweep that has ended has a best trial.

    Raises:
        SweepStopped: Every trial failed, or violates a constraint.
    """
    records = ledger.records()
    is_bad = any(record.state is State.FAILED or record.result.violated for record in records)
    if best_of(records, plan.direction, plan.further) is None and is_bad:
        raise no_result_error(plan.paths, records, ledger.ending(plan.budget))


def _complete(plan: Plan, ledger: Ledger) -> Ending | None:
    """Why the sweep has nothing left to do; None if it has, or if only its oracle can know."""
    state = ledger.read()
    if len(state.unfinished) > len(state.running):  # what is paused is continued, unless the search has ended
        return ledger.ending(plan.budget) if ledger.has_ended(plan.budget) else None
    seconds = ledger.running_seconds()
    if state.running or plan.budget.next_confirmed(state.records, seconds) is not None:
        return None
    return plan.budget.ending(state.records, seconds)


def _run_workers(plan: Plan, ledger: Ledger, launch: Launch, console: Console) -> int:
    """Run the workers until all have exited.

    Returns:
        0, or the exit code of an interrupt.

    Raises:
        SweepStopped: A worker failed, or trials are left unfinished.
    """
    session, log_sizes = uuid.uuid4().hex[:8], {log: log.stat().st_size for log in plan.paths.worker_logs}

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
            codes = dict(enumerate(launch(plan, session)))
    except KeyboardInterrupt as interrupt:
        return interrupt_code(interrupt)
    failed = {index: code for index, code in codes.items() if isinstance(code, int) and code}
    for code in failed.values():
        if code > SIGNALLED and FILES_LOST not in failed.values():  # else the supervisor has stopped this worker
            return code
    if failed:
        raise SweepStopped(_failure_reason(plan.paths, failed, log_sizes))
    left = len(ledger.read().running)
    if left:
        raise SweepStopped(f"{format_count(left, 'trial')} {'are' if left > 1 else 'is'} unfinished; {SAME_COMMAND}.")
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
    """Context that calls `_finish_files` at its end; an error in the context takes precedence."""
    try:
        yield
    except BaseException:
        with contextlib.suppress(MnistSweepError, OSError):  # the ledger or the folder may be what caused the error
            check_required_files(plan.paths)
            _finish_files(plan, ledger)
        raise
    _finish_files(plan, ledger)


def _finish_files(plan: Plan, ledger: Ledger) -> None:
    """Update the exported views and remove resume files of finished trials: a killed worker may have done neither.

    Once the sweep has ended, TensorBoard's table shows what was paused as ended, too.
    """
    config, constraints = plan.config, plan.constraints
    views = Views(
        plan.paths,
        plan.space,
        plan.direction,
        config.first_objective,
        plan.train_command,
        constraints,
        plan.further,
        plan.nested_epochs,
    )
    has_ended = ledger.has_ended(plan.budget)
    views.refresh(ledger.read, lambda: has_ended)
    for record in ledger.records():
        trial = plan.paths.trial(record.number)
        if record.state.finished:
            trial.resume.unlink(missing_ok=True)
        is_stopped = record.state is State.PAUSED and has_ended and trial.folder.is_dir()
        if is_stopped and not hparams_table.has_session_end(trial.folder):
            hparams_table.write_session_end(trial.folder, success=True)


def _failure_reason(paths: SweepPaths, failed: Mapping[int, int], log_sizes: Mapping[Path, int]) -> str:
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
