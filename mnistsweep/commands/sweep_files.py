"""The files of a sweep that its command brings up to date: tables, resume files, TensorBoard's table."""

from __future__ import annotations

from mnistsweep import hparams_table
from mnistsweep.planning.plan import Plan
from mnistsweep.study.ledger import Ledger
from mnistsweep.study.records import State
from mnistsweep.study.views import Views


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
        if is_stopped and not hparams_table.has_session_end(trial.folder):
            hparams_table.write_session_end(trial.folder, success=True)
