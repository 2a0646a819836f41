"""The return value of a user's own `fit`."""

from __future__ import annotations

from typing import Any

import keras
import keras_tuner
import numpy as np
import pytest
from keras_tuner.src.engine import tuner_utils

from mnistsweep.errors import ConfigError, TrialFailed
from mnistsweep.training.returned import read_returned


def history(**curves: list[float]) -> keras.callbacks.History:
    made = keras.callbacks.History()
    made.history = curves
    return made


@pytest.mark.parametrize(
    ("result", "kind", "value"),
    [
        (0.5, "number", 0.5),
        (3, "number", 3.0),
        (np.float32(0.25), "number", 0.25),
        (np.array(0.25), "number", 0.25),
        (keras.ops.convert_to_tensor(0.25), "number", 0.25),
        ([0.25, 0.75], "number", 0.5),
        ({"score": 0.5, "other": 2, "text": "0.5"}, "dictionary", 0.5),
        (history(score=[0.25, 0.75, 0.5]), "history", 0.75),
        ([history(score=[0.25, 0.75]), {"score": 0.25}], "number", 0.5),
        (history(loss=[1.0]), "history", None),
    ],
)
def test_the_value_that_counts(result: Any, kind: str, value: float | None) -> None:
    returned = read_returned(result, "score", "max", "Own.fit")
    assert (returned.kind, returned.value) == (kind, value)


def test_the_best_epoch_of_a_history_follows_the_direction() -> None:
    returned = read_returned(history(score=[0.25, 0.125], loss=[2.0, 1.0]), "score", "min", "Own.fit")
    assert returned.value == 0.125
    assert returned.epochs == [{"score": 0.25, "loss": 2.0}, {"score": 0.125, "loss": 1.0}]


@pytest.mark.parametrize("direction", ["max", "min"])
@pytest.mark.parametrize(
    "result",
    [
        0.5,
        [0.25, 0.75],
        {"score": 0.5, "other": 2.0},
        [{"score": 0.5}, {"score": 0.125}],
        history(score=[0.25, 0.75, 0.5], loss=[3.0, 1.0, 2.0]),
        [history(score=[0.25, 0.75]), history(score=[0.5, 0.125])],
    ],
)
def test_the_value_is_the_one_that_kerastuner_records(result: Any, direction: str) -> None:
    objective = keras_tuner.Objective("score", direction)
    expected = tuner_utils.convert_to_metrics_dict(result, objective)["score"]
    assert read_returned(result, "score", direction, "Own.fit").value == expected


@pytest.mark.parametrize(
    ("result", "error", "message"),
    [
        (
            None,
            ConfigError,
            r"^model._target_: Own.fit must return .*; it returned None; is a return statement missing",
        ),
        ("0.5", ConfigError, r"it returned a value of type str$"),
        (np.zeros(2), ConfigError, r"it returned a value of type ndarray$"),
        ([], ConfigError, r"it returned a value of type list$"),
        ([0.5, None], ConfigError, r"it returned None"),
        ([history(loss=[1.0])], ConfigError, r"^objective: Own.fit returns a History without 'score'$"),
        (
            {"scor": 1.0},
            ConfigError,
            r"^objective: Own.fit returns a dictionary without 'score'; did you mean 'scor'\?",
        ),
        (float("nan"), TrialFailed, r"^score became nan: Own.fit returned it$"),
        ({"score": float("inf")}, TrialFailed, r"^score became inf: Own.fit returned it$"),
        (history(score=[float("nan"), 0.5]), TrialFailed, r"^score became nan: Own.fit returned it$"),
        (history(score=[0.5, float("nan")]), TrialFailed, r"^score became nan: Own.fit returned it$"),
        (history(score=[0.5, -float("inf")]), TrialFailed, r"^score became -inf: Own.fit returned it$"),
    ],
)
def test_any_other_value_is_refused(result: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        read_returned(result, "score", "max", "Own.fit")
