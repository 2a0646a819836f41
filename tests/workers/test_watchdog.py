"""What a worker does beside its trials: it hears a request to stop, ends a trial that hangs, minds its memory."""

from __future__ import annotations

from dataclasses import dataclass

from fakes import LINE, claim, make_search, open_study

from mnistsweep.paths import SweepPaths
from mnistsweep.study.claim import Claim
from mnistsweep.study.ledger import Ledger
from mnistsweep.study.records import State
from mnistsweep.workers.stopping import StopSignal
from mnistsweep.workers.watchdog import DEAF_SECONDS, HUNG_SECONDS, Watchdog


@dataclass
class Running:
    claim: Claim | None = None


def test_a_request_to_stop_reaches_the_workers_of_a_start_and_no_later_ones(
    paths: SweepPaths, storage: str | None
) -> None:
    search = make_search(LINE, trials=3)
    with open_study(paths, search, storage, session="monday") as study:
        stop = StopSignal()
        watchdog = Watchdog(study, Running(), stop, None)
        watchdog()
        assert not stop()
        Ledger(paths, storage).request_stop()
        with open_study(paths, search, storage, session="monday") as restarted:
            assert restarted.is_stopped()
        watchdog()
        watchdog()
        assert (stop.received, stop.exit_code) == (15, 143)
    with open_study(paths, search, storage, session="tuesday") as study:
        assert not study.is_stopped()
        Ledger(paths, storage).request_stop()
        assert study.is_stopped()


def test_a_trial_that_does_not_come_back_is_recorded_and_its_process_ended(paths: SweepPaths) -> None:
    now, ended = [0.0], []
    with open_study(paths, make_search(LINE, trials=3)) as study:
        running = Running()
        watchdog = Watchdog(study, running, StopSignal(), 2.0, lambda: now[0], lambda: ended.append(now[0]))
        watchdog()
        now[0] = 1e6  # nothing ran so far
        running.claim = claim(study)
        watchdog()
        now[0] += 120 + HUNG_SECONDS
        watchdog()
        assert study.records()[0].state is State.RUNNING
        now[0] += 1
        watchdog()
        (record,) = study.records()
        assert ended == [now[0]]
        assert record.state is State.FAILED
        assert record.result.limited
        assert record.result.reason.startswith("hung: past its time (trial.timeout_minutes=2)")
        running.claim = claim(study)
        watchdog()
        now[0] += 60
        watchdog()
        assert len(ended) == 1


def test_a_training_that_does_not_hear_a_request_to_stop_is_ended_and_its_trial_given_back(paths: SweepPaths) -> None:
    now, ended = [0.0], []
    with open_study(paths, make_search(LINE, trials=3)) as study:
        stop = StopSignal()
        watchdog = Watchdog(study, Running(claim(study)), stop, None, lambda: now[0], lambda: ended.append(now[0]))
        watchdog()
        stop.ask()
        now[0] = 100.0
        watchdog()
        assert ended == []
        now[0] += DEAF_SECONDS + 1
        watchdog()
        assert ended == [now[0]]
        assert study.records()[0].owner == ""


def test_a_hung_process_is_ended_also_where_its_trial_is_anothers_by_now(paths: SweepPaths) -> None:
    now, ended = [0.0], []
    with open_study(paths, make_search(LINE, trials=3)) as study:
        trial = claim(study)
        study.release(trial)
        watchdog = Watchdog(study, Running(trial), StopSignal(), 1.0, lambda: now[0], lambda: ended.append(now[0]))
        watchdog()
        now[0] += 61 + HUNG_SECONDS
        watchdog()
        assert len(ended) == 1
