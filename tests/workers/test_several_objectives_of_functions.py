"""Several objectives of a function of a trial: what it may return, and what is recorded."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from mnistsweep import sweep
from mnistsweep.errors import ConfigError, TrialFailed
from mnistsweep.space import Point
from mnistsweep.study.claim import Claim
from mnistsweep.workers.function_result import completed_outcome
from mnistsweep.workers.trial import Trial


def trial() -> Trial:
    point: Point = {}
    return Trial(Claim(0, point, 1, 0), Path(), lambda step, value: False, lambda: False)


def test_a_mapping_a_sequence_and_a_history_hold_all_objectives() -> None:
    history = SimpleNamespace(history={"val_mae": [0.5, 0.25, 0.75], "size": [1.0, 2.0, 3.0]})
    for returned in ({"val_mae": 0.25, "size": np.float32(2.0), "more": "text"}, (0.25, 2), [0.25, 2.0], history):
        result = completed_outcome(trial(), returned, "val_mae", "min", ["size"]).result
        assert (result.objective, result.quantities) == (0.25, {"size": 2.0})


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (0.25, "the function must return val_mae, size in this order, or a mapping with them; it returned float"),
        ((0.25,), "the function must return val_mae, size in this order, or a mapping with them; it returned 1 values"),
        ({"val_mae": 0.25}, "the function returned a mapping without the objective 'size'; Known: 'val_mae'"),
        ((0.25, None), "the function must return size as a number, or a mapping with it; it returned None"),
        ((0.25, float("nan")), "size is nan"),
    ],
)
def test_what_lacks_an_objective_fails(returned: Any, message: str) -> None:
    with pytest.raises(TrialFailed, match=message):
        completed_outcome(trial(), returned, "val_mae", "min", ["size"])


def objective(one: Trial) -> tuple[float, float]:
    x = one.values["x"]
    return (x - 0.25) ** 2, (x - 0.5) ** 2


def test_a_sweep_of_a_function_has_its_front(tmp_path: Path) -> None:
    found = sweep(
        objective, space={"x": [0.0, 0.25, 0.375, 0.5, 1.0]}, objective=["error", "size"], direction=["min", "min"],
        logs=tmp_path, progress=False,
    )  # fmt: skip
    assert found.front["x"].tolist() == [0.25, 0.375, 0.5]
    assert found.front["size"].tolist() == [0.0625, 0.015625, 0.0]
    assert found.best is not None
    assert found.best.values == {"x": 0.25}
    assert repr(found).endswith("5 trials, 3 on the Pareto front of error, size>")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"direction": "auto"},
            "direction: 'error', 'size': no name of a metric or a loss of Keras, so the better direct",
        ),
        (
            {"objective": ["error", "x"], "direction": ["min", "min"]},
            "x: 'x' is the name of a column of results.csv with",
        ),
    ],
)
def test_what_is_not_clear_is_refused(settings: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        sweep(objective, space={"x": [0.0, 1.0]}, **{"objective": ["error", "size"], **settings}, logs=tmp_path)
    assert list(tmp_path.iterdir()) == []
