"""The `keras_tuner.HyperModel` of one configuration: `build` returns its model, `fit` trains it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import keras
import keras_tuner

from mnistsweep.config.schema import Config
from mnistsweep.data import Dataset
from mnistsweep.models import builders, hypermodels
from mnistsweep.training.callbacks.epoch_counter import EpochCounter
from mnistsweep.training.engines import AnySplit
from mnistsweep.training.engines.announcement import announce_engine
from mnistsweep.training.loop import FitOptions, fit
from mnistsweep.training.returned import Returned, read_returned
from mnistsweep.tuner import applications, kerastuner_private
from mnistsweep.tuner.own_fit import OwnFit, observed_fit, replaced_fit, replay


class ConfiguredHyperModel(keras_tuner.HyperModel):  # type: ignore[misc]
    """Builds and fits the model of one configuration.

    A user's hypermodel gets its hyperparameters from the configuration (`model.hp`), so a trial and a training that
    repeats it build the same model. If the user's hypermodel has a `fit` of its own, the object that built the model
    fits it; augmentation is then up to this `fit`. Every other model is trained by the fast training loop.

    Args:
        config: Configuration of the trial.
        dataset: Data set that gives the input shape and the classes of the model.

    Attributes:
        config: Configuration of the trial.
        dataset: Data set of the trial.
        hyperparameters: Hyperparameters, with their values, that the user's hypermodel has declared since the last
            call of `build`.
        returned: What the user's own `fit` returned last; None without such a `fit`.
    """

    def __init__(self, config: Config, dataset: Dataset) -> None:
        super().__init__(name="mnistsweep")
        self.config = config
        self.dataset = dataset
        self.hyperparameters = keras_tuner.HyperParameters()
        self.returned: Returned | None = None
        self._own: Any = None

    def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
        """Return the configuration's model; it is compiled only if the user's code compiles it.

        Args:
            hp: KerasTuner's hyperparameters; ignored, because the configuration has their values.
        """
        config, shape, classes = self.config.model, self.dataset.input_shape, self.dataset.num_classes
        if not hypermodels.needs_hyperparameters(config):
            return builders.build(config, shape, classes)
        self.hyperparameters = keras_tuner.HyperParameters()
        self.hyperparameters.values = dict(config.get("hp") or {})
        self._own = hypermodels.make_hypermodel(config, shape, classes)
        applications.check_application(self._own)
        with kerastuner_private.random_weights() if applications.is_classifier(self._own) else nullcontext():
            model = hypermodels.build_hypermodel(config, self.hyperparameters, shape, classes, self._own)
        if applications.is_classifier(self._own):
            applications.compile_for_class_numbers(model, self.dataset)
        return model

    @property
    def warnings(self) -> list[str]:
        """What a user should know about the model that was built last."""
        return applications.warnings_of(self._own)

    @property
    def has_own_fit(self) -> bool:
        """Whether the user's hypermodel has a `fit` of its own."""
        return hypermodels.has_own_fit(self.config.model)

    @property
    def own_fit(self) -> OwnFit:
        """The user's own `fit`, of the object that built the last model."""
        return OwnFit(self._own, self.hyperparameters)

    def fit(
        self,
        hp: keras_tuner.HyperParameters,
        model: keras.Model,
        train: AnySplit,
        validation: AnySplit,
        options: FitOptions,
        callbacks: Sequence[keras.callbacks.Callback],
    ) -> Returned | None:
        """Train the model; the callbacks receive the metrics.

        Args:
            hp: KerasTuner's hyperparameters; ignored, because the configuration has their values.
            model: Model that `build` has returned, compiled.
            train: Images and labels for training.
            validation: Images and labels for validation.
            options: Epochs, batch size and further options of the training loop.
            callbacks: Keras callbacks.

        Returns:
            What the user's own `fit` returned; None without such a `fit`.

        Raises:
            ConfigError: The user's own `fit` returned nothing that can be used.
        """
        if not self.has_own_fit:
            fit(model, train, validation, options, callbacks)
            return None
        self.returned = self._call_own_fit(model, train, validation, options, callbacks)
        return self.returned

    def _call_own_fit(
        self,
        model: keras.Model,
        train: AnySplit,
        validation: AnySplit,
        options: FitOptions,
        callbacks: Sequence[keras.callbacks.Callback],
    ) -> Returned:
        """Call the user's own `fit` and read its return value, which the callbacks receive if no epoch reached them."""
        announce_engine("fit", f"the hypermodel {type(self._own).__name__} has its own fit")
        more = {} if options.steps_per_epoch is None else {"steps_per_epoch": options.steps_per_epoch}
        counter = next((one for one in callbacks if isinstance(one, EpochCounter)), None)
        if counter is None:
            counter = EpochCounter()
            callbacks = [*callbacks, counter]
        with replaced_fit(model, observed_fit(model, callbacks)):
            result = self.own_fit.call(
                model, train, validation_data=validation, epochs=options.epochs, batch_size=options.batch_size,
                callbacks=list(callbacks), verbose=0, **more,
            )  # fmt: skip
        objective = self.config.objectives[0]
        returned = read_returned(result, objective.name, objective.direction, self.own_fit.name)
        # The counter includes the epochs before an interruption: a training that was complete when it was resumed has
        # reported them, too.
        if not counter.epochs:
            replay(returned, callbacks, model)
        return returned
