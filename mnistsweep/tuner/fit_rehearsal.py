"""A rehearsal of a user's own `HyperModel.fit`: it runs on a few examples, and `model.fit` trains nothing.

The rest of the code runs, so that the hyperparameters that it declares and the kind of its return value are known
before anything is trained.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import keras

from mnistsweep.training.target_form import few_of, split_of
from mnistsweep.training.trained_batch import evaluate_split
from mnistsweep.tuner.hypermodel import ConfiguredHyperModel
from mnistsweep.tuner.own_fit import replaced_fit

# Number of training and of validation examples that the `fit` gets.
NUM_EXAMPLES = 64

# Value of a metric that the model does not measure, such as one that a callback adds.
UNKNOWN_METRIC = 0.5


class RehearsedHistory(keras.callbacks.History):  # type: ignore[misc]
    """The History of a training that did not take place: each epoch has the metrics of the untrained model.

    Args:
        metrics: Metrics by name.
        epochs: Number of epochs.
    """

    def __init__(self, metrics: dict[str, float], epochs: int) -> None:
        super().__init__()
        self.epoch = list(range(epochs))
        self.history = _Curves({name: [value] * epochs for name, value in metrics.items()}, epochs)


class _Curves(dict[str, list[float]]):
    """Learning curves by metric; any metric has one, because callbacks may add metrics."""

    def __init__(self, curves: dict[str, list[float]], epochs: int) -> None:
        super().__init__(curves)
        self._epochs = epochs

    def __missing__(self, name: str) -> list[float]:
        return [UNKNOWN_METRIC] * self._epochs


def rehearse_fit(hypermodel: ConfiguredHyperModel, model: Any, forms: Any) -> Any:
    """Call a user's own `fit` with a few examples; the model is trained only by loops of the user's own.

    Args:
        hypermodel: Hypermodel that has built the model.
        model: The model, compiled.
        forms: Form of its targets.

    Returns:
        Return value of the `fit`.

    Raises:
        Exception: Any error of the user's code.
    """
    examples = split_of(hypermodel.dataset.train.first_examples(NUM_EXAMPLES), forms)
    return call_with(_rehearsed(model, examples), hypermodel, model, forms)


def call_with(fit: Callable[..., Any], hypermodel: ConfiguredHyperModel, model: Any, forms: Any) -> Any:
    """Call a user's own `fit` for one epoch, with a function in place of `model.fit`.

    Args:
        fit: Function in place of `model.fit`.
        hypermodel: Hypermodel that has built the model.
        model: The model, compiled.
        forms: Form of its targets.
    """
    dataset = hypermodel.dataset
    train, validation = (few_of(part, forms, NUM_EXAMPLES) for part in (dataset.train, dataset.validation))
    with replaced_fit(model, fit):
        return hypermodel.own_fit.call(
            model, train, validation_data=validation, epochs=1, batch_size=NUM_EXAMPLES, callbacks=[], verbose=0
        )


def _rehearsed(model: Any, examples: Any) -> Callable[..., RehearsedHistory]:
    parameters = inspect.signature(model.fit)

    def fit(*args: Any, **keywords: Any) -> RehearsedHistory:
        given = parameters.bind(*args, **keywords).arguments
        measured = {name: float(value) for name, value in evaluate_split(model, examples, NUM_EXAMPLES).items()}
        is_validated = given.get("validation_data") is not None or given.get("validation_split")
        metrics = measured | ({f"val_{name}": value for name, value in measured.items()} if is_validated else {})
        epochs = max(int(given.get("epochs", 1)) - int(given.get("initial_epoch", 0)), 1)
        model.history = RehearsedHistory(metrics, epochs)
        return model.history  # type: ignore[no-any-return]

    return fit
