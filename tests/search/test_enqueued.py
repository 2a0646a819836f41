"""Enqueued points: completed, and checked against the space."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from fakes import MIXED, SMALL

from mnistsweep.search.enqueued import check_enqueued, complete


def test_a_part_is_completed_so_that_all_of_it_exists() -> None:
    for seed in range(20):
        point = complete(SMALL, {"layers": 2}, np.random.default_rng(seed))
        assert point == {"optimizer": "sgd", "size": 64, "layers": 2}
        momentum = complete(MIXED, {"optimizer.momentum": 0.5}, np.random.default_rng(seed))
        assert momentum["optimizer"] in ("sgd", "rmsprop")
        assert momentum["optimizer.momentum"] == 0.5


@pytest.mark.parametrize(
    ("configuration", "message"),
    [
        ({"optimiser": "sgd"}, "enqueue[0].optimiser: not a dimension of this sweep; did you mean 'optimizer'"),
        ({"optimizer": "adamw"}, "enqueue[0].optimizer: 'adamw' is outside choice(adam, sgd)"),
        ({"size": 65}, "enqueue[0].size: 65 is outside choice(32, 64, 128)"),
        ({"layers": 1.0}, "enqueue[0].layers: 1.0 is outside int(interval(1, 2))"),
        ({"layers": 3}, "enqueue[0].layers: 3 is outside"),
        (["adam"], "enqueue[0]: a point is {key: value, ...}, received ['adam']"),
        (
            {"optimizer": "adam", "layers": 1},
            "enqueue[0].layers: exists only with optimizer=sgd, received optimizer=adam",
        ),
        ({"size": 32, "layers": 1}, "enqueue[0].layers: exists only with size=64, received size=32"),
    ],
)
def test_an_enqueued_point_outside_the_space_is_an_error(configuration: Any, message: str) -> None:
    (fault,) = check_enqueued(SMALL, [configuration])
    assert fault.startswith(message)


def test_enqueued_points_within_the_space_are_accepted() -> None:
    good = [{}, {"optimizer": "sgd", "layers": 1}, {"size": 64.0}, {"layers": 2}]
    assert check_enqueued(SMALL, good) == []
