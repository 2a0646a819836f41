"""Keys of a space that go together: the values of each in the order given, although a choice sorts its numbers."""

from __future__ import annotations

from typing import Any

from mnistsweep.api.program import read_program
from mnistsweep.api.space import Choice, Int
from mnistsweep.config.overrides import parse_override


def build(units: int, layers: int) -> Any:
    """Build nothing: no model is needed."""


def test_values_of_a_model_keep_their_order() -> None:
    data = (([[0.0], [1.0]] * 4, [0, 1] * 4), ([[0.0]], [0]))
    program = read_program(build, data, {"units": Choice(64, 16, 32), "layers": [1, 3, 2], "trainer.epochs": Int(1, 2)})
    parsed = {one.key: one for one in map(parse_override, program.overrides)}
    assert parsed["model.units"].listed == (64, 16, 32)
    assert parsed["model.layers"].listed == (1, 3, 2)
    assert parsed["trainer.epochs"].listed is None


def test_values_of_a_function_keep_their_order() -> None:
    program = read_program(lambda trial: 0.0, None, {"a": Choice(3, 1, 2)})
    assert program.listed == {"a": (3, 1, 2)}
