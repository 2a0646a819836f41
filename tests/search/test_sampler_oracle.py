"""When an oracle starts to use its sampler, and which trials the sampler reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import optuna
import pytest
from fakes import LINE, make_search, open_study, run
from optuna.trial import TrialState

from mnistsweep.paths import SweepPaths
from mnistsweep.search.distributions import stored
from mnistsweep.search.oracle_factory import make_oracle
from mnistsweep.search.sampler_oracle import TrialHistory
from mnistsweep.search.samplers import MAX_BEST_READ, MAX_TRIALS_READ
from mnistsweep.search.whole_trials import WholeTrials
from mnistsweep.space import Point, SearchSpace


def table(folder: Path, oracle: str, space: SearchSpace, trials: int | None, **settings: Any) -> list[Point]:
    """The points of a whole sweep by one worker."""
    with open_study(SweepPaths(folder), make_search(space, oracle, trials=trials, **settings)) as study:
        claims = run(study)
    assert [claim.number for claim in claims] == list(range(len(claims)))
    return [claim.point for claim in claims]


@pytest.mark.parametrize("oracle", ["auto", "tpe"])
def test_a_sampler_is_used_after_the_configured_number_of_results(oracle: str, tmp_path: Path) -> None:
    random = table(tmp_path / "random", "random", LINE, 12)
    paths = SweepPaths(tmp_path / oracle)
    search = make_search(LINE, oracle, trials=12)
    patient = make_oracle({"name": oracle, "startup_results": 6}, LINE, 0, 12)
    with open_study(paths, type(search)(**{**vars(search), "scheduler": WholeTrials(patient)})) as study:
        points = [claim.point for claim in run(study, lambda point: -point["x"])]
    assert points[:6] == random[:6]
    assert points[6:] != random[6:]


def test_a_sampler_reads_the_best_and_the_latest_trials() -> None:
    space = LINE
    study = optuna.create_study(direction="maximize")
    for number in range(MAX_TRIALS_READ + 100):
        state = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)[number % 3]
        value = None if state is TrialState.FAIL else 1000.0 - number
        reports = {1: -float(number)} if state is TrialState.PRUNED else {}
        study.add_trial(
            optuna.trial.create_trial(
                state=state, value=value, intermediate_values=reports,
                params={"x": 0.5}, distributions={"x": stored(space["x"]).distribution},
            )
        )  # fmt: skip
    trials = study.get_trials(deepcopy=False)
    history = TrialHistory()
    assert history.informative(trials[:MAX_TRIALS_READ], study.direction, MAX_TRIALS_READ) == trials[:MAX_TRIALS_READ]
    seen = history.informative(trials, study.direction, MAX_TRIALS_READ)
    numbers = [trial.number for trial in seen]
    best = list(range(0, 3 * MAX_BEST_READ, 3))
    latest = list(range(100 + MAX_BEST_READ, MAX_TRIALS_READ + 100))
    assert numbers == sorted({*best, *latest})
    assert len(numbers) == MAX_TRIALS_READ
