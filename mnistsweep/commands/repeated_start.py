"""A start of a sweep that is complete, or that runs already.

A timer repeats a command: a complete sweep is recognized without its data and its models, and the key `if_running` says
what a start does while another one runs.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from rich.console import Console

from mnistsweep.commands.sweep_files import finish_files
from mnistsweep.commands.sweep_output import print_complete, print_result
from mnistsweep.commands.sweep_state import has_jobs, is_started
from mnistsweep.config.start_checks import JOIN, SKIP
from mnistsweep.console import SafeConsole
from mnistsweep.errors import LedgerMissing, StudyError
from mnistsweep.locks import try_exclusive_lock
from mnistsweep.planning.opening import check_same, ledger_fingerprint, open_sweep
from mnistsweep.planning.plan import Plan
from mnistsweep.planning.repeated_request import repeated_plan
from mnistsweep.study.ending import Ending
from mnistsweep.study.heartbeat_monitor import open_monitor
from mnistsweep.study.ledger import Ledger
from mnistsweep.study.no_result import no_result_error
from mnistsweep.study.ranking import best_of
from mnistsweep.study.records import State
from mnistsweep.study.sweep_file import read_sweep_file
from mnistsweep.text import format_count


def early_answer(draft: Plan, console: Console | None = None) -> int | None:
    """Answer a start with which nothing is to be done, before its data and its models are read.

    Args:
        draft: Plan of what is asked for, see `planner.draft_sweep`.
        console: Console to print to; None: the standard output.

    Returns:
        Exit code 0 if the sweep is complete, or runs and is left alone; None if the sweep is to be started.

    Raises:
        StudyError: The sweep's files cannot be used, or it runs and `if_running=fail`.
        SweepStopped: The sweep is complete without a result.
    """
    plan = repeated_plan(draft)
    if plan is None:
        return None
    console = console or SafeConsole()
    if plan.config.if_running != JOIN and (workers := _others(plan, is_started(plan.paths))) is not None:
        _leave_alone(plan, workers, console)
        return 0
    ledger = Ledger(plan.paths, plan.config.storage)
    ledger.check_search(ledger_fingerprint(plan, str(read_sweep_file(plan.paths).get("data", ""))))
    return answer_complete(plan, ledger, console)


@contextlib.contextmanager
def entered(plan: Plan, console: Console) -> Iterator[Plan | None]:
    """Context in which a start runs: the sweep is open.

    Yields its plan as the workers read it; None where a running sweep is left alone instead.

    Args:
        plan: Plan of the sweep.
        console: Console to print to.

    Raises:
        StudyError: The folder holds another search, or the sweep runs and `if_running=fail`.
    """
    with contextlib.ExitStack() as stack:
        is_new = not (plan.paths.sweep.is_file() and plan.paths.workers.is_dir())
        if is_new:
            plan = open_sweep(plan)
        else:
            check_same(plan)  # another search is refused: its files are not touched, and it is not left alone
        is_alone = stack.enter_context(try_exclusive_lock(plan.paths.start_lock, is_tested=True))
        if plan.config.if_running != JOIN and (workers := _others(plan, not is_alone)) is not None:
            _leave_alone(plan, workers, console)
            yield None
            return
        if not is_new:
            plan = open_sweep(plan)
        if not is_alone or has_jobs(plan.paths):
            console.print("joined: the sweep runs already, and the workers of this start share its trials")
        yield plan


def answer_complete(plan: Plan, ledger: Ledger, console: Console) -> int | None:
    """Print that a sweep is complete, and its best trial.

    Args:
        plan: Plan of the sweep.
        ledger: Ledger of the sweep.
        console: Console to print to.

    Returns:
        Exit code 0; None if the sweep has something to do.

    Raises:
        SweepStopped: Every trial failed, or violates a constraint.
    """
    if (ending := _complete(plan, ledger)) is None:
        return None
    print_complete(plan, ending, console)
    finish_files(plan, ledger)
    print_result(plan, ledger, console)
    require_result(plan, ledger)
    return 0


def require_result(plan: Plan, ledger: Ledger) -> None:
    """Check that a sweep that has ended has a best trial.

    Args:
        plan: Plan of the sweep.
        ledger: Ledger of the sweep.

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


def _others(plan: Plan, has_command: bool) -> list[str] | None:
    """Names of the workers that run; None if the sweep does not run.

    Args:
        plan: Plan of the sweep.
        has_command: Whether the command of another start runs, which may have no worker yet.
    """
    try:
        running = Ledger(plan.paths, plan.config.storage).running()
    except LedgerMissing:
        return [] if has_command else None
    has_command = has_command or has_jobs(plan.paths)
    monitor = open_monitor(plan.paths, plan.config.storage, plan.config.lease_seconds)
    owners = [record.owner for record in running]
    workers = monitor.alive_workers(owners) if has_command else monitor.observed_workers(owners)
    return workers if workers or has_command else None


def _leave_alone(plan: Plan, workers: Sequence[str], console: Console) -> None:
    """Print that the sweep runs already.

    Raises:
        StudyError: `if_running=fail`.
    """
    by = f" with {format_count(len(workers), 'worker')}" if workers else ""
    text = f"{plan.paths.folder} runs already{by}"
    if plan.config.if_running != SKIP:
        raise StudyError(
            f"{plan.key_prefix}if_running: fail refuses a start while the sweep runs; {text}; wait for its end, or "
            "write join or skip in place of fail."
        )
    console.print(f"{text}: left alone (if_running=skip).", soft_wrap=True)
