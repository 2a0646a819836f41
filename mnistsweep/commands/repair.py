"""`mnistsweep repair`: rebuilds the ledger of a sweep from the other files in the sweep's folder."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from mnistsweep.commands.live_table import tally
from mnistsweep.console import SafeConsole
from mnistsweep.errors import StudyError
from mnistsweep.paths import SweepPaths, saved_model
from mnistsweep.planning.opening import ledger_fingerprint
from mnistsweep.planning.plan import Plan
from mnistsweep.planning.plan_file import plan_of
from mnistsweep.planning.recovery import recover_trials
from mnistsweep.study.heartbeat_monitor import open_monitor
from mnistsweep.study.ledger import Ledger
from mnistsweep.study.rebuilding import Rebuilt, rebuild_ledger
from mnistsweep.study.storage.stores import store_name
from mnistsweep.study.sweep import load_sweep
from mnistsweep.text import format_count
from mnistsweep.workers.search_settings import make_search_settings

# Maximum number of contradictions in a message.
MAX_LISTED = 10


def repair(folder: Path, wait: Callable[[float], None] = time.sleep) -> None:
    """Rebuild the ledger from ``sweep.yaml``, ``results.csv`` and the folders of the trials, where these agree.

    What is left of the ledger is kept, and a damaged journal is copied to ``study.journal.damaged``. The command that
    started the sweep then continues it as if nothing had happened.

    Args:
        folder: Path of the sweep's folder.
        wait: Function that sleeps for the given number of seconds.

    Raises:
        StudyError: The files contradict each other, or the ledger cannot be used; nothing was written. Or workers of
            the sweep still run.
    """
    sweep = load_sweep(folder)
    plan, paths = plan_of(sweep), sweep.paths
    paths.workers.mkdir(exist_ok=True)
    _check_no_worker_runs(plan, paths, wait)
    recovery = recover_trials(plan, paths)
    if recovery.contradictions:
        raise StudyError(_contradictions(paths, recovery.contradictions))
    if not recovery.has_results and not _is_readable(paths, plan.config.storage):
        raise StudyError(_no_results(paths, len(recovery.unlisted)))
    fingerprint = ledger_fingerprint(plan, str(sweep.config.get("data", "")))
    search = make_search_settings(plan, paths)
    rebuilt = rebuild_ledger(paths, plan.config.storage, search, fingerprint, plan.config.workers, recovery.trials)
    finished = {record.number for record in rebuilt.records if record.state.finished}
    _print(plan, paths, rebuilt, [number for number in recovery.unlisted if number not in finished])


def _check_no_worker_runs(plan: Plan, paths: SweepPaths, wait: Callable[[float], None]) -> None:
    """Check that no worker writes to the ledger; a worker on another host is alive until its lease has expired."""
    lease = plan.config.lease_seconds
    monitor = open_monitor(paths, plan.config.storage, lease)
    left = int(lease) + 2
    while running := monitor.alive_workers(()):
        if left <= 0:
            raise StudyError(
                f"{paths.folder}: workers of this sweep still run: {', '.join(running)}. Stop the sweep, then repeat "
                "the command. Nothing was changed."
            )
        wait(1.0)
        left -= 1


def _is_readable(paths: SweepPaths, storage: str | None) -> bool:
    """Whether the ledger can be read and has lost no finished trial."""
    try:
        Ledger(paths, storage)
    except StudyError:
        return False
    return True


def _no_results(paths: SweepPaths, num_unlisted: int) -> str:
    if num_unlisted:
        rule = f"{paths.results} is missing or empty, so the results of {num_unlisted} finished trials are unknown"
        return f"{paths.folder}: {rule}. Nothing was changed. Restore the ledger or this file from a copy."
    return (
        f"{paths.folder}: no trial has finished, so there is nothing to rebuild. The same sweep command starts again."
    )


def _contradictions(paths: SweepPaths, lines: Sequence[str]) -> str:
    more = [f"... and {len(lines) - MAX_LISTED} more."] if len(lines) > MAX_LISTED else []
    first = f"{paths.folder}: the files contradict each other, so the ledger cannot be rebuilt. Nothing was changed."
    return "\n".join([first, *lines[:MAX_LISTED], *more])


def _print(plan: Plan, paths: SweepPaths, rebuilt: Rebuilt, unlisted: Sequence[int]) -> None:
    """Print what was done, and what the rebuilt ledger lacks because the files do not contain it."""
    lines = [
        f"{store_name(paths, plan.config.storage)}: {_what_was_done(rebuilt)}{tally(rebuilt.records, plan.num_trials)}"
    ]
    if rebuilt.kept is not None:
        lines.append(f"  The damaged ledger is kept as {rebuilt.kept}.")
    lines += [f"  Trial {number} is not in results.csv; it is trained again." for number in unlisted]
    lines += [
        f"  Trial {number} has no readable config.yaml; the oracle has proposed its point again."
        for number in rebuilt.proposed
    ]
    if num_models := sum(saved_model(paths.trial(number).model).is_file() for number in rebuilt.changed):
        lines.append(
            f"  The checksums of {format_count(num_models, 'model file')} were lost with the ledger, so a file that "
            "was replaced is noticed only by its objective (report.refit=false)."
        )
    if rebuilt.changed and plan.config.oracle.get("name") == "cmaes":
        lines.append("  oracle=cmaes: its earlier draws were lost with the ledger, so it continues with other points.")
    if rebuilt.changed and plan.config.hours is not None:
        lines.append("  hours: what was lost with the ledger is estimated from the durations of the trials.")
    console = SafeConsole()
    for line in lines:
        console.print(line, soft_wrap=True)


def _what_was_done(rebuilt: Rebuilt) -> str:
    if not rebuilt.changed and not rebuilt.proposed and rebuilt.kept is None:
        return "nothing to repair: "
    return f"rebuilt, {format_count(len(rebuilt.changed), 'trial')} recovered: "
