"""The program whose trials are calls of a function: it trains in its own way, in any library."""

from __future__ import annotations

import random
import sys
from typing import Any

import numpy as np

from mnistsweep.atomic import remove_temporary_files
from mnistsweep.config.constraints import quantities_of
from mnistsweep.errors import LeaseLost, StudyError
from mnistsweep.keras_session import clear_session
from mnistsweep.paths import TrialPaths
from mnistsweep.running_trial import running
from mnistsweep.study.claim import Claim
from mnistsweep.study.claims import Claims
from mnistsweep.study.required_files import check_required_files
from mnistsweep.study.worker_errors import worker_error
from mnistsweep.training.outcome import Outcome, failed_outcome
from mnistsweep.user_code import exits_as_failures
from mnistsweep.workers.function_result import completed_outcome, is_pruning, pruned_outcome
from mnistsweep.workers.program import TrialFunction
from mnistsweep.workers.report_writer import ReportWriter
from mnistsweep.workers.trial import Trial
from mnistsweep.workers.trial_hooks import TrialHooks


class FunctionProgram:
    """Runs each trial as one call of a function; `TrialFunction` says how a call may end.

    Args:
        hooks: Functions that are called around each trial.
        function: The function, and the configuration that is recorded for a trial.

    Attributes:
        claims: Claims of the worker.
    """

    def __init__(self, hooks: TrialHooks, function: TrialFunction) -> None:
        self._hooks = hooks
        self._function = function
        self._paths = hooks.study.paths
        self._prepared: int | None = None
        self.claims = Claims(hooks.study, hooks.should_claim_no_more)

    def check_files(self) -> None:
        """Check that the files of the sweep, and of the trial that runs, are there.

        Raises:
            StudyError: A file or a folder was deleted or moved.
        """
        check_required_files(self._paths, self._prepared)

    def run_trials(self) -> None:
        """Run trials until the study grants no more.

        Raises:
            KeyboardInterrupt: A stop was requested; the trial is not finished.
            StudyError: The ledger cannot be used, or files of the sweep were deleted or moved.
            WriteRefused: The disk is full or read-only, or a limit is exceeded.
            FileError: A file of the sweep cannot be read or written.
        """
        while (claim := self.claims.next()) is not None:
            folder = self._paths.trial(claim.number)
            try:
                self._run_trial(claim, folder)
            except LeaseLost:  # another worker owns the trial: its result counts
                self.claims.forget()
            except Exception as error:
                raise worker_error(error, self._paths.folder, folder.folder, self.check_files) or error from error

    def _run_trial(self, claim: Claim, folder: TrialPaths) -> None:
        outcome = self._outcome(claim, folder)
        self._verify()
        self._hooks.record_end(folder, outcome)
        self.claims.finish(outcome.state, outcome.result)
        remove_temporary_files(folder.folder)

    def _outcome(self, claim: Claim, folder: TrialPaths) -> Outcome:
        """Run one trial; an error that the trial caused is its outcome."""
        config, (first, *others) = self._hooks.plan.config, self._hooks.plan.objectives
        objective, direction, further = first.name, first.direction, quantities_of((), (one.name for one in others))
        writer = ReportWriter(folder, objective)
        trial = Trial(
            claim, folder.folder.absolute(), lambda step, value: self._report(writer, step, value), self._should_stop,
            config.trial.timeout_minutes,
        )  # fmt: skip
        self._prepared = None
        self.check_files()
        self._hooks.announce_trial(claim)
        try:
            with exits_as_failures(self._hooks.stop):
                self._begin(trial, claim, folder, writer)
                with running(trial, objective, direction):
                    returned = self._function(trial)
            self._require_finished(trial)
            return completed_outcome(trial, returned, objective, direction, further)
        except Exception as error:
            if isinstance(error, LeaseLost | StudyError) or self._stops_worker(error, folder):
                raise
            self._require_finished(trial)
            if is_pruning(error):
                return pruned_outcome(trial, direction)
            self._verify()
            return failed_outcome(error, folder)

    def _begin(self, trial: Trial, claim: Claim, folder: TrialPaths, writer: ReportWriter) -> None:
        self._hooks.write_configuration(folder, dict(self._function.configuration(trial)))
        self._prepared = claim.number
        self._verify()  # the folder may hold the work of another worker that owns the trial now
        folder.error.unlink(missing_ok=True)
        writer.clear()
        self._hooks.record_start(claim, folder)
        _set_seeds(claim.seed)

    def _report(self, writer: ReportWriter, step: int, value: float) -> bool:
        """Record a report; whether the pruner stops the trial."""
        self._verify()
        writer.write(step, value)
        return self.claims.report(step, value)

    def _should_stop(self) -> bool:
        return self._hooks.should_stop_trial(self._verify, self.check_files)

    def _verify(self) -> None:
        """Check that this worker may write to the trial's folder."""
        self.check_files()
        self.claims.verify()

    def _stops_worker(self, error: Exception, folder: TrialPaths) -> bool:
        return worker_error(error, self._paths.folder, folder.folder, self.check_files) is not None

    @staticmethod
    def _require_finished(trial: Trial) -> None:
        """Check that the function did not end because it was asked to: its result is then that of half a trial.

        Raises:
            KeyboardInterrupt: It was asked to stop.
        """
        if trial.is_interrupted:
            raise KeyboardInterrupt(f"trial {trial.number} was stopped on request")


def _set_seeds(seed: int) -> None:
    """Seed the global random number generators, so that a trial does not depend on the trials before it.

    PyTorch and Keras are seeded only where they are imported: their import takes seconds.
    """
    random.seed(seed)
    np.random.seed(seed)
    libraries: dict[str, Any] = {name: sys.modules.get(name) for name in ("torch", "keras")}
    if libraries["torch"] is not None:
        libraries["torch"].manual_seed(seed)
    if libraries["keras"] is not None:
        clear_session()
        libraries["keras"].utils.set_random_seed(seed)
