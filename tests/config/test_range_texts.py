"""Dimensions as overrides: what is written is what the command line reads back."""

import pytest

from mnistsweep.config.overrides import parse_override
from mnistsweep.config.range_texts import is_writable, override_texts
from mnistsweep.dimensions import Choice, Float, Int, Zip

DIMENSIONS = [
    Float("a.b", 1e-5, 0.1, log=True),
    Float("a.b", -0.5, 0.30000000000000004),
    Float("a.b", 1e-300, 1e300, log=True),
    Int("a.b", 1, 5),
    Int("a.b", 16, 512, log=True),
    Choice("a.b", ("adam", "sgd")),
    Choice("a.b", ("true", "null", "1", "1e3", "", "x y", "it's", "a,b", "[1]", "${x}")),
    Choice("a.b", (True, False, None)),
    Choice("a.b", (32, 64.5, 1e-7)),
    Choice("a.b", ([3, 3], [5], [])),
    Choice("a.b", tuple(range(-10, 40, 5))),
    Choice("a.b", (1, 2, 3, 4, 6)),
    Choice("model.hp.units", (8, 16)),
]


@pytest.mark.parametrize("dimension", DIMENSIONS, ids=str)
def test_a_range_is_read_back_as_it_was(dimension):
    (text,) = override_texts(dimension)
    assert parse_override(text).dimension == dimension


def test_whole_numbers_with_equal_steps_are_a_range():
    assert override_texts(Choice("a", tuple(range(10, 1000, 10)))) == ("a=range(10,1000,10)",)
    assert override_texts(Choice("a", (1, 2, 3))) == ("a=1,2,3",)


def test_a_single_value_is_fixed_unless_it_must_stay_a_range():
    dimension = Choice("optimizer", ("sgd",))
    assert override_texts(dimension) == ("optimizer=sgd",)
    (text,) = override_texts(dimension, may_fix=False)
    assert parse_override(text).dimension == dimension
    assert override_texts(Float("x", 0.5, 0.5)) == ("x=0.5",)


def test_a_zip_lists_the_values_of_each_key_in_order():
    zipped = Zip(("m.filters", "m.name"), ((64, "x y"), (16, "b"), (64, "b")))
    texts = override_texts(zipped)
    assert [parse_override(text, may_repeat=True).listed for text in texts] == [(64, 16, 64), ("x y", "b", "b")]
    assert override_texts(Zip(("a", "b"), ((1, 2),))) == ("a=choice(1)", "b=choice(2)")


def test_a_choice_of_null_alone_cannot_be_written():
    assert not is_writable(Choice("a", (None,)))
    assert not is_writable(Zip(("a", "b"), ((1, None),)))
    assert is_writable(Choice("a", (None, 1)))
