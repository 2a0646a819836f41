"""The lease protocol as a state machine: workers on several hosts that crash, stop, come back late and see stale signs.

Every worker and every observer has a clock of its own, with an origin of its own. Time passes for all of them; a worker
that runs writes heartbeats, one that is suspended or cut off does not. The real `Study` runs over a real
journal; only hosts, clocks and heartbeats are simulated.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fakes import LINE, make_search
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from mnistsweep.errors import LeaseLost
from mnistsweep.locks import exclusive_lock
from mnistsweep.paths import SweepPaths
from mnistsweep.study.claim import Claim
from mnistsweep.study.coordination import Coordinator
from mnistsweep.study.leases import HEARTBEATS_PER_LEASE, LEASE_SECONDS, Lease
from mnistsweep.study.opened_ledger import create_ledger
from mnistsweep.study.ownership import MAX_CRASHES
from mnistsweep.study.records import Result, State
from mnistsweep.study.study import Study

TRIALS = 4
STEP = LEASE_SECONDS / HEARTBEATS_PER_LEASE


class Network(Coordinator):
    """Heartbeats in memory; those of some workers are lost."""

    def __init__(self, paths: SweepPaths) -> None:
        self._paths = paths
        self._signs: dict[str, int] = {}
        self.cut_off: set[str] = set()

    def exclusive(self) -> AbstractContextManager[None]:
        return exclusive_lock(self._paths.ledger_lock)

    def write_heartbeat(self, owner: str, count: int) -> None:
        self._signs[owner] = count

    def read_heartbeat(self, owner: str) -> int | None:
        return self._signs.get(owner)

    def remove_heartbeat(self, owner: str) -> None:
        self._signs.pop(owner, None)


@dataclass(eq=False)
class Host:
    """A worker and the host that it runs on.

    Attributes:
        clock: Its own monotonic clock, in seconds.
        lease: Lease of the worker.
        study: The ledger as it sees it.
        holds: The trial that it believes to be its own.
        runs: False while it is stopped.
        away: For how long it showed no sign that arrived, in seconds.
        robbable: Whether it was away for so long, since it took what it holds, that another may have taken it over.
    """

    clock: list[float]
    lease: Lease
    study: Study
    holds: Claim | None = None
    runs: bool = True
    away: float = 0.0
    robbable: bool = False


def applies(*conditions: str) -> Callable[..., Any]:
    """A rule for one of the living hosts for which all the named conditions hold; not drawn where there is none."""

    def hosts_of(machine: Protocol) -> list[Host]:
        return [host for host in machine.living if all(CONDITIONS[name](host) for name in conditions)]

    def decorate(function: Callable[[Protocol, Host], None]) -> Any:
        def run(self: Protocol, which: int) -> None:
            hosts = hosts_of(self)
            function(self, hosts[which % len(hosts)])

        run.__name__ = function.__name__
        return precondition(lambda self: bool(hosts_of(self)))(rule(which=st.integers(0, 5))(run))

    return decorate


CONDITIONS: dict[str, Callable[[Host], bool]] = {
    "runs": lambda host: host.runs,
    "stopped": lambda host: not host.runs,
    "free": lambda host: host.holds is None,
    "busy": lambda host: host.holds is not None,
}


class Protocol(RuleBasedStateMachine):
    """Up to four workers; any may crash between any two steps, and another start in its place."""

    def __init__(self) -> None:
        super().__init__()
        self._temporary = tempfile.TemporaryDirectory()
        self.paths = SweepPaths(Path(self._temporary.name) / "sweep")
        create_ledger(self.paths, None, "max", "val_accuracy", {})
        self.network = Network(self.paths)
        self.living: list[Host] = []
        self.written: dict[int, float] = {}
        self.count = 0
        self._begin(5.0)
        self._begin(1e6)

    def teardown(self) -> None:
        """However it went, a last worker finishes exactly the budget, and no result has changed."""
        try:
            self._finish_all(self._begin(0.0))
        finally:
            self._temporary.cleanup()

    def _finish_all(self, last: Host) -> None:
        self.living = [last]
        while True:
            claim = last.study.claim()
            if claim is not None:
                self.write(last, claim, claim.point["x"])
            elif last.study.others_are_running:
                self.pass_time(1)
            else:
                break
        records = last.study.records()
        assert [record.number for record in records] == list(range(TRIALS))
        for record in records:
            if record.number in self.written:
                assert (record.state, record.result.objective) == (State.COMPLETED, self.written[record.number])
            else:
                assert f"died {MAX_CRASHES} times" in record.result.reason

    def write(self, host: Host, claim: Claim, value: float) -> None:
        host.study.finish(claim, State.COMPLETED, Result(value, 1, 1))
        assert claim.number not in self.written, "a result was written twice"
        self.written[claim.number] = value

    @precondition(lambda self: len(self.living) < 4)
    @rule(origin=st.floats(0, 1e6))
    def begin(self, origin: float) -> None:
        self._begin(origin)

    def _begin(self, origin: float) -> Host:
        clock = [origin]
        lease = Lease(self.paths, self.network, monotonic=lambda: clock[0])
        self.count += 1
        lease.owner = f"host-{self.count:08x}-1-abcdef"  # a kernel of its own, that no other can ask
        lease.write_heartbeat()
        search = make_search(LINE, trials=TRIALS)
        host = Host(clock, lease, Study(self.paths, search, lease, None, "session", lambda: 0.0))
        self.living.append(host)
        return host

    @applies("runs", "free")
    def claim(self, host: Host) -> None:
        self._claim(host)

    def _claim(self, host: Host) -> None:
        host.holds = host.study.claim()
        host.robbable = host.away > 0

    @applies("runs", "busy")
    def finish(self, host: Host) -> None:
        self._finish(host)

    def _finish(self, host: Host) -> None:
        claim, host.holds = host.holds, None
        assert claim is not None
        try:
            self.write(host, claim, self.count + claim.number / 8)
        except LeaseLost:
            assert host.robbable, "a worker that showed its signs was robbed"

    @applies("runs", "busy")
    def report(self, host: Host) -> None:
        assert host.holds is not None
        try:
            host.study.verify(host.holds)
        except LeaseLost:
            assert host.robbable, "a worker that showed its signs was robbed"
            host.holds = None
        else:
            host.study.report(host.holds, 1, 0.5)

    @applies("runs", "busy")
    def release(self, host: Host) -> None:
        assert host.holds is not None
        host.study.release(host.holds)
        host.holds = None

    @applies()
    def stop_or_go_on(self, host: Host) -> None:
        host.runs = not host.runs

    @applies()
    def cut_off_or_reconnect(self, host: Host) -> None:
        self.network.cut_off ^= {host.lease.owner}

    @applies()
    def crash(self, host: Host) -> None:
        self.living.remove(host)

    @rule(signs=st.sampled_from([1, 2, HEARTBEATS_PER_LEASE, 3 * HEARTBEATS_PER_LEASE]))
    def pass_time(self, signs: int) -> None:
        """A number of intervals between two heartbeats; observers that wait for a trial look at heartbeats then."""
        for _ in range(signs):
            for host in self.living:
                host.clock[0] += STEP
                host.away += STEP
            for host in self.living:
                if host.runs and host.lease.owner not in self.network.cut_off:
                    host.lease.write_heartbeat()
                    host.away = 0.0
                host.robbable = host.robbable or host.away > LEASE_SECONDS - STEP
            for host in self.living:
                host.study.observe_workers()

    @precondition(lambda self: any(host.runs and host.holds for host in self.living))
    @rule(which=st.integers(0, 5), signs=st.sampled_from([1, 3, 4, 6, 10]), finishes=st.booleans())
    def be_away(self, which: int, signs: int, finishes: bool) -> None:
        """A worker is stopped in its trial for a while, in which the others take what they can get."""
        busy = [host for host in self.living if host.runs and host.holds]
        host = busy[which % len(busy)]
        host.runs = False
        self.pass_time(signs)
        for other in self.living:
            if other.runs and not other.holds:
                self._claim(other)
        host.runs = True
        if finishes:
            self._finish(host)

    @invariant()
    def one_owner(self) -> None:
        """No trial is two workers' at once."""
        owners: dict[int, list[str]] = {}
        for host in self.living:
            if host.holds is not None:
                with contextlib.suppress(LeaseLost):
                    host.study.verify(host.holds)
                    owners.setdefault(host.holds.number, []).append(host.lease.owner)
        assert all(len(names) == 1 for names in owners.values()), owners

    @precondition(lambda self: self.living)
    @invariant()
    def nothing_is_lost(self) -> None:
        """Never more trials than the budget; what was written stays."""
        records = self.living[0].study.records()
        assert len(records) <= TRIALS
        for number, value in self.written.items():
            assert records[number].result.objective == value


class TestProtocol(Protocol.TestCase):
    settings = settings(max_examples=50, stateful_step_count=50)


@pytest.mark.slow
class TestProtocolAtLength(Protocol.TestCase):
    settings = settings(max_examples=250, stateful_step_count=50)
