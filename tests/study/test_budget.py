"""The budget of a sweep, and the failures that stop it."""

from __future__ import annotations

import pytest
from fakes import LINE, claim, doomed_study, fail, make_search, open_study, run, train

from mnistsweep.errors import SweepStopped
from mnistsweep.paths import SweepPaths
from mnistsweep.study.budget import Budget
from mnistsweep.study.records import Result, State


def test_epochs_are_a_budget_over_all_trials(paths: SweepPaths) -> None:
    with open_study(paths, make_search(LINE, total_epochs=7)) as study:
        claims = run(study, epochs=3)
    assert len(claims) == 3
    with open_study(paths, make_search(LINE, total_epochs=12)) as study:
        assert len(run(study, epochs=3)) == 1


def test_epochs_of_a_running_trial_count(paths: SweepPaths) -> None:
    with open_study(paths, make_search(LINE, total_epochs=4)) as study:
        first = claim(study)
        for epoch in (1, 2, 3, 4):
            study.report(first, epoch, 0.5)
        assert study.claim() is None


def test_hours_are_summed_over_sessions_and_the_time_between_does_not_count(paths: SweepPaths) -> None:
    search, now = make_search(LINE, hours=1.0), [0.0]

    def session(name: str, begin: float, minutes_a_trial: float) -> int:
        now[0] = begin
        with open_study(paths, search, session=name, clock=lambda: now[0]) as study:
            count = 0
            while (trial := study.claim()) is not None and count < 3:
                now[0] += 60 * minutes_a_trial
                train(study, trial, 0.5)
                count += 1
            if trial is not None:
                study.release(trial)
            return count

    assert session("monday", 0, 10) == 3  # 30 minutes
    assert session("tuesday", 1e6, 9) == 3  # 57 minutes
    assert session("wednesday", 2e6, 10) == 1  # the trial that was given back is begun at 57 and ends at 67
    assert session("thursday", 3e6, 10) == 0


def test_two_workers_of_one_session_share_its_hours(paths: SweepPaths) -> None:
    search, now = make_search(LINE, hours=1.0), [0.0]
    with open_study(paths, search, clock=lambda: now[0]) as a, open_study(paths, search, clock=lambda: now[0]) as b:
        first, second = claim(a), claim(b)
        now[0] = 1800
        train(a, first, 0.5)
        train(b, second, 0.5)
        assert [claim(a).number, claim(b).number] == [2, 3]  # half an hour, not twice half an hour
        now[0] = 3600
        assert a.claim() is None


def test_hours_in_which_two_sessions_run_at_once_count_once(paths: SweepPaths) -> None:
    search, now = make_search(LINE, hours=1.0), [0.0]
    with open_study(paths, search, session="a", clock=lambda: now[0]) as a:
        train(a, claim(a), 0.5)
        now[0] = 600
        with open_study(paths, search, session="b", clock=lambda: now[0]) as b:
            for minute in (20, 30):
                now[0] = 60.0 * minute
                train(a, claim(a), 0.5)
                train(b, claim(b), 0.5)
            assert a.hours() == 0.5


def test_a_waiting_worker_does_not_fill_the_ledger(paths: SweepPaths) -> None:
    search, now = make_search(LINE, hours=1.0, trials=1), [0.0]
    with open_study(paths, search, clock=lambda: now[0]) as a, open_study(paths, search, clock=lambda: now[0]) as b:
        claim(a)
        before = paths.journal.stat().st_size
        for _ in range(20):
            now[0] += 0.1
            assert b.claim() is None
            assert b.others_are_running
        assert paths.journal.stat().st_size == before
        now[0] += 60
        b.claim()
        assert a.hours() * 3600 == pytest.approx(62)


def test_the_epochs_of_a_failed_trial_count(paths: SweepPaths) -> None:
    with open_study(paths, make_search(LINE, total_epochs=3)) as study:
        trial = claim(study)
        for epoch in (1, 2, 3):
            study.report(trial, epoch, 0.5)
        study.finish(trial, State.FAILED, Result(reason="loss became nan in epoch 4"))
        assert study.records()[0].result.epochs == 3
        assert study.claim() is None


