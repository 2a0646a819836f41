"""The watchdog of a worker: `mnistsweep stop`, hung trials, and trainings that do not stop when they are asked to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from fakes import LINE, claim, make_search, open_study

from mnistsweep.paths import SweepPaths
from mnistsweep.stop_signal import StopSignal
from mnistsweep.study.claim import Claim
from mnistsweep.study.ledger import Ledger
from mnistsweep.study.records import State
from mnistsweep.study.study import Study
from mnistsweep.workers.watchdog import HUNG_SECONDS, Watchdog

UNRESPONSIVE_SECONDS = 5.0


@dataclass
class Holder:
    claim: Claim | None = None


@dataclass
class Process:
    """A worker process with a clock that stands still, and the ways in which its watchdog ended it."""

    now: float = 0.0
    kills: list[float] = field(default_factory=list)
    exits: list[tuple[float, int]] = field(default_factory=list)

    def watchdog(self, study: Study, holder: Holder, timeout_minutes: float | None = None) -> Watchdog:
        return Watchdog(
            study, holder, StopSignal(monotonic=self.clock), timeout_minutes, self.clock,
            kill=lambda: self.kills.append(self.now),
            exit_process=lambda code: self.exits.append((self.now, code)),
            unresponsive_seconds=UNRESPONSIVE_SECONDS,
        )  # fmt: skip

    def clock(self) -> float:
        return self.now


@pytest.fixture
def process() -> Process:
    return Process()


@pytest.fixture
def study(paths: SweepPaths) -> Iterator[Study]:
    with open_study(paths, make_search(LINE, trials=3)) as study:
        yield study


def test_a_request_to_stop_reaches_the_workers_of_a_start_and_no_later_ones(
    paths: SweepPaths, storage: str | None, process: Process
) -> None:
    search = make_search(LINE, trials=3)
    with open_study(paths, search, storage, session="monday") as study:
        watchdog = process.watchdog(study, Holder())
        watchdog()
        assert not watchdog.stop()
        Ledger(paths, storage).request_stop()
        with open_study(paths, search, storage, session="monday") as restarted:
            assert restarted.is_stop_requested()
        watchdog()
        watchdog()
        assert (watchdog.stop.received, watchdog.stop.exit_code) == (15, 143)
    with open_study(paths, search, storage, session="tuesday") as study:
        assert not study.is_stop_requested()
        Ledger(paths, storage).request_stop()
        assert study.is_stop_requested()


def test_a_hung_trial_is_recorded_as_failed_and_its_process_killed(study: Study, process: Process) -> None:
    holder = Holder()
    watchdog = process.watchdog(study, holder, timeout_minutes=2.0)
    watchdog()
    process.now = 1e6  # no trial ran before
    holder.claim = claim(study)
    watchdog()
    process.now += 120 + HUNG_SECONDS
    watchdog()
    assert study.records()[0].state is State.RUNNING
    process.now += 1
    watchdog()
    (record,) = study.records()
    assert process.kills == [process.now]
    assert record.state is State.FAILED
    assert record.result.limited
    assert record.result.reason.startswith("hung: it exceeded its timeout (trial.timeout_minutes=2)")
    holder.claim = claim(study)
    watchdog()
    process.now += 60
    watchdog()
    assert len(process.kills) == 1
    assert process.exits == []


def test_a_hung_process_is_killed_also_where_another_worker_may_claim_its_trial(study: Study, process: Process) -> None:
    trial = claim(study)
    study.release(trial)
    watchdog = process.watchdog(study, Holder(trial), timeout_minutes=1.0)
    watchdog()
    process.now += 61 + HUNG_SECONDS
    watchdog()
    assert len(process.kills) == 1


def test_a_worker_that_does_not_stop_releases_its_trial_and_exits_without_a_trace(
    study: Study, process: Process
) -> None:
    watchdog = process.watchdog(study, Holder(claim(study)))
    watchdog()
    process.now = 100.0
    watchdog.stop.request()
    watchdog()
    process.now += UNRESPONSIVE_SECONDS
    watchdog()
    assert process.exits == []
    process.now += 1
    watchdog()
    assert process.exits == [(process.now, 143)]
    assert process.kills == []
    assert study.records()[0].owner == ""
    assert not list(study.paths.workers.glob("*-*"))


def test_a_worker_that_does_not_stop_exits_also_where_its_trial_cannot_be_released(
    study: Study, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    watchdog = process.watchdog(study, Holder(claim(study)))
    monkeypatch.delattr(Study, "release")
    watchdog.stop.request()
    process.now += UNRESPONSIVE_SECONDS + 1
    watchdog()
    assert process.exits == [(process.now, 143)]
    assert not list(study.paths.workers.glob("*-*"))
