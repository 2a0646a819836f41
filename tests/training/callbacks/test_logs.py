from __future__ import annotations

from typing import Any

import pytest
from small_training import replay

from mnistsweep.errors import ConfigError
from mnistsweep.training.callbacks.best_weights import BestWeights
from mnistsweep.training.callbacks.guards import FiniteGuard
from mnistsweep.training.callbacks.objective_reporter import ObjectiveReporter


@pytest.mark.parametrize(
    "callback",
    [
        FiniteGuard("val_accuracy"),
        BestWeights("val_accuracy", "max"),
        ObjectiveReporter(lambda *_: False, "val_accuracy"),
    ],
)
def test_an_objective_that_is_not_measured_names_the_most_similar_metric(callback: Any) -> None:
    with pytest.raises(ConfigError, match=r"objective: .* 'val_accuracy'; did you mean 'val_acc'\?"):
        replay(callback, [1.0], objective="val_acc")
