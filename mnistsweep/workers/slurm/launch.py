"""``hydra/launcher=slurm``: submits the workers of a sweep as a job array, and waits for it unless ``detach=true``."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mnistsweep.errors import ConfigError, MnistSweepError, SweepStopped, SweepUnfinished
from mnistsweep.locks import exclusive_lock
from mnistsweep.paths import SweepPaths
from mnistsweep.planning.plan import Plan
from mnistsweep.study.ending import SAME_COMMAND
from mnistsweep.study.ledger import Ledger
from mnistsweep.text import format_count
from mnistsweep.workers.slurm.queue import QueuedJob, QueueUnavailable, cancel, read_queue
from mnistsweep.workers.slurm.recorded_jobs import RecordedJob, record_job
from mnistsweep.workers.slurm.script import check_script, check_settings, script_text, submit_script
from mnistsweep.workers.worker_numbers import free_range

POLL_SECONDS = 2.0
"""Time between two looks at the queue."""

REASON_SECONDS = 30.0
"""Time after which the reason for which jobs wait is printed, and then whenever it changes."""

SILENCE_SECONDS = 120.0
"""Time without an answer of SLURM after which that is printed."""

MODULE = "mnistsweep.commands.slurm_job"
DETACHED = "detached"


@dataclass
class SlurmLaunch:
    """Launches the workers of a sweep as jobs of SLURM.

    Args:
        settings: Keys of the launcher.
        say: Function that prints a line while the sweep runs.
        wait: Function that sleeps for a number of seconds.
        monotonic: Clock in seconds.
    """

    settings: Mapping[str, Any]
    say: Callable[[str], None] = lambda line: print(line, flush=True)
    wait: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic

    def check(self, plan: Plan) -> None:
        """Check that SLURM would accept the jobs, before anything is written.

        Args:
            plan: Plan of the sweep.

        Raises:
            ConfigError: It would not.
        """
        check_settings(self.settings)
        if plan.is_handed_over:
            rule = "runs the workers on other machines, which do not have the objects of this program"
            raise ConfigError(f"hydra/launcher=slurm: {rule}; write the model and the data as functions in a module.")
        check_script(self._script(plan, range(plan.config.workers), "session"), self.settings)

    def submit(self, plan: Plan, session: str) -> RecordedJob:
        """Submit the workers of a start, and return at once.

        Args:
            plan: Plan of the sweep.
            session: Name of this start of the sweep.

        Raises:
            SweepStopped: SLURM refuses the jobs, or does not answer.
        """
        with exclusive_lock(plan.paths.jobs_lock):
            numbers = free_range(plan.paths, plan.config.workers)
            job_id = submit_script(self._script(plan, numbers, session))
            job = RecordedJob(job_id, numbers.start, len(numbers), session, plan.config.detach)
            record_job(plan.paths, job)
        return job

    def __call__(self, plan: Plan, session: str) -> dict[int, int]:
        """Run the workers until they have exited; returns their exit codes by their numbers.

        Raises:
            SweepStopped: The jobs could not be submitted, or a worker could not be started.
            SweepUnfinished: The jobs have ended, and budget is left.
            KeyboardInterrupt: A signal asked to stop.
        """
        sizes = {log: log.stat().st_size for log in plan.paths.worker_logs}
        job = self.submit(plan, session)
        self.say(f"submitted: SLURM job {job.job_id}, {format_count(job.count, 'worker')}")
        watch = _Watch(plan, job, self)
        try:
            found = watch.until_ended()
        except BaseException:
            with contextlib.suppress(QueueUnavailable):
                cancel([job.job_id])
                watch.until_cancelled()
            raise
        ledger = Ledger(plan.paths, plan.config.storage)
        if ledger.has_ended(plan.budget):
            return dict.fromkeys(job.numbers, 0)
        for one in found:
            log = plan.paths.worker_log(one.number)
            if one.is_bad and not (log.is_file() and log.stat().st_size > sizes.get(log, 0)):
                raise SweepStopped(
                    f"job {one.job_id} ended on {one.nodes or 'its node'} without writing {log}: does that node see "
                    "this folder? logs=FOLDER must be shared by all nodes."
                )
        codes = {one.number: one.exit_code for one in found}
        if not any(codes.values()) and ledger.ending(plan.budget) is None:
            raise SweepUnfinished(f"the jobs have ended, and budget is left; {SAME_COMMAND}.")
        return codes

    def _script(self, plan: Plan, numbers: range, session: str) -> str:
        folder = plan.paths.folder.resolve()
        command = [MODULE, str(folder), session, str(self.settings["max_num_timeout"])]
        command += [DETACHED] if plan.config.detach else []
        logs = SweepPaths(folder).workers
        return script_text(self.settings, str(plan.config.name), logs, numbers, command)


@dataclass
class _Watch:
    """Looks at the queue until the jobs of a start have ended."""

    plan: Plan
    job: RecordedJob
    launch: SlurmLaunch
    _reported: set[str] = field(default_factory=set)
    _reason: str = ""

    def until_ended(self) -> list[QueuedJob]:
        """Wait until all jobs have ended; waiting ones are cancelled once the sweep has ended."""
        ledger, start = Ledger(self.plan.paths, self.plan.config.storage), self.launch.monotonic()
        last: dict[str, QueuedJob] = {}
        for jobs in self._looks():
            last |= {job.job_id: job for job in jobs}
            self._report_failures(jobs)
            waiting = [job for job in jobs if job.is_waiting]
            if not waiting and not any(job.is_running for job in jobs):
                break
            if waiting and self.launch.monotonic() - start > REASON_SECONDS:
                self._report_reason(waiting, len(jobs))
            if waiting and _has_ended(ledger, self.plan):
                with contextlib.suppress(QueueUnavailable):  # the next look tries again
                    cancel([self.job.job_id], only_waiting=True)
        return list(last.values())

    def until_cancelled(self) -> None:
        """Wait until jobs that were cancelled have ended; SLURM kills those that do not end."""
        for jobs in self._looks():
            if not any(job.is_waiting or job.is_running for job in jobs):
                break

    def _looks(self) -> Iterator[Sequence[QueuedJob]]:
        """What the queue holds, again and again; a time without an answer is left out."""
        answered = self.launch.monotonic()
        while True:
            try:
                jobs = read_queue([self.job.job_id])
            except QueueUnavailable as error:
                if self.launch.monotonic() - answered > SILENCE_SECONDS:
                    self.launch.say(f"SLURM has not answered for {SILENCE_SECONDS:g} s: {error}; still waiting.")
                    answered = self.launch.monotonic()
            else:
                answered = self.launch.monotonic()
                yield jobs
            self.launch.wait(POLL_SECONDS)

    def _report_reason(self, waiting: Sequence[QueuedJob], count: int) -> None:
        reasons = Counter(job.reason for job in waiting)
        found = ", ".join(f"{reason} ({number})" for reason, number in sorted(reasons.items()))
        if found != self._reason:
            self._reason = found
            self.launch.say(f"SLURM job {self.job.job_id}: {len(waiting)} of {count} jobs wait: {found}")

    def _report_failures(self, jobs: Sequence[QueuedJob]) -> None:
        """Print each job that has failed or was killed, once: the others go on."""
        for job in jobs:
            if job.is_bad and job.job_id not in self._reported:
                self._reported.add(job.job_id)
                log = self.plan.paths.worker_log(job.number)
                why = "" if job.reason in ("", "None") else f" ({job.reason})"
                where = f"worker {job.number} (job {job.job_id} on {job.nodes})"
                self.launch.say(f"{where}: {job.state}{why}; its log is {log}")


def _has_ended(ledger: Ledger, plan: Plan) -> bool:
    try:
        return ledger.has_ended(plan.budget)
    except MnistSweepError:  # the workers find the same error, and stop with a message
        return False
