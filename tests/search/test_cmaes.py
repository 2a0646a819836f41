"""What CMA-ES keeps in the ledger."""

from __future__ import annotations

import datetime
import itertools
import json
from pathlib import Path
from typing import Self

import pytest
from fakes import MIXED, make_search, open_study, run, score, train

from mnistsweep.paths import SweepPaths
from mnistsweep.space import Point


def test_the_ledger_of_cma_es_holds_numbers_and_no_pickle(tmp_path: Path) -> None:
    paths = SweepPaths(tmp_path / "s")
    with open_study(paths, make_search(MIXED, "cmaes", trials=6)) as study:
        run(study)
    entries = [json.loads(line) for line in paths.journal.read_text().splitlines()]
    attrs = [entry["system_attrs"] for entry in entries if entry.get("system_attrs") and "params" in entry]
    assert [list(found) for found in attrs] == [["cma:draw"]] * 5
    generation, *place = attrs[0]["cma:draw"]
    assert generation == 0
    assert len(place) == 6
    assert all(0 <= coordinate <= 1 for coordinate in place)


def drawn(paths: SweepPaths) -> list[Point]:
    """Points of a search with four trials at a time; results arrive in another order than trials start."""
    with open_study(paths, make_search(MIXED, "cmaes", trials=48)) as study:
        while claims := [found for found in (study.claim() for _ in range(4)) if found is not None]:
            for found in claims[2:] + claims[:2]:
                train(study, found, score(found.point))
        return [record.point for record in study.records()]


class BackwardClock(datetime.datetime):
    """Wall clock that is an hour earlier at each reading."""

    readings = itertools.count()

    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> Self:
        return cls(2026, 1, 1, tzinfo=tz) - datetime.timedelta(hours=next(cls.readings))


def test_a_wall_clock_that_is_set_back_does_not_change_the_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = drawn(SweepPaths(tmp_path / "forward"))
    monkeypatch.setattr("optuna.storages.journal._storage.datetime", BackwardClock)
    assert drawn(SweepPaths(tmp_path / "backward")) == expected
