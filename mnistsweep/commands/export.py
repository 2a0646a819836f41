"""`mnistsweep export`: writes the best configuration of a sweep, and on request the best trial's model, to files."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from mnistsweep.atomic import atomic_write
from mnistsweep.commands.best_configuration import BestConfiguration, best_configuration, trial_configuration
from mnistsweep.commands.missing_best import no_best_error
from mnistsweep.console import SafeConsole
from mnistsweep.errors import StudyError
from mnistsweep.planning.opening import ledger_fingerprint
from mnistsweep.planning.plan import Plan
from mnistsweep.planning.plan_file import plan_of
from mnistsweep.printable import write_document
from mnistsweep.study.checkpoints import find_checkpoint
from mnistsweep.study.ledger import Ledger
from mnistsweep.study.ranking import best_of
from mnistsweep.study.records import State, TrialRecord
from mnistsweep.study.sweep import Sweep, load_sweep


def export(folder: Path, output: Path | None, model: Path | None, trial: int | None = None) -> None:
    """Write the configuration of the best trial, or of another one, and on request the model of the trial.

    ``best.yaml`` is compared with the ledger. If a user has edited or removed it, the configuration comes from the best
    trial of the ledger, and a line on the standard error says so.

    Args:
        folder: Path of the sweep's folder.
        output: Path of the YAML file to write; None prints the configuration.
        trial: Number of the trial; None: the best one.
        model: Path of the model file to write, which must end with ``.keras``, or with ``.weights.h5`` for a model that
            Keras could only write as its weights; None writes no model.

    Raises:
        SweepStopped: Every trial failed.
        StudyError: No trial has completed yet, a file is missing, the model is not the one that the trial saved, or
            the ledger has lost finished trials or records another search.
    """
    sweep = load_sweep(folder)
    plan = plan_of(sweep)
    exported = _best_configuration(sweep, plan) if trial is None else _configuration(sweep, plan, trial)
    source, text = None if model is None else _model_file(sweep, plan, model, trial), exported.text
    if exported.note:
        SafeConsole(stderr=True).print(exported.note, soft_wrap=True)
    if output is None:
        write_document(text)
    else:
        with atomic_write(output) as part:
            part.write_text(text, encoding="utf-8")
        _print_written(output)
    if source is not None and model is not None:
        with atomic_write(model) as part:
            shutil.copyfile(source, part)
        _print_written(model)


def _print_written(file: Path) -> None:
    """Name a file that was written, on the standard error: the standard output is for the configuration."""
    SafeConsole(stderr=True).print(f"written: {file}", soft_wrap=True)


def _open_ledger(sweep: Sweep, plan: Plan) -> Ledger:
    """Open the ledger of a sweep, and check that it records the sweep's own search."""
    ledger = Ledger(sweep.paths, plan.config.storage)
    ledger.check_search(ledger_fingerprint(plan, str(sweep.config.get("data", ""))))
    return ledger


def _best_configuration(sweep: Sweep, plan: Plan) -> BestConfiguration:
    try:
        records = _open_ledger(sweep, plan).records()
    except StudyError as error:
        if plan.config.storage is None or sweep.best is None:
            raise
        # A database need not be reachable for a file that is there.
        text = sweep.paths.best.read_text(encoding="utf-8")
        return BestConfiguration(text, f"{sweep.paths.best}: not compared with the ledger: {error}")
    best = best_of(records, plan.direction, plan.further)
    if best is None:
        raise no_best_error(sweep)
    return best_configuration(sweep, plan, best)


def _configuration(sweep: Sweep, plan: Plan, number: int) -> BestConfiguration:
    return trial_configuration(sweep, plan, _trial(_open_ledger(sweep, plan).records(), number))


def _trial(records: Sequence[TrialRecord], number: int) -> TrialRecord:
    """Trial of a number, with its result when it was paused last.

    Raises:
        StudyError: There is no such trial, or it has no result.
    """
    if not 0 <= number < len(records):
        last = f"the last is {len(records) - 1}" if records else "there is none yet"
        raise StudyError(f"--trial: must be the number of a trial; received {number}; {last}.")
    record = records[number].at_pause or records[number]
    if record.state in (State.RUNNING, State.FAILED) or record.result.objective is None:
        rule = "must be the number of a trial with a result"
        raise StudyError(f"--trial: {rule}; received {number}, which is {record.state.value}; see mnistsweep status.")
    return record


def _model_file(sweep: Sweep, plan: Plan, target: Path, number: int | None) -> Path:
    """Path of a trial's model file.

    Args:
        sweep: Sweep to export from.
        plan: Plan of the sweep.
        target: Path that the user wants the model to be written to; only its suffix is checked.
        number: Number of the trial; None: the best one.
    """
    if target.suffix != ".keras" and not target.name.endswith(".weights.h5"):
        raise StudyError(f"--model: the name of a Keras model file ends with .keras; received {str(target)!r}.")
    records = _open_ledger(sweep, plan).records()
    best = best_of(records, plan.direction, plan.further) if number is None else _trial(records, number)
    if best is None:
        raise no_best_error(sweep)
    file = find_checkpoint(sweep.paths, best)
    if not target.name.endswith("".join(file.suffixes)):
        kind = "weights" if file.suffix == ".h5" else "model"
        raise StudyError(
            f"--model: trial {best.number} saved its {kind} as {file.name}, so the name must end with "
            f"{''.join(file.suffixes)}; received {str(target)!r}."
        )
    if best.result.checkpoint is None:
        note = f"{file}: not verified: the ledger has no checksum of the model of trial {best.number}."
        SafeConsole(stderr=True).print(note, soft_wrap=True)
    return file
