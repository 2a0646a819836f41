"""The `keras_tuner.HyperModel` of one configuration: `build` returns its model, `fit` trains it."""

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
from mnistsweep.errors import ConfigError
from mnistsweep.models import builders, hypermodels
from mnistsweep.training.callbacks.backup_and_resume import BackupAndResume
from mnistsweep.training.callbacks.epoch_counter import EpochCounter
from mnistsweep.training.engines import AnySplit, StreamSplit
from mnistsweep.training.engines.announcement import announce_engine
from mnistsweep.training.engines.streams import fit_input
from mnistsweep.training.loop import FitOptions
from mnistsweep.training.trainer import default_fit

# Python's message for `model.fit(epochs=hp.Int(...), **kwargs)` if `kwargs` has epochs too.
_REPEATED_ARGUMENT = re.compile(r"got multiple values for (?:keyword )?argument '(\w+)'")


# Keyword arguments that a user's `fit` gets by name if it declares them.
_OWN_KEYWORDS = ("validation_data", "epochs", "batch_size", "callbacks", "verbose", "sample_weight", "steps_per_epoch")


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
    """

    def __init__(self, config: Config, dataset: Dataset) -> None:
        super().__init__(name="mnistsweep")
        self.config = config
        self.dataset = dataset
        self.hyperparameters = keras_tuner.HyperParameters()
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
        train: AnySplit,
        validation: AnySplit,
        options: FitOptions,
        callbacks: Sequence[keras.callbacks.Callback],
    ) -> None:
        """Train the model; the callbacks receive the metrics.

        Args:
            hp: KerasTuner's hyperparameters; ignored, because the configuration has their values.
            model: Model that `build` has returned, compiled.
            train: Images and labels for training.
            validation: Images and labels for validation.
            options: Epochs, batch size and further options of the training loop.
            callbacks: Keras callbacks.
        """
        if not self.has_own_fit:
            default_fit(model, train, validation, options, callbacks)
            return
        announce_engine("fit", f"the hypermodel {type(self._own).__name__} has its own fit")
        more = {} if options.steps_per_epoch is None else {"steps_per_epoch": options.steps_per_epoch}
        result = self.call_own_fit(
            model, train, validation_data=validation, epochs=options.epochs, batch_size=options.batch_size,
            callbacks=list(callbacks), verbose=0, **more,
        )  # fmt: skip
        # The counter includes the epochs before an interruption: a training that was complete when it was resumed has
        # reported them, too.
        if not any(isinstance(callback, EpochCounter) and callback.epochs for callback in callbacks):
            _report_result(callbacks, model, result, self.config.objective)

    @property
    def _parameters(self) -> Mapping[str, inspect.Parameter]:
        return inspect.signature(self._own.fit).parameters

    @property
    def _takes_any_keyword(self) -> bool:
        return inspect.Parameter.VAR_KEYWORD in {parameter.kind for parameter in self._parameters.values()}

    def check_weights(self) -> None:
        """Check that the user's `fit` accepts sample weights: a training without them would not be the one asked for.

        Raises:
            ConfigError: It does not.
        """
        if not self._takes_any_keyword and "sample_weight" not in self._parameters:
            raise ConfigError(
                f"model._target_: there are sample weights, by the loader or trainer.class_weight, and "
                f"{type(self._own).__name__}.fit takes none; add the parameter sample_weight=None and pass it to "
                "model.fit"
            )

    def check_dataset(self) -> None:
        """Check that the user's `fit` accepts a dataset, which has inputs and targets together.

        Raises:
            ConfigError: It requires separate targets.
        """
        needed = [
            parameter.name
            for parameter in list(self._parameters.values())[2:]
            if parameter.kind in (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
            and parameter.default is inspect.Parameter.empty
        ]
        if len(needed) > 1 and needed[1] not in _OWN_KEYWORDS:
            raise ConfigError(
                f"model._target_: the data are a dataset of inputs and targets, and {type(self._own).__name__}.fit "
                f"requires {needed[1]!r} too; give it a default: {needed[1]}=None"
            )

    def call_own_fit(self, model: keras.Model, train: AnySplit, **keywords: Any) -> Any:
        """Call the `fit` of the user's hypermodel.

        Args:
            model: Model that `build` has returned.
            train: Inputs, targets and perhaps weights for training; weights are passed as `sample_weight`.
            keywords: Further arguments. An argument is dropped if `fit` does not accept it, or if `fit` passes its own
                value for it to `model.fit`.

        Returns:
            Return value of the user's `fit`.
        """
        data, more = _fit_arguments(train, keywords)
        if "sample_weight" in more:
            self.check_weights()
        keywords = more
        if not self._takes_any_keyword:
            keywords = {name: value for name, value in keywords.items() if name in self._parameters}
        while True:
            try:
                return self._own.fit(self.hyperparameters, model, *data, **keywords)
            except TypeError as error:
                repeated = _REPEATED_ARGUMENT.search(str(error))
                if repeated is None or repeated[1] == "callbacks" or keywords.pop(repeated[1], None) is None:
                    raise


def _fit_arguments(train: AnySplit, keywords: Mapping[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Positional and keyword arguments of a user's `fit`, as `Tuner.search` of KerasTuner would pass them."""
    if not isinstance(train, StreamSplit):
        x, y, *weights = train
        return (x, y), {**keywords, **({"sample_weight": weights[0]} if weights else {})}
    more = dict(keywords)
    batch_size = more.pop("batch_size")  # a dataset has batches
    if isinstance(more.get("validation_data"), StreamSplit):
        more["validation_data"] = fit_input(more["validation_data"], batch_size)
    return (fit_input(train, batch_size),), more


def _report_result(
    callbacks: Sequence[keras.callbacks.Callback], model: keras.Model, result: Any, objective: str
) -> None:
    """Report the return value of a user's `fit` to the callbacks as one epoch, because `fit` did not call them.

    KerasTuner accepts the objective as a number, a dictionary of metrics or a `History`. Of a `History` the last epoch
    counts, because the model has its weights.
    """
    epoch = 0
    if isinstance(result, keras.callbacks.History):
        epoch = max(len(result.epoch) - 1, 0)
        result = {name: values[-1] for name, values in result.history.items()}
    logs = {objective: result} if isinstance(result, Real) else result
    if not isinstance(logs, Mapping):
        return
    # Without the backup: there is nothing to resume from.
    receivers = [callback for callback in callbacks if not isinstance(callback, BackupAndResume)]
    events = keras.callbacks.CallbackList(receivers, model=model)
    events.on_train_begin()
    events.on_epoch_begin(epoch)
    events.on_epoch_end(epoch, {name: float(value) for name, value in logs.items()})
    events.on_train_end()
