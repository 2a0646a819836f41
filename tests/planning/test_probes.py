"""Probes: points that cover the values of every dimension."""

from __future__ import annotations

import pytest

from mnistsweep.config.checks import Faults
from mnistsweep.dimensions import Choice, Condition, Float, Int
from mnistsweep.errors import ConfigError
from mnistsweep.planning.probes import probes
from mnistsweep.space import SearchSpace


def test_all_presets_of_a_long_choice_are_looked_at_but_not_all_numbers() -> None:
    space = SearchSpace((Choice("a", tuple(range(1000))), Choice("b", tuple("abcdefghijklmnopqrstuvwxyz"))))
    points = list(probes(space, Faults()))
    assert {point["b"] for point in points} == set("abcdefghijklmnopqrstuvwxyz")
    seen = {point["a"] for point in points}
    assert {0, 999} < seen
    assert len(seen) <= 17


def test_dimensions_under_conditions_are_looked_at() -> None:
    deep = Float("deep", 0.0, 1.0, conditions=(Condition("middle", (7,)),))
    middle = Int("middle", 1, 9, log=True, conditions=(Condition("top", ("b",)),))
    points = list(probes(SearchSpace((Choice("top", ("a", "b")), middle, deep)), Faults()))
    assert {point["deep"] for point in points if "deep" in point} == {0.0, 0.4, 1.0}
    assert {point["middle"] for point in points if "middle" in point} == {1, 2, 7, 9}


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ((Condition("top", ("c",)),), r"^x: its condition, top = c, is never met; top is choice\(a, b\)\.$"),
        ((Condition("top", ("a",)), Condition("top", ("b",))), r"^x: its conditions are never met together\.$"),
    ],
)
def test_a_condition_that_is_never_met(conditions: tuple[Condition, ...], message: str) -> None:
    faults = Faults()
    list(probes(SearchSpace((Choice("top", ("a", "b")), Float("x", 0.0, 1.0, conditions=conditions))), faults))
    with pytest.raises(ConfigError, match=message):
        faults.raise_any()
