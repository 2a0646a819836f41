"""Schedulers by name: what `auto` stands for, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from fakes import MIXED, SMALL

from mnistsweep.errors import ConfigError
from mnistsweep.search.asha import Asha
from mnistsweep.search.freeze_thaw import FreezeThaw
from mnistsweep.search.scheduler import Scheduler, SearchView, Start
from mnistsweep.search.scheduler_factory import make_scheduler, resolve_scheduler
from mnistsweep.search.whole_trials import WholeTrials
from mnistsweep.space import SearchSpace


@pytest.mark.parametrize(
    ("space", "trials", "can_pause", "name"),
    [
        (SMALL, 7, True, "grid"),
        (SMALL, 6, True, "freeze_thaw"),
        (SMALL, 6, False, "auto"),
        (SMALL, None, True, "freeze_thaw"),
        (MIXED, 50, True, "freeze_thaw"),
        (MIXED, 50, False, "auto"),
    ],
)
def test_auto_is_freeze_thaw_where_no_grid_fits_and_trials_can_be_paused(
    space: SearchSpace, trials: int | None, can_pause: bool, name: str
) -> None:
    assert resolve_scheduler({"name": "auto"}, space, trials, lambda: can_pause) == name


@pytest.mark.parametrize(
    ("name", "kind"), [("freeze_thaw", FreezeThaw), ("asha", Asha), ("random", WholeTrials), ("tpe", WholeTrials)]
)
def test_a_name_is_a_scheduler(name: str, kind: type[Scheduler]) -> None:
    scheduler = make_scheduler({"name": name}, MIXED, 0, 10, can_pause=lambda: True)
    assert type(scheduler) is kind
    assert scheduler.pauses == (kind is not WholeTrials)


def test_whether_trials_can_be_paused_is_asked_only_where_it_matters() -> None:
    def fail() -> bool:
        raise AssertionError

    assert resolve_scheduler({"name": "tpe"}, MIXED, 10, fail) == "tpe"
    assert resolve_scheduler({"name": "auto"}, SMALL, 7, fail) == "grid"


@pytest.mark.parametrize("name", ["freeze_thaw", "asha"])
def test_trials_that_cannot_be_paused_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=f"oracle: {name} pauses and continues trainings.*use oracle=tpe"):
        make_scheduler({"name": name}, MIXED, 0, 10, can_pause=lambda: False)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"name": "freeze"}, "oracle.name: no oracle is called 'freeze'; did you mean 'freeze_thaw'"),
        ({"name": "asha", "points": "tpe"}, "oracle.points: no sequence of points is called 'tpe'"),
        ({"name": "asha", "reduction_factor": 1}, "oracle.reduction_factor: needs a whole number of at least 2"),
        ({"name": "asha", "first_rung": 0}, "oracle.first_rung: needs a whole number of at least 1"),
    ],
)
def test_wrong_settings_are_refused(config: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make_scheduler(config, MIXED, 0, 10, can_pause=lambda: True)


def test_the_keys_of_asha_reach_it() -> None:
    config = {"name": "asha", "points": "quasi_random", "first_rung": 3, "reduction_factor": 4}
    scheduler = make_scheduler(config, MIXED, 0, 10, can_pause=lambda: True)
    job = scheduler.next_job(SearchView(()), None)  # type: ignore[arg-type]
    assert isinstance(job, Start)
    assert job.until == 3
