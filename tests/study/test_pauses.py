"""Trials that are paused and continued: each job is granted once, and the budget of epochs is exact."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import fakes
import optuna
import pytest
from fakes import doomed_study, open_study
from rungs import run_jobs, run_until_death, rungs_search, train_job, trained_epochs, value_at

from mnistsweep.atomic import read_yaml
from mnistsweep.paths import SweepPaths
from mnistsweep.search.scheduler import Job, SearchView
from mnistsweep.study.ending import Limit
from mnistsweep.study.ledger import Ledger
from mnistsweep.study.records import State
from mnistsweep.study.sweep import Sweep


def test_a_search_pauses_continues_and_completes(paths: SweepPaths, storage: str | None) -> None:
    search = rungs_search(trials=16)
    with open_study(paths, search, storage) as study:
        claims = run_jobs(study)
        records = study.records()
        ending = study.ending(search.budget)
    epochs = [record.result.epochs for record in records]
    assert set(epochs) == {1, 2, 4, 8}
    assert [record.state for record in records] == [State.COMPLETED if e == 8 else State.PAUSED for e in epochs]
    assert sum(epochs) == trained_epochs(paths)  # none was trained twice
    assert len(claims) == sum(e.bit_length() for e in epochs)  # a job for each of the rungs 1, 2, 4, 8
    assert {claim.until for claim in claims} == {1, 2, 4, None}
    assert ending is not None
    assert ending.limit is Limit.TRIALS
    assert str(ending) == (
        "ended: the budget of 16 trials (trials=16) was used, and no trial is left that is worth continuing; "
        "more: trials=N; another search: name=NAME."
    )
    best = max(records, key=lambda record: record.result.objective or 0)
    assert Sweep(paths).trials["state"].tolist() == ["completed" if e == 8 else "stopped" for e in epochs]
    assert read_yaml(paths.best)["trainer"] == {"epochs": 8, "stop_after": None}
    assert f"# Trial {best.number} of" in paths.best.read_text()


@pytest.mark.parametrize("total", [1, 7, 29])
def test_a_budget_of_epochs_is_met_exactly(paths: SweepPaths, total: int) -> None:
    search = rungs_search(total_epochs=total)
    with open_study(paths, search) as study:
        run_jobs(study)
        assert study.claim() is None
        assert sum(record.result.epochs for record in study.records()) == trained_epochs(paths) == total
        assert "paused" not in paths.results.read_text()
    more = rungs_search(total_epochs=total + 10)
    with open_study(paths, more, session="next") as study:
        train_job(study, fakes.claim(study))
        assert study.others_are_running is False
        assert {"paused"} <= set(Sweep(paths).trials["state"]) <= {"paused", "completed"}
        run_jobs(study)
    assert trained_epochs(paths) == total + 10


def test_the_best_trial_is_named_while_it_is_paused_and_while_it_continues(paths: SweepPaths) -> None:
    search = rungs_search(trials=2)
    with open_study(paths, search) as study:
        for _ in range(2):
            train_job(study, fakes.claim(study))
        best = max(study.records(), key=lambda record: record.result.objective or 0)
        assert read_yaml(paths.best)["trainer"] == {"epochs": 8, "stop_after": 1}
        before = paths.best.read_text()
        claim = fakes.claim(study)
        assert (claim.number, claim.until) == (best.number, 2)
        assert claim.paused == best.result
        study.report(claim, 2, 0.0)
        study.write_views()
        assert paths.best.read_text() == before
        assert Sweep(paths).trials["state"].tolist() == ["paused", "paused"]
        assert study.records()[best.number].result.objective == 0.0  # what the display of the running trial shows


def test_two_workers_wait_for_each_others_jobs(paths: SweepPaths) -> None:
    search = rungs_search(total_epochs=2)
    with open_study(paths, search) as one, open_study(paths, search) as other:
        first, second = one.claim(), other.claim()
        assert first is not None
        assert second is not None
        train_job(one, first)
        assert one.claim() is None  # all epochs are granted
        assert one.others_are_running
        train_job(other, second)
        assert one.claim() is None
        assert not one.others_are_running


def test_a_job_is_taken_over_with_its_last_epoch(paths: SweepPaths, storage: str | None) -> None:
    search = rungs_search(trials=2)
    with open_study(paths, search, storage) as study:
        for _ in range(2):
            train_job(study, fakes.claim(study))
    with doomed_study(paths, search, storage) as doomed:
        killed = doomed.claim()
        assert killed is not None
        assert killed.until == 2
    with open_study(paths, search, storage) as study:
        claim = fakes.claim(study)
        assert (claim.number, claim.until, claim.paused) == (killed.number, 2, killed.paused)
        train_job(study, claim)
        run_jobs(study)
    assert trained_epochs(paths) == 3


class TestLostCheckpoints:
    """A trial without its checkpoint is trained from its first epoch, and these epochs count."""

    def test_epochs_that_are_trained_again_count(self, paths: SweepPaths) -> None:
        search = rungs_search(total_epochs=12)
        with open_study(paths, search) as study:
            for _ in range(2):
                train_job(study, fakes.claim(study))
            for _, trial in paths.trials():
                trial.resume.unlink()
            run_jobs(study)
            records = study.records()
        assert trained_epochs(paths) == 12
        assert sum(record.trained_epochs for record in records) == 12
        again = next(record for record in records if record.trained_epochs != record.last_epoch)
        assert again.result.objective == value_at(again, again.last_epoch)

    def test_what_the_budget_does_not_allow_is_not_trained_again(self, paths: SweepPaths) -> None:
        search = rungs_search(total_epochs=3)
        with open_study(paths, search) as study:
            for _ in range(2):
                train_job(study, fakes.claim(study))
            claim = fakes.claim(study)
            assert claim.until == 2
            before = claim.paused
            paths.trial(claim.number).resume.write_text("")
            assert not study.restart(claim)
            record = study.records()[claim.number]
            assert (record.state, record.result) == (State.PAUSED, before)
            assert not paths.trial(claim.number).resume.exists()
            run_jobs(study)
        assert trained_epochs(paths) == 3

    def test_the_space_of_paused_trials_is_bounded(self, paths: SweepPaths) -> None:
        size = 1000  # of each of two files
        search = rungs_search(trials=8, checkpoints_gb=6.5 * size / 1e9)
        with open_study(paths, search) as study:
            run_jobs(study, size=size)
            best = max(study.records(), key=lambda record: record.result.objective or 0)
            paused = [record for record in study.records() if record.state is State.PAUSED]
        kept = [record for record in paused if paths.trial(record.number).resume.exists()]
        assert len(kept) == 3
        worst_kept = min(record.result.objective or 0 for record in kept)
        assert all((record.result.objective or 0) < worst_kept for record in paused if record not in kept)
        assert paths.trial(best.number).model.exists()

    def test_a_full_disk_costs_the_checkpoints_of_half_of_the_paused_trials(
        self, paths: SweepPaths, caplog: pytest.LogCaptureFixture
    ) -> None:
        with open_study(paths, rungs_search(trials=8)) as study:
            run_jobs(study)
            held = [n for n, trial in paths.trials() if trial.resume.exists()]
            merit = {record.number: record.result.objective or 0.0 for record in study.records()}
            assert study.free_space()
            left = [n for n, trial in paths.trials() if trial.resume.exists()]
            assert len(left) == len(held) // 2
            assert min(merit[n] for n in left) > max(merit[n] for n in set(held) - set(left))
            assert study.free_space() or not left
            while study.free_space():
                pass
            assert not any(trial.resume.exists() for _, trial in paths.trials())
        assert "the disk is full; the checkpoints of" in caplog.text


def test_a_ledger_without_its_paused_trials_is_refused(paths: SweepPaths, tmp_path: Path) -> None:
    with open_study(paths, rungs_search(trials=3)) as study:
        run_jobs(study)
    paths.journal.unlink()
    with pytest.raises(Exception, match="3 finished trials"):
        Ledger(paths)


@pytest.mark.parametrize("after", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_worker_may_die_before_and_after_any_write(paths: SweepPaths, after: bool) -> None:
    """Every trial has the value of its epochs, the budget is exact, and at most one epoch is trained again."""
    total, moment, died = 6, 0, True
    search = rungs_search(total_epochs=total)
    while died:
        moment += 1
        found = SweepPaths(paths.folder.with_name(f"dies at {moment}"))
        with doomed_study(found, search) as doomed:
            died = run_until_death(doomed, moment, after)
        with open_study(found, search, session="next") as study:
            run_jobs(study)
            records = study.records()
        assert sum(record.trained_epochs for record in records) == total
        assert all(record.result.objective == value_at(record, record.last_epoch) for record in records)
        assert trained_epochs(found) <= total + died
        assert len(Sweep(found).trials) == len(records)
    assert moment > 2 * total


@pytest.mark.parametrize(("prefers_live", "hours"), [(True, None), (False, None), (True, 1.0)])
def test_the_scheduler_knows_live_models_only_where_decisions_may_depend_on_them(
    paths: SweepPaths, monkeypatch: pytest.MonkeyPatch, prefers_live: bool, hours: float | None
) -> None:
    search = replace(rungs_search(trials=None if hours else 4, hours=hours), prefers_live=prefers_live)
    seen: list[SearchView] = []
    decide = search.scheduler.next_job

    def next_job(view: SearchView, study: optuna.Study) -> Job | None:
        seen.append(view)
        return decide(view, study)

    monkeypatch.setattr(search.scheduler, "next_job", next_job)
    with open_study(paths, search) as study:
        for _ in range(2):
            claim = study.claim(frozenset({0, 1, 7}))
            assert claim is not None
            train_job(study, claim)
        study.paths.trial(1).resume.unlink()  # without a checkpoint a live model is of no use
        study.claim(frozenset({0, 1, 7}))
    assert [view.live for view in seen] == [set(), {0} if prefers_live else set(), {0} if prefers_live else set()]
    assert seen[-1].counts_seconds == (hours is not None)
