"""What a worker does beside its trials: it hears a request to stop, ends a trial that hangs, minds its memory."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass

import psutil
import pytest
from commands import finished_sweep
from fakes import LINE, claim, make_search, open_study

from mnistsweep.commands import inspect
from mnistsweep.errors import SweepStopped
from mnistsweep.paths import SweepPaths
from mnistsweep.study.claim import Claim
from mnistsweep.study.ledger import Ledger
from mnistsweep.study.records import State
from mnistsweep.workers.signals import StopSignal
from mnistsweep.workers.watchdog import DEAF_SECONDS, HUNG_SECONDS, Memory, Upkeep


@dataclass
class Running:
    claim: Claim | None = None


def test_a_request_to_stop_reaches_the_workers_of_a_start_and_no_later_ones(
    paths: SweepPaths, storage: str | None
) -> None:
    search = make_search(LINE, trials=3)
    with open_study(paths, search, storage, session="monday") as study:
        stop = StopSignal()
        upkeep = Upkeep(study, Running(), stop, None)
        upkeep()
        assert not stop()
        Ledger(paths, storage).request_stop()
        with open_study(paths, search, storage, session="monday") as restarted:
            assert restarted.is_stopped()
        upkeep()
        upkeep()
        assert (stop.received, stop.exit_code) == (15, 143)
    with open_study(paths, search, storage, session="tuesday") as study:
        assert not study.is_stopped()
        Ledger(paths, storage).request_stop()
        assert study.is_stopped()


def test_a_trial_that_does_not_come_back_is_recorded_and_its_process_ended(paths: SweepPaths) -> None:
    now, ended = [0.0], []
    with open_study(paths, make_search(LINE, trials=3)) as study:
        running = Running()
        upkeep = Upkeep(study, running, StopSignal(), 2.0, lambda: now[0], lambda: ended.append(now[0]))
        upkeep()
        now[0] = 1e6  # nothing ran so far
        running.claim = claim(study)
        upkeep()
        now[0] += 120 + HUNG_SECONDS
        upkeep()
        assert study.records()[0].state is State.RUNNING
        now[0] += 1
        upkeep()
        (record,) = study.records()
        assert ended == [now[0]]
        assert record.state is State.FAILED
        assert record.result.limited
        assert record.result.reason.startswith("hung: past its time (trial.timeout_minutes=2)")
        running.claim = claim(study)
        upkeep()
        now[0] += 60
        upkeep()
        assert len(ended) == 1


def test_a_training_that_does_not_hear_a_request_to_stop_is_ended_and_its_trial_given_back(paths: SweepPaths) -> None:
    now, ended = [0.0], []
    with open_study(paths, make_search(LINE, trials=3)) as study:
        stop = StopSignal()
        upkeep = Upkeep(study, Running(claim(study)), stop, None, lambda: now[0], lambda: ended.append(now[0]))
        upkeep()
        stop.ask()
        now[0] = 100.0
        upkeep()
        assert ended == []
        now[0] += DEAF_SECONDS + 1
        upkeep()
        assert ended == [now[0]]
        assert study.records()[0].owner == ""


def test_a_hung_process_is_ended_also_where_its_trial_is_anothers_by_now(paths: SweepPaths) -> None:
    now, ended = [0.0], []
    with open_study(paths, make_search(LINE, trials=3)) as study:
        trial = claim(study)
        study.release(trial)
        upkeep = Upkeep(study, Running(trial), StopSignal(), 1.0, lambda: now[0], lambda: ended.append(now[0]))
        upkeep()
        now[0] += 61 + HUNG_SECONDS
        upkeep()
        assert len(ended) == 1


@pytest.mark.parametrize(("gigabytes", "exceeded"), [(1e-6, True), (1e6, False)])
def test_a_process_is_too_large_past_the_limit(gigabytes: float, exceeded: bool) -> None:
    assert Memory(gigabytes, 1).is_exceeded() == exceeded


def test_by_default_a_worker_has_its_part_of_the_machine() -> None:
    alone, shared = Memory(None, 1).limit, Memory(None, 4).limit
    assert alone // 4 == pytest.approx(shared, abs=4)
    assert 0 < alone <= 0.8 * psutil.virtual_memory().total


class TestStop:
    """`mnistsweep stop`, with a worker that listens or does not."""

    @pytest.fixture(autouse=True)
    def folder(self, tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(str(tmp_path))

    def test_it_waits_until_the_workers_have_given_their_trials_back(self, capsys: pytest.CaptureFixture[str]) -> None:
        plan = finished_sweep(["model.dropout=interval(0,0.5)", "trials=5", "name=s"], [0.5])
        worker = ExitStack()
        study = worker.enter_context(open_study(plan.paths, make_search(plan.space, trials=5), session="now"))
        trial = claim(study)
        waited: list[float] = []

        def wait(seconds: float) -> None:
            waited.append(seconds)
            if len(waited) == 2:
                assert study.is_stopped()
                study.release(trial)  # the process is still there
            if len(waited) == 3:
                worker.close()

        inspect.stop(plan.paths.folder, wait)
        assert len(waited) == 3
        out = capsys.readouterr().out
        assert "asked 1 worker to stop ..." in out
        assert "stopped: 1 of 5 trials · 1 completed · 1 interrupted. The command that began it continues." in out

    def test_one_that_does_not_listen_is_named(self) -> None:
        plan = finished_sweep(["model.dropout=interval(0,0.5)", "trials=5", "name=s"], [0.5])
        waited: list[float] = []
        with open_study(plan.paths, make_search(plan.space, trials=5), session="now") as study:
            claim(study)
            with pytest.raises(SweepStopped, match=f"asked to stop, but still running: {study.lease.owner}"):
                inspect.stop(plan.paths.folder, waited.append)
        assert sum(waited) == 40

    def test_a_sweep_that_nobody_runs_is_stopped_at_once(self, capsys: pytest.CaptureFixture[str]) -> None:
        plan = finished_sweep(["model.dropout=interval(0,0.5)", "trials=5", "name=s"], [0.5])
        inspect.stop(plan.paths.folder, lambda seconds: pytest.fail("there is nobody to wait for"))
        assert "stopped: 1 of 5 trials" in capsys.readouterr().out
