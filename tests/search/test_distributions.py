"""Dimensions as Optuna's distributions, and their values in both directions."""

from __future__ import annotations

from typing import Any

import pytest

from mnistsweep.dimensions import Choice, Dimension, Float, Int
from mnistsweep.search.distributions import searched


@pytest.mark.parametrize(
    ("dimension", "shape"),
    [
        (Int("x", 1, 5), {"low": 1, "high": 5, "step": 1, "log": False}),
        (Choice("x", (2, 4, 6)), {"low": 2, "high": 6, "step": 2, "log": False}),
        (Choice("x", (32, 64, 128)), {"low": 0, "high": 2, "step": 1, "log": False}),
        (Choice("x", (0.1, 0.2, 0.3)), {"low": 0, "high": 2, "step": 1, "log": False}),
        (Choice("x", (5,)), {"low": 0, "high": 0, "step": 1, "log": False}),
        (Choice("x", (True, False)), {"choices": (True, False)}),
        (Choice("x", (None, "l2")), {"choices": (None, "l2")}),
        (Choice("x", ([8, 16], [16])), {"choices": ("[8, 16]", "[16]")}),
        (Choice("x", (True, 1, "1")), {"choices": ("true", "1", '"1"')}),
        (Choice("x", ("[1]", [1])), {"choices": ('"[1]"', "[1]")}),
        (Float("x", 1e-4, 0.1, log=True), {"low": 1e-4, "high": 0.1, "step": None, "log": True}),
    ],
)
def test_optuna_gets_the_order_of_numbers_and_every_value_is_decoded(
    dimension: Dimension, shape: dict[str, Any]
) -> None:
    encoding = searched(dimension)
    found = encoding.distribution
    assert found._asdict() == shape
    values = dimension.grid() if not isinstance(dimension, Float) else (1e-4, 0.05, 0.1)
    for value in values:
        raw = encoding.encode(value)
        internal = found.to_internal_repr(raw)
        back = encoding.decode(found.to_external_repr(internal))
        assert (back, type(back)) == (value, type(value))
