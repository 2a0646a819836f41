"""Random dimensions and search spaces, as strategies of Hypothesis."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from mnistsweep.dimensions import Choice, Condition, Dimension, Float, Int
from mnistsweep.space import SearchSpace, canonical

UNIT = st.floats(0, 1, exclude_max=True)
KEYS = st.sampled_from("abcdefgh")


def numbers(low: float, high: float) -> st.SearchStrategy[tuple[float, float]]:
    return st.tuples(st.floats(low, high), st.floats(low, high)).map(lambda pair: (min(pair), max(pair)))


def integers(low: int, high: int) -> st.SearchStrategy[tuple[int, int]]:
    return st.tuples(st.integers(low, high), st.integers(low, high)).map(lambda pair: (min(pair), max(pair)))


def choices(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Choice]:
    listed = st.lists(values, min_size=1, max_size=4, unique_by=lambda value: canonical({"": value}))
    return listed.map(lambda found: Choice("x", tuple(found)))


WORDS = st.sampled_from(["adam", "sgd", "rms_prop", "l2", "x-y"])
CHOICES = st.one_of(choices(WORDS), choices(st.integers(-9, 999)), choices(st.floats(-5, 5)), choices(st.booleans()))
FINITE = st.one_of(CHOICES, integers(-3, 5).map(lambda pair: Int("x", *pair)))
DIMENSIONS = st.one_of(
    FINITE,
    integers(1, 10**6).map(lambda pair: Int("x", *pair, log=True)),
    numbers(-1e6, 1e6).map(lambda pair: Float("x", *pair)),
    numbers(1e-9, 1e9).map(lambda pair: Float("x", *pair, log=True)),
)


@st.composite
def spaces(draw: st.DrawFn, kinds: st.SearchStrategy[Dimension] = DIMENSIONS) -> SearchSpace:
    """Up to four dimensions, some of which exist only at some values of an earlier choice."""
    dimensions: list[Dimension] = []
    for key in draw(st.lists(KEYS, min_size=1, max_size=4, unique=True)):
        dimension = draw(kinds)
        parents = [earlier for earlier in dimensions if isinstance(earlier, Choice)]
        conditions: tuple[Condition, ...] = ()
        if parents and draw(st.booleans()):
            parent = draw(st.sampled_from(parents))
            allowed = draw(st.lists(st.sampled_from(parent.values), min_size=1, max_size=2))
            conditions = (Condition(parent.key, tuple(allowed)),)
        dimensions.append(replace(dimension, key=key, conditions=conditions))
    return SearchSpace(tuple(draw(st.permutations(dimensions))))
