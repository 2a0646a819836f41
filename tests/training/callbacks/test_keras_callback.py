"""The callback of a user's own program: reports, pruning, a requested stop, and a program that runs alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import pytest

from mnistsweep import KerasCallback, current_trial
from mnistsweep.errors import ConfigError, TrialFailed
from mnistsweep.running_trial import Running, running
from mnistsweep.training.callbacks.keras_callback import _default_metric
from mnistsweep.training.callbacks.stopping import Interrupted


@dataclass
class FakeTrial:
    """A trial that is pruned after some number of reports; `stop_at_batch` is asked to stop while it trains."""

    prune_after: int | None = None
    is_asked_to_stop: bool = False
    number: int | None = 0
    values: Mapping[str, Any] = field(default_factory=dict)
    reports: list[float] = field(default_factory=list)

    def report(self, value: float, step: int | None = None) -> None:
        assert step is None
        self.reports.append(value)

    @property
    def should_stop(self) -> bool:
        return self.is_asked_to_stop or (self.prune_after is not None and len(self.reports) >= self.prune_after)


def train(callback: keras.callbacks.Callback, epochs: int = 3, scale: float = 1.0) -> list[float]:
    """Train a small model; returns its validation losses."""
    keras.utils.set_random_seed(0)
    inputs = scale * np.linspace(0, 1, 32, dtype="float32").reshape(16, 2)
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    data = {"validation_data": (inputs, inputs[:, 0])}
    history = model.fit(inputs, inputs[:, 0], epochs=epochs, verbose=0, callbacks=[callback], batch_size=4, **data)
    return list(history.history["val_loss"])


def test_each_epoch_is_reported() -> None:
    trial = FakeTrial()
    with running(trial, "val_loss", "min"):
        assert current_trial() is trial
        losses = train(KerasCallback())
        losses += train(KerasCallback("val_loss"), epochs=2)
    assert trial.reports == losses
    assert len(losses) == 5


def test_a_number_of_the_programs_own_is_represented_by_a_metric() -> None:
    trial = FakeTrial()
    with running(trial, "objective", "min"):
        assert train(KerasCallback()) == trial.reports
    with running(FakeTrial(), "val_auc", "max"), pytest.raises(ConfigError, match="does not measure 'val_auc'"):
        train(KerasCallback())


@pytest.mark.parametrize(
    ("objective", "direction", "metric"),
    [
        ("mine", "max", "val_accuracy"),
        ("mine", "min", "val_loss"),
        ("loss", "min", "loss"),
        ("val_auc", "max", "val_auc"),
    ],
)
def test_the_metric_is_better_in_the_direction_of_the_objective(objective: str, direction: str, metric: str) -> None:
    logs = {"accuracy": 1, "loss": 1, "val_accuracy": 1, "val_mine": 1, "val_mse": 1, "val_loss": 1}
    assert _default_metric(logs, Running(FakeTrial(), objective, direction)) == metric


def test_a_pruned_trial_ends_after_its_epoch() -> None:
    trial = FakeTrial(prune_after=2)
    with running(trial, "val_loss", "min"):
        assert train(KerasCallback(), epochs=5) == trial.reports
    assert len(trial.reports) == 2


def test_a_requested_stop_interrupts_the_training() -> None:
    with running(FakeTrial(is_asked_to_stop=True), "val_loss", "min"), pytest.raises(Interrupted):
        train(KerasCallback())


@pytest.mark.slow
def test_alone_the_program_trains_as_without_the_callback() -> None:
    assert train(KerasCallback()) == train(keras.callbacks.Callback())
    assert current_trial().number is None
    current_trial().report(1.0, 1)
    assert not current_trial().should_stop


def test_what_is_refused() -> None:
    with running(FakeTrial(), "score", "max"):  # the training measures losses only
        with pytest.raises(
            ConfigError, match=r"does not measure 'score'; write KerasCallback\('METRIC'\); Known: 'loss'"
        ):
            train(KerasCallback())
        with pytest.raises(ConfigError, match=r"received 'val_loss', but 'score' is maximized; monitor another metric"):
            train(KerasCallback("val_loss"))
    with running(FakeTrial(), "val_loss", "min"), pytest.raises(TrialFailed, match=r"val_loss became (nan|inf)"):
        train(KerasCallback(), epochs=50, scale=1e6)