@pytest.mark.parametrize(
    ("budget", "spent"),
    [
        (Budget(), False),
        (Budget(trials=3), False),
        (Budget(trials=2), True),
        (Budget(trials=0), True),
        (Budget(total_epochs=7), False),
        (Budget(total_epochs=6), True),
        (Budget(trials=3, total_epochs=6), True),
    ],
)
def test_the_first_limit_reached_ends_a_sweep(paths: SweepPaths, budget: Budget, spent: bool) -> None:
    with open_study(paths, make_search(LINE, trials=2)) as study:
        run(study, epochs=3)
        assert budget.is_spent(study.records(), study.hours()) == spent


class TestFailuresInARow:
    """Too many failures stop the sweep; each session counts its own."""

    def test_the_message_quotes_the_first_failure(self, paths: SweepPaths) -> None:
        with open_study(paths, make_search(LINE, trials=20, failed_in_a_row=3)) as study:
            fail(study, "an early one")
            train(study, claim(study), 0.5)
            for reason in ("the first", "the second", "the third"):
                error = paths.trial(fail(study, reason).number).error
                error.parent.mkdir(parents=True, exist_ok=True)
                error.touch()
            with pytest.raises(
                SweepStopped, match=r"3 trials in a row have failed .*trial 2: the first\. See .*0002"
            ) as stop:
                study.claim()
        assert "max_consecutive_failed_trials=3" in str(stop.value)
        assert len(study.records()) == 5

    def test_a_success_resets_the_count(self, paths: SweepPaths) -> None:
        with open_study(paths, make_search(LINE, trials=6, failed_in_a_row=3)) as study:
            for number in range(6):
                if number % 3 == 2:
                    train(study, claim(study), 0.5)
                else:
                    fail(study)
            assert study.claim() is None

    def test_a_continued_sweep_counts_from_zero(self, paths: SweepPaths) -> None:
        search = make_search(LINE, trials=20, failed_in_a_row=2)
        for session in ("first", "second"):
            with open_study(paths, search, session=session) as study:
                fail(study)
                fail(study)
                with pytest.raises(SweepStopped):
                    study.claim()

    def test_a_restarted_worker_does_not_count_from_zero(self, paths: SweepPaths) -> None:
        search = make_search(LINE, trials=20, failed_in_a_row=3)
        for _ in range(3):
            with open_study(paths, search, session="one start") as study:
                fail(study)
        with open_study(paths, search, session="one start") as study, pytest.raises(SweepStopped):
            study.claim()

    def test_trials_that_crash_their_worker_count(self, paths: SweepPaths) -> None:
        search = make_search(LINE, trials=20, failed_in_a_row=2)
        for _ in range(4):
            with doomed_study(paths, search) as doomed:
                claim(doomed)
        with (
            open_study(paths, search) as study,
            pytest.raises(SweepStopped, match="trial 0: the worker's process died 2 times"),
        ):
            study.claim()

    def test_failures_in_a_window_count_with_successes_between_them(self, paths: SweepPaths) -> None:
        search = make_search(LINE, trials=20, failed_in_a_row=5, failed=3, failure_window=5)
        with open_study(paths, search) as study:
            for fails in (True, False, False, True, False, True, False):
                if fails:
                    fail(study, f"number {len(study.records())}")
                else:
                    train(study, claim(study), 0.5)
            fail(study, "number 7")  # of the last five: 3, 5 and 7
            with pytest.raises(SweepStopped, match=r"3 of the last 5 trials .*failure_window=5.* trial 3: number 3"):
                study.claim()

    def test_trials_that_a_limit_ended_do_not_count(self, paths: SweepPaths) -> None:
        search = make_search(LINE, trials=8, failed_in_a_row=2, failed=2, failure_window=9)
        with open_study(paths, search) as study:
            for _ in range(6):
                study.finish(claim(study), State.FAILED, Result(reason="too large", limited=True))
            fail(study, "broken")
            study.finish(claim(study), State.FAILED, Result(reason="too large", limited=True))
            assert study.claim() is None
            assert [record.result.limited for record in study.records()] == [True] * 6 + [False, True]
