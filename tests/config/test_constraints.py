"""Constraints as users write them: what is read, what is refused, and how a command line quotes them."""

from __future__ import annotations

import math

import pytest

from mnistsweep.config.added_keys import without_added_keys
from mnistsweep.config.constraints import (
    MAX_VIOLATION,
    Constraint,
    check_constraints,
    parse_constraints,
    quantities_of,
)
from mnistsweep.config.overrides import parse_override
from mnistsweep.errors import ConfigError


@pytest.mark.parametrize(
    "text",
    [
        "constraints=[parameters<=1e5, seconds <= 60,val_my f1>=-0.5]",
        "constraints=['parameters<=1e5','seconds <= 60','val_my f1>=-0.5']",
        'constraints=["parameters<=1e5", "seconds <= 60", "val_my f1>=-0.5"]',
    ],
)
def test_a_list_needs_no_quotes_inside(text: str) -> None:
    found = parse_constraints(parse_override(text).value)
    assert found == (
        Constraint("parameters", True, 1e5),
        Constraint("seconds", True, 60.0),
        Constraint("val_my f1", False, -0.5),
    )
    assert list(map(str, found)) == ["parameters<=100000", "seconds<=60", "val_my f1>=-0.5"]
    assert quantities_of(found) == ("parameters", "val_my f1")


def test_other_keys_are_not_quoted() -> None:
    with pytest.raises(ConfigError):
        parse_override("enqueue=[a<=1]")


def test_an_override_that_a_shell_has_cut_off_says_how_to_quote_it() -> None:
    with pytest.raises(ConfigError, match=r"redirections; received .val_loss; write '"):
        parse_override("constraints=[val_loss")


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("parameters<100", "NAME<=NUMBER"),
        ("parameters<=nan", "finite number"),
        ("parameters<=inf", "finite number"),
        ("<=3", "NAME<=NUMBER"),
        ({"parameters": 3}, "NAME<=NUMBER"),
        ("parametres<=3", "did you mean 'parameters'"),
        ("parameters<=-5", "parameters must have a bound above 0; received parameters<=-5"),
        ("seconds<=0", "seconds must have a bound above 0; received seconds<=0"),
        ("val_acuracy>=0.5", "did you mean 'val_accuracy'"),
    ],
)
def test_faults(entry: object, expected: str) -> None:
    (fault,) = check_constraints([entry], ["accuracy"])
    assert fault.startswith("constraints: ")
    assert expected in fault


def test_bounds_that_contradict_or_repeat_each_other() -> None:
    assert (
        "no value of val_loss is at least 2 and at most 1" in check_constraints(["val_loss<=1", "val_loss>=2"], [])[0]
    )
    assert "one bound with <=" in check_constraints(["seconds<=1", "seconds<=2"], [])[0]
    assert check_constraints(["val_loss<=2", "val_loss>=1", "parameters>=3", "seconds<=2"], []) == []
    assert check_constraints(["what>=1"], None) == []  # code of the user may measure it


def test_violations_are_shares_of_the_bound() -> None:
    small, large = Constraint("parameters", True, 200.0), Constraint("val_accuracy", False, 0.5)
    assert (small.violation(300), small.violation(200), large.violation(0.25)) == (0.5, 0.0, 0.5)
    assert Constraint("val_loss", True, 0.0).violation(3.0) == 3.0
    assert small.violation(None) == small.violation(math.nan) == small.violation(math.inf) == MAX_VIOLATION


def test_sweeps_of_earlier_versions_have_the_same_fingerprint() -> None:
    assert without_added_keys({"constraints": [], "seed": 0}) == {"seed": 0}
