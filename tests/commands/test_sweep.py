"""`mnistsweep sweep` and `status`: what they print when a sweep ends, with workers that train nothing."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import command
from fakes import claim, make_search, open_study, train, wait_until

from mnistsweep.commands.extent import num_epochs
from mnistsweep.commands.sweep import run_sweep
from mnistsweep.config.recipe import Recipe
from mnistsweep.errors import SweepStopped
from mnistsweep.planning.plan import Plan
from mnistsweep.planning.planner import plan_sweep
from mnistsweep.space import Point
from mnistsweep.study.leases import Lease
from mnistsweep.study.ledger import Ledger
from mnistsweep.study.records import Result, State
from mnistsweep.study.storage.stores import open_coordinator
from mnistsweep.study.study import Study
from mnistsweep.workers.launchers import Launch
from mnistsweep.workers.messages import STOPS_BECAUSE, SWEEP_STOPPED, TRIAL_STARTS
from mnistsweep.workers.search_settings import make_search_settings

Capture = pytest.CaptureFixture[str]

LINE = "model.dropout=interval(0,0.5)"
# Two numbers, although the interval has no finite number of points.
PAIR = "model.dropout=interval(0.1,0.10000000000000002)"
ALL = "model.dropout=0,0.1"


@pytest.fixture(autouse=True)
def working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def plan_of(*overrides: str) -> Plan:
    return plan_sweep(Recipe(), ["name=s", "trainer.epochs=2", *overrides])


def workers(after: Callable[[Study, int], None] = lambda study, number: None, fails: bool = False) -> Launch:
    """A launcher with one worker, which calls a function after each trial."""

    def launch(plan: Plan, session: str) -> list[int]:
        with Lease(plan.paths, open_coordinator(plan.paths, None)) as lease:
            study = Study(plan.paths, make_search_settings(plan, plan.paths), lease, None, session, lambda: 0.0)
            try:
                while (found := study.claim()) is not None:
                    if fails:
                        study.finish(found, State.FAILED, Result(reason="no luck"))
                    else:
                        train(study, found, 0.5, epochs=2)
                    after(study, found.number)
            except SweepStopped as error:
                plan.paths.worker_log(0).write_text(f"{STOPS_BECAUSE}{error}\n")
                return [SWEEP_STOPPED]
            except KeyboardInterrupt as interrupt:
                return [int(str(interrupt))]
        return [0]

    return launch


def spend_the_hours(study: Study, number: int) -> None:
    seconds = 3725.0 if number == 1 else 60.0
    study._sessions.write_running_seconds(seconds)


NO_POINT = "no point of the search space is left that was not tried"

# Overrides, the trials that finish, and a part of the reason for which the sweep then ends.
ENDINGS = [
    ([LINE, "trials=3"], "3 of 3 trials", "the budget of 3 trials (trials=3) was used; more: trials=N"),
    ([ALL, "trials=3"], "2 of 2 trials", "all 2 points of the search space were tried; another search: name=NAME."),
    (
        [LINE, "trials=3", "hours=1"],
        "2 of 3 trials",
        "1 h 0 min (hours=1) was spent after 1 h 2 min, with 2 of 3 trials;",
    ),
    ([LINE, "trials=null", "hours=1"], "2 trials", "1 h 0 min (hours=1) was spent after 1 h 2 min, with 2 trials;"),
    (
        [LINE, "trials=3", "total_epochs=3"],
        "2 of 3 trials",
        "3 epochs (total_epochs=3) was spent after 4 epochs, with 2 of 3 trials;",
    ),
    ([PAIR, "trials=3", "oracle=random"], "2 of 3 trials", NO_POINT),
    ([PAIR, "trials=3", "oracle=tpe"], "2 of 3 trials", NO_POINT),
]


@pytest.mark.parametrize(("overrides", "finished", "reason"), ENDINGS)
def test_the_end_of_a_sweep_has_a_reason(overrides: list[str], finished: str, reason: str, capfd: Capture) -> None:
    after = spend_the_hours if "hours=1" in overrides else lambda study, number: None
    assert run_sweep(plan_of(*overrides), workers(after)) == 0
    lines = capfd.readouterr().out.splitlines()
    (ended,) = [line for line in lines if line.startswith("ended: ")]
    assert reason in ended
    assert any(line.startswith(finished) for line in lines)
    assert run_sweep(plan_of(*overrides), workers()) == 0  # the second start
    again = capfd.readouterr().out
    assert again.count(reason) == 1
    assert ("this sweep is complete: " in again) == (PAIR not in overrides)
    status = command(capfd, "status", "logs/s").out.splitlines()
    assert finished in status[0]
    assert status[1] == ended


@pytest.mark.parametrize(
    ("overrides", "point", "epochs"),
    [
        ([LINE, "trainer.repeats=3"], {"model.dropout": 0.1}, 6),
        (["trainer.epochs=3,5", "trainer.repeats=1,4"], {"trainer.epochs": 5, "trainer.repeats": 4}, 20),
        (["trainer.batch_size=32,64", "trainer.epochs=${trainer.batch_size}"], {"trainer.batch_size": 64}, 64),
    ],
)
def test_the_epochs_of_a_trial_are_summed_over_repeats(overrides: list[str], point: Point, epochs: int) -> None:
    assert num_epochs(plan_of(*overrides), point) == epochs


def test_a_larger_budget_continues(capfd: Capture) -> None:
    for hours, trials in ((1, 2), (2, 5)):
        assert run_sweep(plan_of(LINE, "trials=5", f"hours={hours}"), workers(spend_the_hours)) == 0
        assert f"{trials} of 5 trials" in capfd.readouterr().out


def test_a_budget_that_ends_before_the_first_trial_is_explained(capfd: Capture) -> None:
    def launch(plan: Plan, session: str) -> list[int]:
        Ledger(plan.paths)._sessions.write_running_seconds(5.0)  # that is how long the start took
        return workers()(plan, session)

    assert run_sweep(plan_of(LINE, "trials=3", "hours=1e-6"), launch) == 0
    printed = capfd.readouterr().out
    assert "0 of 3 trials" in printed
    assert "ended: the budget of 0.0036 s (hours=1e-06) was spent after " in printed
    assert " s, before the first trial; more: hours=N; another search: name=NAME.\n" in printed


def test_an_oracle_without_a_point_ends_the_sweep_until_it_finds_one(capfd: Capture) -> None:
    plan = plan_of(PAIR, "trials=4", "oracle=random")
    assert run_sweep(plan, workers()) == 0
    assert "no point of the search space is left" in command(capfd, "status", "logs/s").out

    def launch(started: Plan, session: str) -> list[int]:  # another version, which can find a third point
        with open_study(plan.paths, make_search(plan_of(LINE, "trials=3").space, trials=3)) as study:
            train(study, claim(study), 0.5)
        raise KeyboardInterrupt(130)

    assert run_sweep(plan, launch) == 130
    assert "interrupted: with 3 of 4 trials; the same command continues." in command(capfd, "status", "logs/s").out


def test_too_many_failures_stop_the_sweep_with_the_first_reason(capfd: Capture) -> None:
    with pytest.raises(SweepStopped, match=r"2 trials in a row have failed .* trial 0: no luck"):
        run_sweep(plan_of(LINE, "trials=5", "max_consecutive_failed_trials=2"), workers(fails=True))
    status = command(capfd, "status", "logs/s").out.splitlines()
    assert status[1] == (
        "stopped: 2 trials in a row have failed (max_consecutive_failed_trials=2). "
        "The first of them, trial 0: no luck; the same command continues."
    )


def test_a_sweep_in_which_every_trial_failed_ends_with_the_first_reason(capfd: Capture) -> None:
    line = (LINE, "trials=3", "max_consecutive_failed_trials=9")
    first = r"^logs/s: every trial failed \(3 of 3\)\. Trial 0: no luck\. Correct the cause, then: more: trials=N; "
    with pytest.raises(SweepStopped, match=first):
        run_sweep(plan_of(*line), workers(fails=True))
    assert "3 of 3 trials · 3 failed" in capfd.readouterr().out
    with pytest.raises(SweepStopped, match=first):
        run_sweep(plan_of(*line), workers())
    assert "this sweep is complete" in capfd.readouterr().out
    assert run_sweep(plan_of(LINE, "trials=4", "max_consecutive_failed_trials=9"), workers()) == 0


@pytest.mark.parametrize(("code", "by"), [(130, "SIGINT"), (143, "SIGTERM"), (255, "exit code 255")])
def test_an_interrupted_sweep_names_the_signal(code: int, by: str, capfd: Capture) -> None:
    def interrupt(study: Study, number: int) -> None:
        raise KeyboardInterrupt(code)

    assert run_sweep(plan_of(LINE, "trials=5"), workers(interrupt)) == code
    assert f"stopped: 1 of 5 trials · 1 completed, by {by}. The same command continues.\n" in capfd.readouterr().out
    assert "interrupted: with 1 of 5 trials; the same command continues." in command(capfd, "status", "logs/s").out


def test_a_request_to_stop_is_named_until_the_next_start(capfd: Capture) -> None:
    def request(study: Study, number: int) -> None:
        study.request_stop()
        raise KeyboardInterrupt(143)

    assert run_sweep(plan_of(LINE, "trials=5"), workers(request)) == 143
    assert "1 completed, by `mnistsweep stop`. The same command continues." in capfd.readouterr().out
    stopped = "stopped: `mnistsweep stop` was called, with 1 of 5 trials; the same command continues."
    assert stopped in command(capfd, "status", "logs/s").out

    def interrupt(study: Study, number: int) -> None:
        raise KeyboardInterrupt(143)

    assert run_sweep(plan_of(LINE, "trials=5"), workers(interrupt)) == 143
    assert "2 completed, by SIGTERM. The same command continues." in capfd.readouterr().out
    assert "interrupted: with 2 of 5 trials; the same command continues." in command(capfd, "status", "logs/s").out
    seen: list[str] = []
    run_sweep(plan_of(LINE, "trials=5"), workers(lambda study, _: seen.append(command(capfd, "status", "logs/s").out)))
    assert all("\nrunning: 1 worker\n" in text for text in seen)
    assert "ended: the budget of 5 trials (trials=5) was used" in command(capfd, "status", "logs/s").out


def test_a_failed_worker_is_explained_by_what_it_printed_in_this_start(capfd: Capture) -> None:
    plan = plan_of(LINE, "trials=5", "workers=2")

    def launch(started: Plan, session: str) -> list[int]:
        with plan.paths.worker_log(1).open("a") as log:
            log.write(f"{TRIAL_STARTS}0\nRuntimeError: today\n")
        with plan.paths.worker_log(0).open("a") as log:
            log.write(f"{TRIAL_STARTS}1\nsome warning\n")
        return [0, 1]

    plan.paths.workers.mkdir(parents=True)
    for index in (0, 1):
        plan.paths.worker_log(index).write_text(f"{STOPS_BECAUSE}a reason of last week\n")
        os.utime(plan.paths.worker_log(index), (4e9, 4e9))
    with pytest.raises(SweepStopped, match=r"^a worker ended with code 1: RuntimeError: today \(logs: .*/1\.log\)$"):
        run_sweep(plan, launch)


def test_the_command_measures_from_its_start_to_its_end(capfd: Capture) -> None:
    plan = plan_of(LINE, "trials=1")

    def launch(started: Plan, session: str) -> list[int]:
        begun = Ledger(plan.paths).measure_running_time()
        wait_until(lambda: begun.seconds() > 0.05)
        return workers()(started, session)

    run_sweep(plan, launch)
    assert 0.05 < Ledger(plan.paths).running_seconds() < 60
    assert "· running time " in command(capfd, "status", "logs/s").out
