from __future__ import annotations

import math

import pytest
from small_training import model, replay, train

from mnistsweep.errors import LeaseLost, TrialFailed
from mnistsweep.training.callbacks.guards import FiniteGuard, OwnershipCheck


class TestOwnershipCheck:
    def test_a_trial_of_another_worker_ends_with_the_epoch(self) -> None:
        def check() -> None:
            raise LeaseLost("another worker owns the trial")

        with pytest.raises(LeaseLost):
            OwnershipCheck(check).on_epoch_end(0)


class TestFiniteGuard:
    @pytest.mark.parametrize(("value", "named"), [(math.nan, "nan"), (math.inf, "inf"), (-math.inf, "-inf")])
    def test_a_metric_that_is_not_finite_fails_the_trial(self, value: float, named: str) -> None:
        with pytest.raises(TrialFailed, match=f"^val_loss became {named} in epoch 3$"):
            replay(FiniteGuard("val_loss"), [1.0, 0.5, value])

    def test_finite_epochs_pass(self) -> None:
        replay(FiniteGuard("val_loss"), [1.0, 0.5, 1e300])

    def test_a_diverging_training_stops_within_its_epoch(self) -> None:
        built = model(1e30)
        with pytest.raises(TrialFailed, match=r"^loss became (nan|inf) in epoch 1$"):
            train(built, FiniteGuard("val_loss"))
        assert int(built.optimizer.iterations) < 4

    def test_the_loss_is_named_first(self) -> None:
        guard = FiniteGuard("accuracy")
        guard.on_epoch_begin(2)
        with pytest.raises(TrialFailed, match=r"^loss became nan in epoch 3$"):
            guard.on_epoch_end(2, {"accuracy": math.nan, "loss": math.nan})
