"""The `fit` of a user's own hypermodel, called as KerasTuner calls it."""

from __future__ import annotations

import contextlib
import functools
import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import keras_tuner

from mnistsweep.errors import ConfigError
from mnistsweep.training.callbacks.backup_and_resume import BackupAndResume
from mnistsweep.training.callbacks.objective_reporter import ObjectiveReporter
from mnistsweep.training.callbacks.stopping import StopOnRequest
from mnistsweep.training.engines import AnySplit, StreamSplit
from mnistsweep.training.engines.streams import fit_input
from mnistsweep.training.returned import Returned

# Message of Python, or of `inspect`, for `model.fit(epochs=hp.Int(...), **kwargs)` if `kwargs` has epochs too.
_REPEATED_ARGUMENT = re.compile(r"multiple values for (?:keyword )?argument '(\w+)'")

# Keyword arguments that a user's `fit` gets by name if it declares them.
_OWN_KEYWORDS = ("validation_data", "epochs", "batch_size", "callbacks", "verbose", "sample_weight", "steps_per_epoch")


@dataclass(frozen=True)
class OwnFit:
    """The `fit` of the hypermodel object that built the model.

    Args:
        hypermodel: The user's hypermodel.
        hyperparameters: Hyperparameters of the trial, with their values.
    """

    hypermodel: Any
    hyperparameters: keras_tuner.HyperParameters

    @property
    def name(self) -> str:
        """Name of the `fit`, for messages."""
        return f"{type(self.hypermodel).__name__}.fit"

    def check_weights(self) -> None:
        """Check that the `fit` accepts sample weights: a training without them would not be the one asked for.

        Raises:
            ConfigError: It does not.
        """
        if not self._takes_any_keyword and "sample_weight" not in self._parameters:
            raise ConfigError(
                f"model._target_: there are sample weights, by the loader or trainer.class_weight, and {self.name} "
                "takes none; add the parameter sample_weight=None and pass it to model.fit"
            )

    def check_dataset(self) -> None:
        """Check that the `fit` accepts a dataset, which has inputs and targets together.

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
                f"model._target_: the data are a dataset of inputs and targets, and {self.name} requires "
                f"{needed[1]!r} too; give it a default: {needed[1]}=None"
            )

    def call(self, model: keras.Model, train: AnySplit, **keywords: Any) -> Any:
        """Call the `fit`.

        Args:
            model: Model that the hypermodel has built.
            train: Inputs, targets and perhaps weights for training; weights are passed as `sample_weight`.
            keywords: Further arguments. An argument is dropped if `fit` does not accept it, or if `fit` passes its own
                value for it to `model.fit`.

        Returns:
            Return value of the `fit`.
        """
        data, keywords = _fit_arguments(train, keywords)
        if "sample_weight" in keywords:
            self.check_weights()
        if not self._takes_any_keyword:
            keywords = {name: value for name, value in keywords.items() if name in self._parameters}
        while True:
            try:
                return self.hypermodel.fit(self.hyperparameters, model, *data, **keywords)
            except TypeError as error:
                repeated = _REPEATED_ARGUMENT.search(str(error))
                if repeated is None or repeated[1] == "callbacks" or keywords.pop(repeated[1], None) is None:
                    raise

    @property
    def _parameters(self) -> Mapping[str, inspect.Parameter]:
        return inspect.signature(self.hypermodel.fit).parameters

    @property
    def _takes_any_keyword(self) -> bool:
        return inspect.Parameter.VAR_KEYWORD in {parameter.kind for parameter in self._parameters.values()}


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


@contextlib.contextmanager
def replaced_fit(model: keras.Model, fit: Callable[..., Any]) -> Iterator[None]:
    """Context in which `model.fit` is another function.

    Args:
        model: A Keras model.
        fit: Function in place of the method.
    """
    model.fit = fit
    try:
        yield
    finally:
        del model.fit


def observed_fit(model: keras.Model, callbacks: Sequence[keras.callbacks.Callback]) -> Callable[..., Any]:
    """Return `model.fit` with callbacks that are added to each call to which a user's own `fit` does not pass them.

    So the training can be stopped and resumed, and its epochs are recorded. It is not pruned: the user's `fit` may rely
    on the number of its epochs.

    Args:
        model: A Keras model.
        callbacks: Callbacks to add.
    """
    original = model.fit
    reporters = [callback for callback in callbacks if isinstance(callback, ObjectiveReporter)]
    parameters = inspect.signature(original)

    @functools.wraps(original)
    def fit(*args: Any, **keywords: Any) -> Any:
        passed = parameters.bind_partial(*args, **keywords).arguments.get("callbacks", keywords.get("callbacks"))
        added = _missing(callbacks, passed)
        for reporter in reporters:
            reporter.is_muted = reporter in added
        if not added:
            return original(*args, **keywords)
        bound = parameters.bind_partial(*args, **keywords)
        together = [*_as_list(passed), *added]
        if "callbacks" in parameters.parameters:
            bound.arguments["callbacks"] = together
            return original(*bound.args, **bound.kwargs)
        return original(*args, **{**keywords, "callbacks": together})

    return fit


def _as_list(passed: Any) -> list[Any]:
    if passed is None:
        return []
    return list(passed) if isinstance(passed, list | tuple) else [passed]


def _missing(callbacks: Sequence[keras.callbacks.Callback], passed: Any) -> list[keras.callbacks.Callback]:
    """Return the callbacks that are not passed on; none for a `CallbackList`, which Keras uses as it is."""
    if isinstance(passed, keras.callbacks.CallbackList):
        return []
    known = {id(callback) for callback in _as_list(passed)}
    return [callback for callback in callbacks if id(callback) not in known]


def replay(returned: Returned, callbacks: Sequence[keras.callbacks.Callback], model: keras.Model) -> None:
    """Report to the callbacks what a user's own `fit` returned that called none of them.

    A finished training is neither stopped nor pruned, and there is nothing to resume.

    Args:
        returned: Return value of the `fit`.
        callbacks: Keras callbacks.
        model: The trained model.
    """
    receivers = [callback for callback in callbacks if not isinstance(callback, BackupAndResume | StopOnRequest)]
    for callback in receivers:
        if isinstance(callback, ObjectiveReporter):
            callback.is_muted = True
    events = keras.callbacks.CallbackList(receivers, model=model)
    events.on_train_begin()
    for epoch, logs in enumerate(returned.epochs):
        events.on_epoch_begin(epoch)
        events.on_epoch_end(epoch, dict(logs))
    events.on_train_end()
