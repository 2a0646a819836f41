"""The budget of a sweep, and the failures that stop it."""

from __future__ import annotations

import pytest
from fakes import LINE, claim, completed_trial, doomed_study, fail, make_search, open_study, run, train

from mnistsweep.errors import SweepStopped
from mnistsweep.paths import SweepPaths
from mnistsweep.study.budget import Budget
from mnistsweep.study.ending import Limit
from mnistsweep.study.records import Result, State, TrialRecord


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


def test_the_epochs_of_a_failed_trial_count(paths: SweepPaths) -> None:
    with open_study(paths, make_search(LINE, total_epochs=3)) as study:
        trial = claim(study)
        for epoch in (1, 2, 3):
            study.report(trial, epoch, 0.5)
        study.finish(trial, State.FAILED, Result(reason="loss became nan in epoch 4"))
        assert study.records()[0].result.epochs == 3
        assert study.claim() is None


@pytest.mark.parametrize(
    ("budget", "limit"),
    [
        (Budget(), None),
        (Budget(trials=3), None),
        (Budget(trials=2), Limit.TRIALS),
        (Budget(trials=0), Limit.TRIALS),
        (Budget(trials=2, points=2), Limit.POINTS),
        (Budget(trials=2, points=3), Limit.TRIALS),
        (Budget(total_epochs=7), None),
        (Budget(total_epochs=6), Limit.TOTAL_EPOCHS),
        (Budget(trials=3, total_epochs=6), Limit.TOTAL_EPOCHS),
        (Budget(hours=1), Limit.HOURS),
        (Budget(hours=1.0001), None),
        (Budget(trials=2, hours=1), Limit.TRIALS),
    ],
)
def test_the_first_limit_reached_ends_a_sweep(paths: SweepPaths, budget: Budget, limit: Limit | None) -> None:
    with open_study(paths, make_search(LINE, trials=2)) as study:
        run(study, epochs=3)
        ending = budget.ending(study.records(), 3600)
    assert (ending and ending.limit) == limit


ONE = completed_trial(0, 0.5)


@pytest.mark.parametrize(
    ("budget", "records", "seconds", "text"),
    [
        (Budget(trials=1), [ONE], 9, "ended: the budget of 1 trial (trials=1) was used; more: trials=N;"),
        (Budget(trials=1, points=1), [ONE], 9, "ended: the only point of the space was tried; another search: name="),
        (Budget(trials=6, points=6), [ONE] * 6, 9, "all 6 points of the search space were tried; another search"),
        (
            Budget(trials=50, hours=1), [ONE], 3725,
            "the budget of 1 h 0 min (hours=1) was spent after 1 h 2 min, with 1 of 50 trials; more: hours=N;",
        ),
        (
            Budget(trials=3, hours=0.0001), [], 5.25,
            "the budget of 0.36 s (hours=0.0001) was spent after 5.2 s, before the first trial; more: hours=N;",
        ),
        (Budget(hours=1e-6), [ONE], 0.004, "of 0.0036 s (hours=1e-06) was spent after 0.004 s, with 1 trial;"),
        (
            Budget(trials=9, total_epochs=2), [ONE], 9,
            "of 2 epochs (total_epochs=2) was spent after 3 epochs, with 1 of 9 trials; more: total_epochs=N;",
        ),
    ],
)  # fmt: skip
def test_the_reason_names_the_limit_with_its_key(
    budget: Budget, records: list[TrialRecord], seconds: float, text: str
) -> None:
    assert text in str(budget.ending(records, seconds))


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
