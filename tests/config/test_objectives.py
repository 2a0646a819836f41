"""The keys `objective` and `direction`: one objective, or several."""

from __future__ import annotations

from typing import Any

import pytest

from mnistsweep.config.objectives import Objective, check_objectives, objectives_of, with_first
from mnistsweep.config.schema import Config

METRICS = ["accuracy", "AUC", "Own score"]


def test_one_objective_and_several_with_their_directions() -> None:
    assert objectives_of("val_loss", "auto") == (Objective("val_loss", "min"),)
    assert objectives_of(["val_loss"], ["max"]) == (Objective("val_loss", "max"),)
    several = objectives_of(["val_accuracy", "parameters", "seconds", "val_loss"], "auto")
    assert [one.direction for one in several] == ["max", "min", "min", "min"]
    assert [one.direction for one in objectives_of(["val_mine", "parameters"], ["min", "auto"])] == ["min", "min"]
    assert [one.sign for one in several] == [-1, 1, 1, 1]
    config = Config(objective=["val_auc", "seconds"], direction=["auto", "max"])
    assert config.first_objective == "val_auc"
    assert config.objectives[1] == Objective("seconds", "max")


def test_auto_stands_for_the_first_objective_only() -> None:
    assert with_first("auto", "val_loss") == "val_loss"
    assert with_first(["auto", "parameters"], "val_loss") == ["val_loss", "parameters"]
    assert check_objectives(["auto", "parameters"], "auto", METRICS) == []


@pytest.mark.parametrize(
    ("objective", "direction"),
    [
        ("val_accuracy", "auto"),
        (["val_accuracy"], ["max"]),
        (["val_accuracy", "parameters"], "auto"),
        (["val_accuracy", "parameters"], ["max", "min"]),
        (["val_accuracy", "val_own score", "seconds"], ["auto", "max", "auto"]),
    ],
)
def test_accepted(objective: Any, direction: Any) -> None:
    assert check_objectives(objective, direction, METRICS) == []


@pytest.mark.parametrize(
    ("objective", "direction", "message"),
    [
        ([], "auto", "objective: must name at least one; received []; write for example objective=val_accuracy."),
        (
            ["val_loss", "val_loss"],
            "auto",
            "objective: each must be named once; received val_loss 2 times; remove one.",
        ),
        (
            ["val_accuracy", "paramters"],
            "auto",
            "objective: 'paramters' is no metric of the logs, nor parameters or seco",
        ),
        (["val_acuracy", "seconds"], "auto", "objective: 'val_acuracy' is not measured; did you mean 'val_accuracy'?"),
        (
            ["seconds", "val_loss"],
            "auto",
            "objective: the first objective must be a metric of the logs, because its be",
        ),
        ("parameters", "auto", "objective: parameters is no metric of the logs, so it can only follow one; received "),
        (
            ["val_loss", "auto"],
            "auto",
            "objective: auto stands for the metric of the model, which comes first; receive",
        ),
        (
            ["val_accuracy", "parameters"],
            "max",
            "direction: must be a list with one for each of the 2 objectives; recei",
        ),
        (
            ["val_accuracy", "parameters"],
            ["max"],
            "direction: must be a list with one for each of the 2 objectives; re",
        ),
        (
            ["val_accuracy", "parameters"],
            ["max", "smal"],
            "direction: each must be auto, max or min; received 'smal'; ",
        ),
        (
            "val_accuracy",
            ["max", "min"],
            "direction: must be one for the only objective val_accuracy; received [max,min",
        ),
        (
            ["val_loss", "val_own score"],
            "auto",
            "direction: 'val_own score': no name of a metric or a loss of Keras, so the be",
        ),
    ],
)
def test_each_fault_is_one_message(objective: Any, direction: Any, message: str) -> None:
    (found,) = check_objectives(objective, direction, METRICS)
    assert found.startswith(message)
