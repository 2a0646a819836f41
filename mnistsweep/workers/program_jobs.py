"""Workers of a user's own Hydra program as jobs of the launcher that the program chooses."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mnistsweep.config.hydra_jobs import job_index
from mnistsweep.config.job_overrides import JobOverrides
from mnistsweep.config.program_job import HydraJob
from mnistsweep.config.program_launcher import launch_workers
from mnistsweep.planning.plan import Plan
from mnistsweep.redaction import redact_output
from mnistsweep.workers.hydra_function import use_job
from mnistsweep.workers.worker import work_job


@dataclass(frozen=True)
class ProgramJobs:
    """Launches the workers of a program through its own launcher.

    Args:
        job: The program.
    """

    job: HydraJob

    def __call__(self, plan: Plan, session: str) -> list[Any]:
        """Run the workers of a sweep until they have exited; returns their exit codes."""
        assert plan.program is not None
        point = plan.space.point_at([0.0] * len(plan.space.dimensions))
        overrides = JobOverrides.from_json(plan.program["overrides"]).at(point)
        folder = plan.paths.folder.resolve()
        task = ProgramWorker(self.job, folder, session)
        return launch_workers(self.job, overrides, str(folder), plan.config.workers, task)


@dataclass(frozen=True)
class ProgramWorker:
    """The function that a launcher runs in each job: one worker, which runs trial after trial.

    Args:
        job: The program, with the function that its trials run.
        folder: Absolute path of the sweep's folder.
        session: Name of this start of the sweep.
    """

    job: HydraJob
    folder: Path
    session: str

    def __call__(self, config: Any) -> int:
        """Run the worker; the configuration of this job is not used: each trial has its own."""
        redact_output()  # the process of a job may be new
        use_job(self.job)
        return work_job(self.folder, job_index(), self.session)
