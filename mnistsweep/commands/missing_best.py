"""Commands that need the best configuration of a sweep that has none."""

from __future__ import annotations

import shlex
from pathlib import Path

from mnistsweep.errors import MnistSweepError, StudyError
from mnistsweep.path_checks import is_file, is_missing
from mnistsweep.paths import SweepPaths
from mnistsweep.planning.plan_file import plan_of
from mnistsweep.study.ledger import Ledger
from mnistsweep.study.no_result import no_result_error
from mnistsweep.study.ranking import best_of
from mnistsweep.study.sweep import Sweep, load_sweep


def no_best_error(sweep: Sweep) -> MnistSweepError:
    """Error for a sweep without a best configuration.

    Args:
        sweep: Sweep in which no trial has completed, or of which ``best.yaml`` is missing.
    """
    plan = plan_of(sweep)
    ledger = Ledger(sweep.paths, plan.config.storage)
    if best_of(ledger.records(), plan.direction, plan.further) is not None:
        command = (
            f"mnistsweep export {shlex.quote(str(sweep.paths.folder))} --output {shlex.quote(str(sweep.paths.best))}"
        )
        return StudyError(f"{sweep.paths.best}: is missing; write it again: {command}.")
    return no_result_error(sweep.paths, ledger.records(), ledger.ending(plan.budget))


def require_best(folder: Path) -> None:
    """Check that a folder is no sweep without a best configuration.

    Args:
        folder: Path of the folder in which ``best.yaml`` is sought; it need not be a sweep's.

    Raises:
        MnistSweepError: It is the folder of a sweep in which no trial has completed.
    """
    paths = SweepPaths(folder)
    if is_file(paths.sweep) and is_missing(paths.best):
        raise no_best_error(load_sweep(folder))
