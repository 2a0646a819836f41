"""Confirmation: the best trials of a search are repeated with other seeds, and the best expected score wins."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fakes import LINE, claim, doomed_study, fail, make_search, open_study, start
from rungs import Rungs, run_jobs, train_job

from mnistsweep.paths import SweepPaths
from mnistsweep.study.claim import Claim
from mnistsweep.study.confirmation import Confirmation
from mnistsweep.study.ledger import Ledger
from mnistsweep.study.ranking import Standing, best_of
from mnistsweep.study.records import Result, State, TrialRecord
from mnistsweep.study.results_rows import read_results
from mnistsweep.study.scored_trials import ScoredTrials
from mnistsweep.study.search_settings import SearchSettings
from mnistsweep.study.study import Study
from mnistsweep.study.sweep import Sweep

OBJECTIVE = (0.5, 0.9, 0.6, 0.7, 0.93, 0.4)  # of trials 0 to 5; the last two digits decide the top: 4, 1, 3

CONFIRMED = {4: (0.70, 0.72), 1: (0.89, 0.91), 3: (0.69, 0.71)}


def searching(trials: int = 6, top: int = 3, seeds: int = 2, oracle: str = "random", **budget: Any) -> SearchSettings:
    confirmation = Confirmation(top, seeds, "max") if top else None
    return make_search(LINE, oracle, trials=trials, confirmation=confirmation, **budget)


def finish(study: Study, found: Claim) -> None:
    """Finish a trial with the objective that is planned for it."""
    folder = study.paths.trial(found.number)
    folder.folder.mkdir(parents=True, exist_ok=True)
    folder.config.write_text(f"seed: {found.seed}\n")
    if found.confirms is None:
        value = OBJECTIVE[found.number % 6]
    else:
        done = sum(r.confirms == found.confirms and r.state.finished for r in study.records())
        value = CONFIRMED.get(found.confirms, (0.3, 0.3))[done]
    study.finish(found, State.COMPLETED, Result(value, 2, 2, 0.25))


def finish_all(study: Study) -> list[Claim]:
    claims = []
    while (found := study.claim()) is not None:
        claims.append(found)
        finish(study, found)
    return claims


def test_the_best_three_are_repeated_twice_each_with_seeds_of_their_own(paths: SweepPaths, storage: str | None) -> None:
    search = searching()
    with open_study(paths, search, storage) as study:
        claims = finish_all(study)
        records = study.records()
        ending = study.ending(search.budget)
    assert [one.confirms for one in claims] == [None] * 6 + [4, 1, 3, 4, 1, 3]
    assert [one.point for one in claims[6:9]] == [records[number].point for number in (4, 1, 3)]
    assert len({one.seed for one in claims}) == 12
    assert (
        str(ending) == "ended: the budget of 6 trials (trials=6) was used; more: trials=N; another search: name=NAME."
    )
    assert [row.confirms for row in read_results(paths, LINE)] == [None] * 6 + [4, 1, 3, 4, 1, 3]


def test_the_winner_has_the_best_expected_score_and_not_the_best_score(paths: SweepPaths) -> None:
    with open_study(paths, searching()) as study:
        finish_all(study)
        records = study.records()
    standing = Standing.of(records, "max")
    assert standing is not None
    assert standing.trials[0] == [1, 7, 10]
    best = best_of(records, "max")
    assert best == records[10]  # the best of its trials, 0.91, and not trial 4 with 0.93
    assert 0.87 < standing.mean(0) < 0.91
    low, high = standing.interval(0)
    assert low < standing.mean(0) < high
    assert standing.probability(0) > 0.9
    text = paths.best.read_text()
    assert text.startswith("# Trial 10 of the sweep")
    assert f"seed: {records[10].seed}\n" in text  # so that training it gives its score again
    assert "# Expected val_accuracy with a new seed 0.8" in text
    assert "from trials 1, 7, 10 of this configuration.\n" in text


def test_a_smaller_objective_is_better_where_it_is_minimized() -> None:
    found = [TrialRecord(n, State.COMPLETED, {"x": v}, n, Result(v)) for n, v in enumerate((0.1, 0.2, 0.3, 0.4))]
    repeats = [replace(found[0], number=4, confirms=0, result=Result(0.3))]
    repeats += [replace(found[1], number=5, confirms=1, result=Result(0.19))]
    standing = Standing.of([*found, *repeats], "min")
    assert standing is not None
    assert standing.order[0].number == 5
    low, high = standing.interval(0)
    assert low < standing.mean(0) < high


def test_what_a_search_tells_of_its_trials_leaves_the_confirmations_out(paths: SweepPaths) -> None:
    with open_study(paths, searching()) as study:
        finish_all(study)
        scored = ScoredTrials.from_records(LINE, "val_accuracy", "max", study.records())
    assert scored is not None
    assert scored.numbers.tolist() == [0, 1, 2, 3, 4, 5]
    table = Sweep(paths).trials
    assert table["confirms"].tolist()[6:] == [4, 1, 3, 4, 1, 3]
    assert table["confirms"].isna().sum() == 6


@pytest.mark.parametrize("oracle", ["random", "tpe"])
def test_more_trials_go_on_with_the_search_as_if_nothing_was_confirmed(paths: SweepPaths, oracle: str) -> None:
    with open_study(paths, searching(6, oracle=oracle)) as study:
        finish_all(study)
    with open_study(paths, searching(14, oracle=oracle), session="next") as study:
        points = [one.point for one in finish_all(study) if one.confirms is None]
    other = SweepPaths(paths.folder.parent / "other")
    with open_study(other, searching(14, top=0, oracle=oracle)) as study:
        assert points == [one.point for one in finish_all(study)][6:]


def test_a_complete_search_can_be_confirmed_later(paths: SweepPaths) -> None:
    with open_study(paths, searching(top=0)) as study:
        assert len(finish_all(study)) == 6
        assert "confirms" not in paths.results.read_text()
    search = searching(top=2, seeds=1)
    assert Ledger(paths).ending(search.budget) is None
    with open_study(paths, search, session="next") as study:
        assert [one.confirms for one in finish_all(study)] == [4, 1]
    assert Ledger(paths).ending(search.budget) is not None


def test_a_repetition_that_failed_is_not_repeated_for_ever(paths: SweepPaths) -> None:
    with open_study(paths, searching(top=2, seeds=1)) as study:
        for _ in range(6):
            finish(study, claim(study))
        assert fail(study).confirms == 4
        assert [one.confirms for one in finish_all(study)] == [1]


def test_nothing_is_confirmed_while_the_search_runs(paths: SweepPaths) -> None:
    with open_study(paths, searching()) as one, open_study(paths, searching()) as two:
        for _ in range(5):
            finish(one, claim(one))
        last = claim(two)
        assert one.claim() is None
        assert one.others_are_running
        finish(two, last)
        assert claim(one).confirms == 4
        assert claim(two).confirms == 1


def test_a_dead_workers_confirmation_is_taken_over(paths: SweepPaths) -> None:
    with doomed_study(paths, searching()) as study:
        for _ in range(6):
            finish(study, claim(study))
        left = claim(study)
    with open_study(paths, searching()) as study:
        again = claim(study)
        assert (again.number, again.seed, again.confirms) == (left.number, left.seed, 4)
        finish(study, again)
        assert [one.confirms for one in finish_all(study)] == [1, 3, 4, 1, 3]


def test_hours_keep_a_share_for_the_confirmation(paths: SweepPaths) -> None:
    budget = searching(hours=1.0).budget
    record = TrialRecord(0, State.COMPLETED, {"x": 0.5}, 0, Result(0.5))
    assert budget.ending([record], 2800.0) is None
    assert "the share of the search (80 %) in the budget of 1" in str(budget.ending([record], 2880.0))
    assert budget.next_confirmed([record], 3599.0) == record
    assert budget.next_confirmed([record], 3600.0) is None


def test_epochs_of_confirmations_are_not_part_of_the_budget(paths: SweepPaths) -> None:
    search = searching(trials=100, top=2, seeds=1, total_epochs=12)
    with open_study(paths, search) as study:
        assert [one.confirms for one in finish_all(study)] == [None] * 6 + [4, 1]
        assert study.ending(search.budget) is not None


def test_a_stopped_trial_is_repeated_for_as_many_epochs(paths: SweepPaths) -> None:
    search = replace(searching(trials=7), scheduler=Rungs(), epochs_of=lambda _point: 8)
    with open_study(paths, search) as study:
        claims = run_jobs(study)
        records = study.records()
    repeats = [one for one in claims if one.confirms is not None]
    assert len(repeats) == 6
    for one in repeats:
        assert one.confirms is not None
        assert records[one.number].last_epoch == records[one.confirms].last_epoch
        assert records[one.number].state is records[one.confirms].state
    assert sum(record.confirms is None for record in records) == 7
    more = replace(searching(trials=12), scheduler=Rungs(), epochs_of=lambda _point: 8)
    with open_study(paths, more, session="next") as study:
        before = [(one.state, one.last_epoch) for one in study.records()[7:]]
        while (found := study.claim()) is not None:
            assert found.number not in range(7, 13)  # no confirmation is continued
            train_job(study, found)
        assert [(one.state, one.last_epoch) for one in study.records()[7:13]] == before


def _confirm(folder: Path) -> None:
    """A worker process that runs what is left of the sweep."""
    with open_study(SweepPaths(folder), searching(top=6, seeds=2)) as study:
        while True:
            found = study.claim()
            if found is not None:
                study.finish(found, State.COMPLETED, Result(OBJECTIVE[found.number % 6], 2, 2))
            elif not study.others_are_running:
                return


def test_two_processes_repeat_each_trial_exactly_twice(paths: SweepPaths) -> None:
    with open_study(paths, searching(top=6, seeds=2)):
        pass
    workers = [start(_confirm, paths.folder) for _ in range(2)]
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    records = Ledger(paths).records()
    assert sorted(one.confirms for one in records if one.confirms is not None) == sorted([*range(6)] * 2)
