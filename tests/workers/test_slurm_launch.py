"""Waiting for the jobs of SLURM, with a queue that the test holds."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest
from commands import open_sweep_of

from mnistsweep.errors import SweepStopped, SweepUnfinished
from mnistsweep.planning.plan import Plan
from mnistsweep.workers.slurm import launch
from mnistsweep.workers.slurm.launch import SlurmLaunch
from mnistsweep.workers.slurm.queue import QueuedJob, QueueUnavailable
from mnistsweep.workers.slurm.recorded_jobs import read_jobs

LOST_OUTPUT = 4021
"""Status that SLURM records for a job of which the node cannot open the file of its output."""


class FakeQueue:
    """Answers of the queue, one after another; the last one stays."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.cancelled: list[tuple[list[str], bool]] = []

    def read(self, ids: Any) -> list[QueuedJob]:
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(found, BaseException):
            raise found
        return list(found)

    def cancel(self, ids: list[str], only_waiting: bool = False) -> None:
        self.cancelled.append((list(ids), only_waiting))


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    monkeypatch.chdir(tmp_path)
    return open_sweep_of(["model.dropout=0,0.1", "name=s", "workers=2"])


def launched(monkeypatch: pytest.MonkeyPatch, plan: Plan, queue: FakeQueue, said: list[str], seconds: float) -> Any:
    """Launch the workers; each look at the clock is some seconds later."""
    for name, value in {
        "submit_script": lambda text: "7",
        "script_text": lambda *_: "",
        "read_queue": queue.read,
        "cancel": queue.cancel,
    }.items():
        monkeypatch.setattr(launch, name, value)
    times = iter(range(10_000))
    clock = SlurmLaunch({"max_num_timeout": 1}, said.append, lambda _: None, lambda: seconds * next(times))
    return clock(plan, "monday")


def test_the_reason_of_the_queue_is_printed_once(monkeypatch: pytest.MonkeyPatch, plan: Plan) -> None:
    waiting = [QueuedJob("7_0", "PENDING", reason="Resources"), QueuedJob("7_1", "PENDING", reason="Priority")]
    ended = [QueuedJob("7_0", "COMPLETED"), QueuedJob("7_1", "COMPLETED")]
    queue, said = FakeQueue(*[waiting] * 9, ended), list[str]()
    with pytest.raises(SweepUnfinished, match="the jobs have ended, and budget is left; the same command continues"):
        launched(monkeypatch, plan, queue, said, 10.0)
    assert said == ["submitted: SLURM job 7, 2 workers", "SLURM job 7: 2 of 2 jobs wait: Priority (1), Resources (1)"]
    assert [(job.job_id, job.numbers) for job in read_jobs(plan.paths)] == [("7", range(2))]


def test_a_folder_that_a_node_does_not_share(monkeypatch: pytest.MonkeyPatch, plan: Plan) -> None:
    lost = [QueuedJob(f"7_{n}", "FAILED", LOST_OUTPUT, "JobLaunchFailure", "n4") for n in range(2)]
    said: list[str] = []
    with pytest.raises(SweepStopped, match=r"^job 7_0 ended on n4 without writing .*0\.log: does that node see this"):
        launched(monkeypatch, plan, FakeQueue(lost), said, 1.0)
    assert said[1].startswith("worker 0 (job 7_0 on n4): FAILED (JobLaunchFailure); its log is ")


def test_a_queue_that_does_not_answer_is_waited_for(monkeypatch: pytest.MonkeyPatch, plan: Plan) -> None:
    silent = [QueueUnavailable("no controller")] * 16
    killed = [QueuedJob("7_0", "CANCELLED", signal.SIGKILL, nodes="n1"), QueuedJob("7_1", "CANCELLED")]
    plan.paths.worker_log(0).write_text("")
    queue, said = FakeQueue(*silent, killed), list[str]()
    monkeypatch.setattr(FakeQueue, "read", _writing(plan, FakeQueue.read))
    with pytest.raises(SweepUnfinished):
        launched(monkeypatch, plan, queue, said, 10.0)
    assert said[1] == "SLURM has not answered for 120 s: no controller; still waiting."
    assert said[-1].startswith("worker 0 (job 7_0 on n1): CANCELLED; ")
    assert len([line for line in said if line.startswith("worker")]) == 1  # worker 1 had not begun


def test_waiting_jobs_are_cancelled_once_the_sweep_has_ended(monkeypatch: pytest.MonkeyPatch, plan: Plan) -> None:
    waiting, ended = [QueuedJob("7_0", "RUNNING"), QueuedJob("7_1", "PENDING")], [QueuedJob("7_0", "COMPLETED")]
    queue, asked = FakeQueue(waiting, waiting, ended), list[bool]()

    def refuse_once(ids: list[str], only_waiting: bool = False) -> None:
        asked.append(only_waiting)
        if len(asked) == 1:
            raise QueueUnavailable("the controller restarts")

    monkeypatch.setattr(queue, "cancel", refuse_once)
    monkeypatch.setattr(launch, "_has_ended", lambda ledger, plan: True)
    with pytest.raises(SweepUnfinished):
        launched(monkeypatch, plan, queue, [], 1.0)
    assert asked == [True, True]


def _writing(plan: Plan, read: Any) -> Any:
    """The worker writes to its log meanwhile."""

    def reading(queue: FakeQueue, ids: Any) -> Any:
        with plan.paths.worker_log(0).open("a") as log:
            log.write("worker 0\n")
        return read(queue, ids)

    return reading


def test_an_interrupt_cancels_the_jobs(monkeypatch: pytest.MonkeyPatch, plan: Plan) -> None:
    running, ended = [QueuedJob("7_0", "RUNNING")], [QueuedJob("7_0", "CANCELLED", signal.SIGTERM)]
    queue = FakeQueue(running, KeyboardInterrupt(130), running, ended)
    with pytest.raises(KeyboardInterrupt):
        launched(monkeypatch, plan, queue, [], 1.0)
    assert queue.cancelled == [(["7"], False)]
    assert len(queue.answers) == 1  # it has waited for the end of the jobs
