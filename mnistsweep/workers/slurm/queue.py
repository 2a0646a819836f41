"""The queue of SLURM: what its commands say about jobs, and requests to it. Nothing but its commands is used."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mnistsweep.workers.messages import SIGNALLED

ANSWER_SECONDS = 30.0
"""Maximum time in which a command of SLURM must answer; its controller may be busy, or restarting."""

_WAITING = frozenset({"PENDING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "SUSPENDED", "SPECIAL_EXIT"})
_RUNNING = frozenset({"RUNNING", "CONFIGURING", "COMPLETING", "RESIZING", "SIGNALING", "STAGE_OUT", "STOPPED"})

# Fields of `squeue` with their widths in characters; a longer value is cut off.
_FIELDS = {"JobArrayID": 40, "State": 20, "exit_code": 12, "Reason": 60, "NodeList": 200, "RestartCnt": 8}


class QueueUnavailable(Exception):
    """SLURM does not answer, or its commands are not on this machine."""


@dataclass(frozen=True)
class QueuedJob:
    """One job as the queue has it.

    Attributes:
        job_id: Identifier: that of its array, and its place there, joined by an underscore.
        state: State in SLURM's words, such as ``PENDING``.
        status: Status of its process as `os.wait` returns it, once it has ended.
        reason: Why it waits, in SLURM's words, such as ``Resources``.
        nodes: Nodes on which it runs or ran.
        restarts: How often it was queued again; counted while it still ends, so before its next start.
    """

    job_id: str
    state: str
    status: int = 0
    reason: str = ""
    nodes: str = ""
    restarts: int = 0

    @property
    def number(self) -> int:
        """Number of the job's worker: its place in the array."""
        return int(self.job_id.rpartition("_")[2])

    @property
    def is_waiting(self) -> bool:
        """Whether it waits for its start."""
        return self.state in _WAITING

    @property
    def is_running(self) -> bool:
        """Whether it runs, or is just ending."""
        return self.state in _RUNNING

    @property
    def is_bad(self) -> bool:
        """Whether it has failed or was killed, and was not asked to stop, nor cancelled before its start."""
        if self.is_waiting or self.is_running or self.state == "COMPLETED" or self.exit_code > SIGNALLED:
            return False
        return self.state != "CANCELLED" or self.status != 0

    @property
    def exit_code(self) -> int:
        """Exit code of its process; 0 if a signal or SLURM has ended it."""
        if self.state != "FAILED" or os.WIFSIGNALED(self.status):
            return 0
        return os.WEXITSTATUS(self.status) or 1


def read_queue(job_ids: Iterable[str]) -> list[QueuedJob]:
    """Jobs of arrays, those included that have ended a few minutes ago.

    Args:
        job_ids: Identifiers of the arrays.

    Raises:
        QueueUnavailable: There is no answer.
    """
    ids = list(job_ids)
    if not ids:
        return []
    fields = ",".join(f"{name}:{width}" for name, width in _FIELDS.items())
    found = run_command(["squeue", "--noheader", "--array", "--states=all", f"--jobs={','.join(ids)}", "-O", fields])
    if found.returncode and "Invalid job id" not in found.stderr:  # a single array that ended long ago
        raise QueueUnavailable(message_in(found.stderr))
    return [_job(line) for line in found.stdout.splitlines() if "_" in line[: _FIELDS["JobArrayID"]]]


def live_states(jobs: Iterable[QueuedJob]) -> list[QueuedJob]:
    """Those of some jobs that wait or run.

    Args:
        jobs: Jobs as the queue has them.
    """
    return [job for job in jobs if job.is_waiting or job.is_running]


def _job(line: str) -> QueuedJob:
    values, begin = [], 0
    for width in _FIELDS.values():
        values.append(line[begin : begin + width].strip())
        begin += width
    job_id, state, status, reason, nodes, restarts = values
    return QueuedJob(job_id, state, _number(status), reason, nodes, _number(restarts))


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else 0


def run_command(command: Sequence[str], given: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command of SLURM.

    Args:
        command: Name and arguments.
        given: Text for its standard input.

    Raises:
        QueueUnavailable: It is not on this machine, or does not answer in time.
    """
    if shutil.which(command[0]) is None:
        raise QueueUnavailable(f"there is no {command[0]} on this machine")
    try:
        return subprocess.run(
            command, input=given, capture_output=True, text=True, check=False, timeout=ANSWER_SECONDS,
            stdin=subprocess.DEVNULL if given is None else None,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise QueueUnavailable(f"{command[0]} did not answer within {ANSWER_SECONDS:g} s") from error
    except OSError as error:
        raise QueueUnavailable(f"{command[0]} cannot be run: {error.strerror}") from error


def cancel(job_ids: Iterable[str], only_waiting: bool = False) -> None:
    """Cancel jobs; running ones are asked to stop, and are killed if they do not within SLURM's `KillWait`.

    Args:
        job_ids: Identifiers of arrays, or of single jobs.
        only_waiting: Whether running jobs are left alone.

    Raises:
        QueueUnavailable: There is no answer.
    """
    if ids := list(job_ids):
        run_command(["scancel", *(["--state=PENDING"] if only_waiting else []), *ids])


def requeue(job_id: str) -> str:
    """Queue a running job again: SLURM ends it, and starts it later.

    Args:
        job_id: Identifier of the job.

    Returns:
        Why it was refused; empty if it was not.
    """
    try:
        found = run_command(["scontrol", "requeue", job_id])
    except QueueUnavailable as error:
        return str(error)
    message = message_in(found.stderr) if found.returncode else ""
    return "" if "pending" in message.lower() else message  # SLURM itself has queued a preempted job again


def is_preempted(job_id: str) -> bool:
    """Whether SLURM is taking the nodes of a running job away for another job; False if that is not known.

    Args:
        job_id: Identifier of the job.
    """
    try:
        shown = run_command(["scontrol", "show", "job", job_id]).stdout
    except QueueUnavailable:
        return False
    found = re.search(r"\bPreemptTime=(\S+)", shown)
    is_running = re.search(r"\bJobState=RUNNING\b", shown) is not None
    return is_running and found is not None and found.group(1) not in ("None", "N/A", "Unknown")


def message_in(text: str) -> str:
    """The message in the standard error of a command of SLURM, in one line."""
    lines = [re.sub(r"^\w+: (error|fatal): ", "", line).strip() for line in text.splitlines()]
    return "; ".join(line.rstrip(".") for line in lines if line) or "no message"
