"""Metrics by name or by dotted path. Imports no Keras before one is built."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Iterable
from typing import Any

from mnistsweep import target_source, targets
from mnistsweep.errors import ConfigError, suggest
from mnistsweep.models import keras_names

KEY = "trainer.metrics"

SHORT_NAMES = ("acc", "accuracy", "bce", "ce", "crossentropy", "mae", "mape", "mse", "msle")
"""Names that `keras.Model.compile` resolves by itself; accuracy and cross-entropy follow the form of the labels."""

# Public classes that do not measure a model: base classes, and averages of values that the caller passes.
_NO_MEASURES = ("Mean", "MeanMetricWrapper", "Metric", "Sum")

# Separator of package and name of an object that `keras.saving.register_keras_serializable` has registered.
_REGISTERED = ">"


def names() -> list[str]:
    """Names of all metrics of the installed Keras that need no argument, as Keras spells them in the logs.

    Example:
        >>> "top_k_categorical_accuracy" in names(), "mean_io_u" in names()
        (True, False)
    """
    found = [name for name in keras_names.class_names("metrics") if name not in _NO_MEASURES and _needs_nothing(name)]
    return sorted({*SHORT_NAMES, *map(keras_names.snake_case, found)})


def check(metrics: Iterable[str]) -> list[str]:
    """Find the names that are not names of Keras metrics, and dotted paths that lead nowhere.

    A registered metric (``Package>Name``) passes: it is known to Keras once the module that registers it is imported.

    Args:
        metrics: Values of ``trainer.metrics``.

    Returns:
        A message for each unknown name, with the nearest right one.
    """
    metrics = list(metrics)
    paths = [fault for name in metrics if is_path(name) for fault in target_source.check(name, KEY)]
    return paths + [
        f"{KEY}: no Keras metric is called {name!r}; {suggest(name, names())}."
        for name in metrics
        if not (name.lower() in SHORT_NAMES or _REGISTERED in name or is_path(name) or _is_metric(name))
    ]


def is_path(name: str) -> bool:
    """Whether a metric is given by its dotted path (``package.module:Metric``), not by a name."""
    return _REGISTERED not in name and ("." in name or ":" in name)


def are_registered_names(metrics: Iterable[str]) -> bool:
    """Whether a metric is given by its registered name, ``Package>Name``."""
    return any(_REGISTERED in name for name in metrics)


def unregistered(metrics: Iterable[str]) -> list[str]:
    """Find the registered metrics that no module has registered so far; imports Keras if there are any.

    Args:
        metrics: Values of ``trainer.metrics``.

    Returns:
        A message for each such name.
    """
    registered = [name for name in metrics if _REGISTERED in name]
    if not registered:
        return []
    import keras

    return [
        f"{KEY}: no module of this configuration registers {name!r}; register it where the model is defined, with "
        "keras.saving.register_keras_serializable."
        for name in registered
        if keras.saving.get_registered_object(name) is None
    ]


def _is_metric(name: str) -> bool:
    class_name = keras_names.find_class("metrics", name)
    return class_name is not None and class_name not in _NO_MEASURES and _needs_nothing(class_name)


def _needs_nothing(class_name: str) -> bool:
    return keras_names.REQUIRED not in keras_names.arguments("metrics", class_name).values()


def build(metrics: Iterable[str]) -> list[Any]:
    """Argument `metrics` of `keras.Model.compile`.

    Args:
        metrics: Values of ``trainer.metrics``. Keras does not look up registered metrics by name, so these are
            created here, without arguments. A dotted path names a function ``f(y_true, y_pred)``, a class of metrics,
            which is called without arguments, or a metric, see `_copy`.

    Raises:
        ConfigError: The object at a dotted path is none of them.
    """
    return [_build(name) for name in metrics]


def _build(name: str) -> Any:
    import keras

    if _REGISTERED in name:
        return keras.saving.get_registered_object(name)()
    if not is_path(name):
        return name
    found = targets.resolve(name, KEY)
    if isinstance(found, keras.metrics.Metric):
        return _copy(found)
    if not callable(found):
        raise ConfigError(f"{KEY}: a metric must be callable with targets and predictions; {name!r} is {found!r:.80}")
    return found() if inspect.isclass(found) else found


def _copy(metric: Any) -> Any:
    """Copy a user's metric, so that each model has its own.

    Where Keras's configuration of the metric lacks a setting, such as the threshold of a user's class, a copy would
    have the default. Then models use the metric itself, one after the other.
    """
    with contextlib.suppress(Exception):  # of the user's code, or of Keras, which reads no lambda back
        copied = type(metric).from_config(metric.get_config())
        if _settings(copied) == _settings(metric):
            return copied
    metric.reset_state()  # Keras does not reset the metrics of a model before its first evaluation
    return metric


def _settings(metric: Any) -> dict[str, Any]:
    return {name: value for name, value in vars(metric).items() if _is_setting(value)}


def _is_setting(value: Any) -> bool:
    """Whether an attribute may be an argument of the constructor, and no variable."""
    if isinstance(value, list | tuple):
        return all(map(_is_setting, value))
    return value is None or isinstance(value, str | int | float) or inspect.isfunction(value)
