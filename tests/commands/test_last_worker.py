"""The end of a sweep by its last batch job: which job is the last one."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import open_sweep_of

from mnistsweep.commands import last_worker
from mnistsweep.locks import exclusive_lock
from mnistsweep.workers.slurm import recorded_jobs
from mnistsweep.workers.slurm.queue import QueuedJob
from mnistsweep.workers.slurm.recorded_jobs import RecordedJob, record_job

SIGTERM_CODE = 143


@pytest.mark.parametrize(
    ("jobs", "is_last"),
    [
        ([QueuedJob("7_0", "COMPLETING", restarts=1)], True),  # cancelled: it has been queued again once, before
        ([QueuedJob("7_0", "COMPLETING", restarts=2)], False),  # preempted: SLURM starts it again
        ([QueuedJob("7_0", "COMPLETING", restarts=1), QueuedJob("7_1", "PENDING")], False),
        ([QueuedJob("7_0", "COMPLETING", restarts=1), QueuedJob("7_1", "COMPLETED", restarts=3)], True),
    ],
)
def test_a_job_that_starts_again_is_not_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jobs: list[QueuedJob], is_last: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    paths = open_sweep_of(["model.dropout=0.1,0.2", "name=s", "oracle=grid"]).paths
    with exclusive_lock(paths.jobs_lock):
        record_job(paths, RecordedJob("7", 0, 2, "monday", True))
    ended: list[int] = []
    monkeypatch.setattr(recorded_jobs, "read_queue", lambda ids: jobs)
    monkeypatch.setattr(last_worker, "end_sweep", lambda plan, ledger, index, code, console: ended.append(code))
    last_worker.end_if_last(paths, 0, SIGTERM_CODE, True, restarts=1)
    assert ended == [SIGTERM_CODE] * is_last
