"""The files of a sweep that its command brings up to date: tables, results, resume files, TensorBoard's table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mnistsweep.atomic import atomic_write, write_yaml
from mnistsweep.commands.best_configuration import best_configuration
from mnistsweep.errors import ConfigError, StudyError
from mnistsweep.planning.plan import Plan
from mnistsweep.study.front import front_of, values_of
from mnistsweep.study.ledger import Ledger
from mnistsweep.study.ranking import best_of
from mnistsweep.study.records import State, TrialRecord
from mnistsweep.study.sweep import load_sweep
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
    records = ledger.records()
    _write_best_of_another_machine(plan, records)
    if plan.key_prefix:
        _write_optimization_results(plan, records)
    for record in records:
        trial = plan.paths.trial(record.number)
        if record.state.finished:
            trial.resume.unlink(missing_ok=True)
        is_stopped = record.state is State.PAUSED and has_ended and trial.folder.is_dir()
        if is_stopped and not _has_session_end(trial.folder):
            from mnistsweep.hparams_table import write_session_end  # imports TensorBoard: a third of a second

            write_session_end(trial.folder, success=True)


def _write_best_of_another_machine(plan: Plan, records: Sequence[TrialRecord]) -> None:
    """Write ``best.yaml`` by the ledger if the best trial has no file here, so that it is not of an earlier best.

    Machines that share a database but no folder have the files of their own trials only.
    """
    best = best_of(records, plan.direction, plan.further)
    if best is None or plan.paths.trial(best.number).config.is_file():
        return
    try:
        found = best_configuration(load_sweep(plan.paths.folder), plan, best)
    except (ConfigError, StudyError):  # a secret is not set, or the file is damaged: `export` says so
        return
    if found.note:
        with atomic_write(plan.paths.best, durable=False, create_folder=False) as part:
            part.write_text(found.text, encoding="utf-8")


def _write_optimization_results(plan: Plan, records: Sequence[TrialRecord]) -> None:
    """Write ``optimization_results.yaml`` as Hydra's Optuna sweeper does, for Hydra programs that read it."""
    best = best_of(records, plan.direction, plan.further)
    if best is None:
        return
    content: dict[str, Any] = {"name": "mnistsweep"}
    if plan.further:
        found = [(dict(one.point), values_of(one.result, plan.further)) for one in front_of(records, plan.objectives)]
        content["solutions"] = [{"params": point, "values": list(values or ())} for point, values in found]
    else:
        content |= {"best_params": dict(best.point), "best_value": best.result.objective}
    write_yaml(plan.paths.optimization_results, content)


def _has_session_end(folder: Path) -> bool:
    """Whether TensorBoard's table shows a trial as ended, by its event files."""
    return any(SESSION_END in file.read_bytes() for file in folder.glob("events.out.tfevents.*.hparams"))
