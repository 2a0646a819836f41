"""The launcher and the nodes on which its jobs run, compared with this machine."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from mnistsweep.doctor.findings import Finding, fault, note, ok
from mnistsweep.doctor.log_folder import scratch_folder
from mnistsweep.doctor.node import LOCK, NodeJob, NodeReport, examine
from mnistsweep.errors import MnistSweepError
from mnistsweep.locks import exclusive_lock
from mnistsweep.repeating_thread import RepeatingThread
from mnistsweep.text import format_count, listed

MAX_SKEW_SECONDS = 60.0
"""Difference of two clocks above which times in tables and in TensorBoard confuse. No decision depends on them."""

MAX_LISTED = 5
POLL_SECONDS = 0.2

# Runs a function as jobs of the launcher; returns what each job returned.
LaunchJobs = Callable[[NodeJob], Sequence[Any]]


def check_nodes(logs: str, launch: LaunchJobs) -> Iterator[Finding]:
    """Run jobs of the launcher, and compare what they found on their nodes with this machine.

    Args:
        logs: Path of the folder of the sweeps, which the nodes must share.
        launch: Runs a function as jobs of the launcher.
    """
    with ExitStack() as stack:
        try:
            shared = stack.enter_context(scratch_folder(logs))
        except (OSError, MnistSweepError):  # the check of the folder has said so
            return
        stack.enter_context(exclusive_lock(shared / LOCK))
        arrivals = _Arrivals(shared)
        began = time.time()
        try:
            arrivals.thread.start()
            reports = [NodeReport(**found) for found in launch(NodeJob(shared))]
        except MnistSweepError as error:
            yield fault("launcher", str(error).partition("; the same command continues")[0])
            return
        finally:
            arrivals.thread.stop()
        own = examine(shared)
        yield from _compare(own, reports, arrivals.differences(reports, began, time.time()), shared)


class _Arrivals:
    """The times at which this machine first saw the files of the jobs: a clock that differs shows there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: dict[str, float] = {}
        self.thread = RepeatingThread("arrivals", POLL_SECONDS, self._look)

    def _look(self) -> None:
        for path in self._folder.glob("*.json"):
            self._seen.setdefault(path.stem, time.time())

    def differences(self, reports: Sequence[NodeReport], began: float, ended: float) -> list[float]:
        """How far the clock of each node is from this one at least, in seconds; positive: it is ahead."""
        found = []
        for index, report in enumerate(reports):
            latest = self._seen.get(str(index), ended)
            found.append(max(0.0, report.seconds - latest) - max(0.0, began - report.seconds))
        return found


def _compare(
    own: NodeReport, reports: Sequence[NodeReport], differences: Sequence[float], folder: Path
) -> Iterator[Finding]:
    hosts = Counter(report.host for report in reports)
    gpus = sum(len(report.gpus) for report in reports)
    text = f"{format_count(len(reports), 'job')} ran on {listed(sorted(hosts), MAX_LISTED)}"
    yield ok("nodes", f"{text}, with {format_count(gpus, 'GPU')}" if gpus else text)
    if blind := _hosts(reports, lambda report: not report.sees_folder):
        yield fault(
            "nodes", f"{blind} not see {folder.parent}: name a folder that all nodes share, such as logs=/shared/logs"
        )
    elif loose := _hosts(reports, lambda report: report.got_lock):
        yield fault(
            "locks", f"a lock of this machine does not exclude processes there: {loose} not see it; mount the folder "
            "with locks (NFS 4), or use storage=postgresql+psycopg://..."
        )  # fmt: skip
    else:
        yield ok("locks", "a lock of this machine excludes the jobs")
    yield from _compare_versions(own.versions, reports)
    for report, difference in zip(reports, differences, strict=True):
        if abs(difference) > MAX_SKEW_SECONDS:
            where = "ahead of" if difference > 0 else "behind"
            yield note("clock", f"{report.host} is at least {abs(difference):.0f} s {where} this machine: run NTP")


def _compare_versions(own: Mapping[str, str], reports: Sequence[NodeReport]) -> Iterator[Finding]:
    wrong = False
    for host, found in {report.host: report.versions for report in reports}.items():
        other = [
            f"{name} {found.get(name, 'not installed')} (here {own.get(name, 'not installed')})"
            for name in sorted({*own, *found})
            if own.get(name) != found.get(name)
        ]
        if other:
            wrong = True
            yield fault("versions", f"{host} has {', '.join(other)}: install the same versions on all nodes")
    if not wrong:
        yield ok("versions", "all nodes have the packages of this machine")


def _hosts(reports: Sequence[NodeReport], is_wrong: Callable[[NodeReport], bool]) -> str:
    """The hosts of reports, with the verb of a sentence; empty if there is none."""
    hosts = sorted({report.host for report in reports if is_wrong(report)})
    return f"{listed(hosts, MAX_LISTED)} {'do' if len(hosts) > 1 else 'does'}" if hosts else ""
