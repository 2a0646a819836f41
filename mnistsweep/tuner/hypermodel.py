"""One configuration as a `keras_tuner.HyperModel`: `build` makes its model, `fit` trains it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

import keras
import keras_tuner

from mnistsweep.config.schema import Config
from mnistsweep.data import Dataset
from mnistsweep.models import builders, hypermodels
from mnistsweep.training.callbacks.backup_and_resume import BackupAndResume
from mnistsweep.training.callbacks.epoch_counter import EpochCounter
from mnistsweep.training.engines import Split
from mnistsweep.training.loop import FitOptions
from mnistsweep.training.trainer import default_fit

# How Python reports `model.fit(epochs=hp.Int(...), **kwargs)` where `kwargs` has epochs too.
_GIVEN_TWICE = re.compile(r"got multiple values for (?:keyword )?argument '(\w+)'")


class ConfiguredHyperModel(keras_tuner.HyperModel):  # type: ignore[misc]
    """Builds and fits what a configuration describes, for one trial.

    A user's hypermodel gets its hyperparameters from the configuration (`model.hp`), so that a trial and a training
    that repeats it are built alike. One with a `fit` of its own is asked to fit, by the object that built the model;
    every other model goes through the fast loop. A `fit` of its own augments by itself, if it wants to.

    Args:
        config: Of the trial.
        dataset: Says the shape of the input and the number of classes.

    Attributes:
        hyperparameters: What the user's hypermodel has declared since `build` was last called, with its values.
    """

    def __init__(self, config: Config, dataset: Dataset) -> None:
        super().__init__(name="mnistsweep")
        self.config = config
        self.dataset = dataset
        self.hyperparameters = keras_tuner.HyperParameters()
        self._own: Any = None

    def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
        """The model, compiled only where the user's code does so; it is the configuration's, whatever `hp` holds."""
        config, shape, classes = self.config.model, self.dataset.input_shape, self.dataset.classes
        if not hypermodels.needs_hyperparameters(config):
            return builders.build(config, shape, classes)
        self.hyperparameters = keras_tuner.HyperParameters()
        self.hyperparameters.values = dict(config.get("hp") or {})
        self._own = hypermodels.make_hypermodel(config, shape, classes)
        return hypermodels.build_hypermodel(config, self.hyperparameters, shape, classes, self._own)

    @property
    def has_own_fit(self) -> bool:
        """Whether the user's hypermodel that built the last model has a `fit` of its own."""
        method = getattr(type(self._own), "fit", None)
        return method is not None and method is not keras_tuner.HyperModel.fit

    def fit(
        self,
        hp: keras_tuner.HyperParameters,
        model: keras.Model,
        train: Split,
        validation: Split,
        options: FitOptions,
        callbacks: Sequence[keras.callbacks.Callback],
    ) -> None:
        """Train the model; what it measures goes to the callbacks."""
        if not self.has_own_fit:
            default_fit(model, train, validation, options, callbacks)
            return
        result = self.call_own_fit(
            model, train, validation_data=validation, epochs=options.epochs, batch_size=options.batch_size,
            callbacks=list(callbacks), verbose=0,
        )  # fmt: skip
        # A training that goes on counts its earlier epochs too, so one that had only to be finished was told of them.
        if not any(isinstance(one, EpochCounter) and one.epochs for one in callbacks):
            _tell(callbacks, model, result, self.config.objective)

    def call_own_fit(self, model: keras.Model, train: Split, **keywords: Any) -> Any:
        """Call the user's `fit` with those keywords that it takes; one that it sets by itself is left to it.

        Returns:
            What the user's `fit` returns.
        """
        parameters = inspect.signature(self._own.fit).parameters
        if inspect.Parameter.VAR_KEYWORD not in {parameter.kind for parameter in parameters.values()}:
            keywords = {name: value for name, value in keywords.items() if name in parameters}
        while True:
            try:
                return self._own.fit(self.hyperparameters, model, *train, **keywords)
            except TypeError as error:
                twice = _GIVEN_TWICE.search(str(error))
                if twice is None or twice[1] == "callbacks" or keywords.pop(twice[1], None) is None:
                    raise


def _tell(callbacks: Sequence[keras.callbacks.Callback], model: keras.Model, result: Any, objective: str) -> None:
    """Hand what a user's `fit` returned to the callbacks, as one epoch: it called none of them.

    KerasTuner takes the objective as a number, a dictionary of metrics or a `History`; of the latter the last epoch
    counts, for the model has its weights.
    """
    epoch = 0
    if isinstance(result, keras.callbacks.History):
        epoch = max(len(result.epoch) - 1, 0)
        result = {name: values[-1] for name, values in result.history.items()}
    logs = {objective: result} if isinstance(result, Real) else result
    if not isinstance(logs, Mapping):
        return
    told = [callback for callback in callbacks if not isinstance(callback, BackupAndResume)]  # nothing to go on from
    events = keras.callbacks.CallbackList(told, model=model)
    events.on_train_begin()
    events.on_epoch_begin(epoch)
    events.on_epoch_end(epoch, {name: float(value) for name, value in logs.items()})
    events.on_train_end()
