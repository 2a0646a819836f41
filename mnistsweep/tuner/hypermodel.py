"""One configuration as a `keras_tuner.HyperModel`: `build` makes its model, `fit` trains it."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import keras
import keras_tuner

from mnistsweep import models, targets
from mnistsweep.config.schema import Config
from mnistsweep.data import Dataset
from mnistsweep.fitting import FitOptions
from mnistsweep.training import Labelled, compile_model, default_fit


class ConfiguredHyperModel(keras_tuner.HyperModel):  # type: ignore[misc]
    """Builds and fits what a configuration describes; `config` and `dataset` are set anew for each trial.

    A user's own `HyperModel` with a `fit` of its own is asked to fit; every other model goes through the fast loop.
    """

    def __init__(self, config: Config, dataset: Dataset) -> None:
        super().__init__(name="mnistsweep")
        self.config = config
        self.dataset = dataset

    def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
        """The compiled model; `hp` is handed to a user's hypermodel, other builders read the configuration."""
        shape, classes = self.dataset.input_shape, self.dataset.classes
        if models.needs_hyperparameters(self.config.model):
            model = models.build_hypermodel(self.config.model, hp, shape, classes)
        else:
            model = models.build(self.config.model, shape, classes)
        compile_model(model, self.config, self.dataset)
        return model

    def fit(
        self,
        hp: keras_tuner.HyperParameters,
        model: keras.Model,
        train: Labelled,
        validation: Labelled,
        options: FitOptions,
        callbacks: Sequence[keras.callbacks.Callback],
    ) -> None:
        """Train the model; what it measures goes to the callbacks."""
        own = self._own_hypermodel()
        if own is None:
            default_fit(model, train, validation, options, callbacks)
            return
        own.fit(
            hp, model, *train, validation_data=validation, epochs=options.epochs, batch_size=options.batch_size,
            callbacks=list(callbacks), verbose=0,
        )  # fmt: skip

    def _own_hypermodel(self) -> keras_tuner.HyperModel | None:
        """The user's HyperModel, if it has a `fit` of its own."""
        if self.config.model.get("_target_") in models.BUILDERS:
            return None
        target = targets.resolve(self.config.model["_target_"], "model._target_")
        if inspect.isclass(target) and issubclass(target, keras_tuner.HyperModel):
            offered = {"input_shape": self.dataset.input_shape, "classes": self.dataset.classes}
            target = targets.call("model", target, self.config.model, offered)
        if isinstance(target, keras_tuner.HyperModel) and type(target).fit is not keras_tuner.HyperModel.fit:
            return target
        return None


def fixed_hyperparameters(config: Config) -> keras_tuner.HyperParameters:
    """The values under `model.hp` as KerasTuner's; a hyperparameter that is not there takes its default."""
    hp = keras_tuner.HyperParameters()
    hp.values = dict((config.model or {}).get("hp") or {})
    return hp
