"""Overrides as typed records: key, fixed value or range, added or deleted."""

from __future__ import annotations

from typing import Any

import pytest

from mnistsweep.config.overrides import (
    Override,
    last_of_each_key,
    parse_override,
    parse_overrides,
    parse_params,
    texts_of,
)
from mnistsweep.dimensions import Choice, Float, Int


@pytest.mark.parametrize(
    ("text", "override"),
    [
        ("trainer.epochs=3", Override("trainer.epochs=3", "trainer.epochs", value=3)),
        ("model=fast_conv", Override("model=fast_conv", "model", value="fast_conv")),
        ("x=null", Override("x=null", "x", value=None)),
        ("x='a, b'", Override("x='a, b'", "x", value="a, b")),
        ("x=[1,'b c']", Override("x=[1,'b c']", "x", value=[1, "b c"])),
        ("x={a: 1}", Override("x={a: 1}", "x", value={"a": 1})),
        ("x=${width}", Override("x=${width}", "x", value="${width}")),
        ("x=", Override("x=", "x", value="")),
        ("+new=[1,2]", Override("+new=[1,2]", "new", value=[1, 2], is_added=True)),
        ("++new=1", Override("++new=1", "new", value=1, is_added=True)),
        ("~gone", Override("~gone", "gone", is_deleted=True)),
        ("~gone=3", Override("~gone=3", "gone", is_deleted=True)),
        ("optimizer@other=sgd", Override("optimizer@other=sgd", "optimizer", "other", "sgd")),
        ("x=1,2", Override("x=1,2", "x", dimension=Choice("x", (1, 2)))),
        ("+a.b=1,2", Override("+a.b=1,2", "a.b", dimension=Choice("a.b", (1, 2)), is_added=True)),
        ("a@b=1,2", Override("a@b=1,2", "a@b", dimension=Choice("a@b", (1, 2)))),
    ],
)
def test_an_override_is_a_record(text: str, override: Override) -> None:
    assert parse_override(text) == override


@pytest.mark.parametrize(
    ("text", "group", "is_hydra"),
    [
        ("optimizer=sgd", None, False),
        ("optimizer.momentum=0.9", "optimizer", False),
        ("hydra/launcher=basic", None, True),
        ("+hydra.sweeper.params.x=1", "hydra", True),
        ("+hydraulic.pressure=1", "hydraulic", False),
    ],
)
def test_what_a_key_belongs_to(text: str, group: str | None, is_hydra: bool) -> None:
    override = parse_override(text)
    assert (override.group, override.is_hydra) == (group, is_hydra)


def test_texts_that_are_not_overrides_are_named_and_the_others_parsed() -> None:
    overrides, faults = parse_overrides(["x=1", "y=[", "~z=1,2", "x=1,2"])
    assert texts_of(overrides) == ("x=1", "x=1,2")
    assert [fault.partition(" is")[0].partition(":")[0] for fault in faults] == ["y", "'~z=1,2'"]


def test_the_last_override_of_a_key_wins() -> None:
    overrides, _ = parse_overrides(["x=1,2", "y=1", "optimizer@a=sgd", "optimizer=adam", "x=5", "y=3,4"])
    assert texts_of(last_of_each_key(overrides)) == ("x=5", "y=3,4", "optimizer@a=sgd", "optimizer=adam")


def test_params_are_ranges_in_the_same_grammar() -> None:
    params = {"x": "range(1,4)", "y": "interval(0,1)", "z": "a,b", "w": "int(interval(1,5))"}
    assert [override.dimension for override in parse_params(params, lambda group: ())] == [
        Choice("x", (1, 2, 3)),
        Float("y", 0.0, 1.0),
        Choice("z", ("a", "b")),
        Int("w", 1, 5),
    ]


@pytest.mark.parametrize(
    "values", [["x y", "b,c", None, True, 1.5, [1, "z"], {"k": "v"}, "it's"], ["a", "b"], ["a"], [1, 2], ["true", True]]
)
def test_a_list_among_the_params_is_a_choice_of_its_items(values: list[Any]) -> None:
    (override,) = parse_params({"x": values}, lambda group: ())
    assert override.dimension == Choice("x", tuple(values))


def test_plain_values_among_the_params_are_fixed() -> None:
    params = parse_params({"a": None, "b": True, "c": 3, "d": "word"}, lambda group: ())
    assert texts_of(params) == ("a=null", "b=True", "c=3", "d=word")
    assert [override.value for override in params] == [None, True, 3, "word"]
    assert not any(override.is_range for override in params)
