"""Types and missing values of a composed configuration."""

from __future__ import annotations

from mnistsweep.config.compose import compose, to_plain
from mnistsweep.config.recipe import Recipe
from mnistsweep.config.structure import read_config


def test_hydras_mark_of_a_missing_value_is_named_wherever_it_stands() -> None:
    plain = to_plain(compose(Recipe()))
    plain["data"]["note"] = [1, {"deep": "???"}]
    plain["name"] = "???"
    _, faults = read_config(plain)
    rule = "must have a value; received '???', which stands for a missing one."
    assert faults == [f"name: {rule}", f"data.note[1].deep: {rule}"]
