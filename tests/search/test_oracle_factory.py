"""Oracles by name: `auto` resolved, wrong configurations refused."""

from __future__ import annotations

import importlib.util
from typing import Any

import pytest
from fakes import LINE, MIXED, SMALL

from mnistsweep.dimensions import Choice, Int
from mnistsweep.errors import ConfigError, SpaceError
from mnistsweep.search.oracle_factory import make_oracle, resolve_oracle
from mnistsweep.space import SearchSpace

# 2 x 3 x 2 points.
LISTED = SearchSpace((Choice("a", (1, 2)), Choice("b", (1, 2, 5)), Int("c", 0, 1)))


@pytest.mark.parametrize(
    ("space", "trials", "name"),
    [(SMALL, 7, "grid"), (SMALL, 6, "auto"), (SMALL, None, "auto"), (LISTED, 100, "grid"), (MIXED, 10**6, "auto")],
)
def test_auto_is_the_grid_exactly_where_all_of_it_fits_the_budget(
    space: SearchSpace, trials: int | None, name: str
) -> None:
    assert resolve_oracle({"name": "auto"}, space, trials) == name
    assert resolve_oracle({"name": "tpe"}, space, trials) == "tpe"


@pytest.mark.parametrize(
    ("config", "error", "message"),
    [
        ({"name": "tpee"}, ConfigError, "oracle.name: no oracle is called 'tpee'; did you mean 'tpe'"),
        ({}, ConfigError, "oracle.name: no oracle is called 'None'"),
        (
            {"name": "tpe", "startup_results": -1},
            ConfigError,
            "oracle.startup_results: needs a whole number of at least 0",
        ),
        ({"name": "auto", "startup_results": "ten"}, ConfigError, "oracle.startup_results: .*received 'ten'"),
        ({"name": "grid"}, SpaceError, "optimizer.momentum: a grid needs listed values"),
    ],
)
def test_a_wrong_oracle_is_refused(config: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make_oracle(config, MIXED, 0, 10)


def test_a_grid_that_is_too_large_is_refused_at_once() -> None:
    space = SearchSpace((Int("a", 1, 10**9), Choice("b", (1, 2))))
    with pytest.raises(SpaceError, match="a grid of 1000000000 x 2 points is too large"):
        make_oracle({"name": "grid"}, space, 0, 10)


def test_gaussian_processes_need_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"oracle=gp: needs PyTorch.*pip install 'mnistsweep\[gp\]'"):
        make_oracle({"name": "gp"}, LINE, 0, 10)
