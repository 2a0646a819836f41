"""The program whose trials train Keras models of the configuration, through KerasTuner."""

from __future__ import annotations

from mnistsweep import devices
from mnistsweep.config.compose import from_plain
from mnistsweep.config.schema import Config
from mnistsweep.config.trial_file import trial_file_content
from mnistsweep.paths import TrialPaths
from mnistsweep.study.claim import Claim
from mnistsweep.study.claims import Claims
from mnistsweep.study.sweep_file import read_sweep_file
from mnistsweep.workers.trial_hooks import TrialHooks


class KerasProgram:
    """Trains the trials of a worker; its creation imports KerasTuner and the backend.

    Args:
        hooks: Functions that are called around each trial.
    """

    def __init__(self, hooks: TrialHooks) -> None:
        with devices.quiet_start():
            from mnistsweep.training.live_models import LiveModels
            from mnistsweep.tuner.dataset_cache import DatasetCache
            from mnistsweep.tuner.study_oracle import StudyOracle
            from mnistsweep.tuner.tuner import SweepTuner
        self._hooks = hooks
        live = LiveModels(hooks.plan.config.search.live_models, hooks.free_bytes)
        hooks.release_memory = live.clear
        self._oracle = StudyOracle(hooks.study, hooks.should_claim_no_more, live=lambda: live.numbers)
        paths = hooks.study.paths
        datasets = DatasetCache(hooks.plan.config.data, str(read_sweep_file(paths).get("data")))
        events = self._prepare, hooks.record_start, hooks.record_end
        self._tuner = SweepTuner(self._oracle, paths, *events, self._should_stop, datasets, live)

    @property
    def claims(self) -> Claims:
        """Claims of the worker."""
        return self._oracle.claims

    def check_files(self) -> None:
        """Check that the files of the sweep, and of the trial that is trained, are there.

        Raises:
            StudyError: A file or a folder was deleted or moved.
        """
        self._tuner.check_files()

    def run_trials(self) -> None:
        """Train trials until the study grants no more."""
        self._tuner.search()

    def _should_stop(self) -> bool:
        return self._hooks.should_stop_trial(self.claims.verify, self.check_files)

    def _prepare(self, claim: Claim, folder: TrialPaths) -> Config:
        """Compose the configuration of a trial and write it to the trial's folder."""
        self._hooks.announce_trial(claim)
        plan = self._hooks.plan
        self._hooks.write_configuration(
            folder, trial_file_content(plan.composer.kept(claim.point, claim.seed), plan.threads)
        )
        return from_plain(plan.composer.plain(claim.point, claim.seed))
