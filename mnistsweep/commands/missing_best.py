"""Commands that need the best configuration of a sweep that has none."""

from __future__ import annotations

from pathlib import Path

from mnistsweep.errors import MnistSweepError
from mnistsweep.path_checks import is_file, is_missing
from mnistsweep.paths import SweepPaths
from mnistsweep.planning.plan import plan_of
from mnistsweep.study.ledger import Ledger
from mnistsweep.study.no_result import no_result_error
from mnistsweep.study.sweep import Sweep, load_sweep


def no_best_error(sweep: Sweep) -> MnistSweepError:
    """Error for a sweep without a best trial.

    Args:
        sweep: Sweep in which no trial has completed.
    """
    plan = plan_of(sweep)
    ledger = Ledger(sweep.paths, plan.config.storage)
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
