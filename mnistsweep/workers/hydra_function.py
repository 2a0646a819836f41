"""The function of a user's own Hydra program as the program of a sweep.

A worker runs the command line of the user again. Hydra then calls the sweeper in the worker process too, with the
function of the program, which is therefore neither pickled nor named by a path.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omegaconf import DictConfig

from mnistsweep.config.job_overrides import JobOverrides, trial_file
from mnistsweep.config.program_job import HydraJob
from mnistsweep.errors import ConfigError
from mnistsweep.workers.trial import Trial

FACTORY = f"{__name__}.HydraFunction"
"""Dotted path of the class below, the `_target_` of `Plan.program`."""

# The program of this process, as `use_job` has set it; empty in a process of another kind.
_JOBS: list[HydraJob] = []


def use_job(job: HydraJob) -> None:
    """Set the program whose function this process runs.

    Args:
        job: What Hydra has passed to the sweeper in this process.
    """
    _JOBS[:] = [job]


class HydraFunction:
    """Runs each trial as a job of Hydra; its configuration is a file with which the program repeats the trial.

    Args:
        overrides: Overrides of the trials, see `JobOverrides.to_json`.
        recorded: What else ``sweep.yaml`` holds to identify the search; it is not used here.

    Raises:
        ConfigError: This process is no process of the program.
    """

    def __init__(self, overrides: Mapping[str, Any], **recorded: Any) -> None:
        if not _JOBS:
            raise ConfigError(
                "program: the trials of this sweep are run by a Hydra program; start it with its command."
            )
        self._job = _JOBS[0]
        self._overrides = JobOverrides.from_json(overrides)
        self._composed: dict[int, DictConfig] = {}

    def configuration(self, trial: Trial) -> Mapping[str, Any]:
        """Primary configuration with which the program repeats the trial."""
        return trial_file(self._job, self._overrides.at(trial.values), self._compose(trial))

    def __call__(self, trial: Trial) -> Any:
        """Run the job."""
        folder = trial.folder.parent.parent  # the folder of the sweep has the trials' folders
        return self._job.run(self._compose(trial).copy(), str(folder), trial.number)

    def _compose(self, trial: Trial) -> DictConfig:
        """The configuration of a trial's job, composed once."""
        if trial.number not in self._composed:
            self._composed = {trial.number: self._job.compose(self._overrides.at(trial.values))}
        return self._composed[trial.number]
