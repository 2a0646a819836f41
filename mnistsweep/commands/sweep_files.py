"""The files of a sweep that its command brings up to date: tables, resume files, TensorBoard's table."""

from __future__ import annotations

from pathlib import Path

from mnistsweep.planning.plan import Plan
from mnistsweep.study.ledger import Ledger
from mnistsweep.study.records import State
from mnistsweep.study.views import Views

SESSION_END = b"_hparams_/session_end_info"
"""Tag of the event that ends a trial in TensorBoard's table; its own constant imports TensorBoard."""


def finish_files(plan: Plan, ledger: Ledger) -> None:
    """Update the exported views and remove resume files of finished trials: a killed worker may have done neither.

    Once the sweep has ended, TensorBoard's table shows what was paused as ended, too.

    Args:
        plan: Plan of the sweep.
        ledger: Ledger of the sweep.
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
        if is_stopped and not _has_session_end(trial.folder):
            from mnistsweep.hparams_table import (
                write_session_end,
            )  # imports TensorBoard, which takes a third of a second

            write_session_end(trial.folder, success=True)


def _has_session_end(folder: Path) -> bool:
    """Whether TensorBoard's table shows a trial as ended, by its event files."""
    return any(SESSION_END in file.read_bytes() for file in folder.glob("events.out.tfevents.*.hparams"))
