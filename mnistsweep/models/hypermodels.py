"""Models that declare their own hyperparameters, as KerasTuner's documentation shows. KerasTuner is not imported."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from mnistsweep import targets
from mnistsweep.errors import ConfigError
from mnistsweep.models.builders import BUILDERS, as_model, offered_arguments
from mnistsweep.user_code import explained

if TYPE_CHECKING:
    import keras


def is_hypermodel(target: Any) -> bool:
    """Whether a target declares its own hyperparameters, as KerasTuner's documentation shows.

    True for a function whose first parameter is called `hp` or annotated `HyperParameters`, and for a class or an
    object whose method `build` is such a function: every `keras_tuner.HyperModel`.

    Example:
        >>> is_hypermodel(lambda hp: None), is_hypermodel(lambda units: None)
        (True, False)
    """
    build_method = getattr(target, "build", None)
    if inspect.isclass(target):
        return build_method is not None and _takes_hyperparameters(build_method, skip=1)
    return _takes_hyperparameters(target) or _takes_hyperparameters(build_method)


def _takes_hyperparameters(function: Any, skip: int = 0) -> bool:
    try:
        parameters = list(inspect.signature(function).parameters.values())[skip:]
    except (TypeError, ValueError):  # not callable, or compiled without a signature
        return False
    if not parameters:
        return False
    annotation = parameters[0].annotation
    name = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
    return parameters[0].name == "hp" or name.endswith("HyperParameters")


def needs_hyperparameters(config: Mapping[str, Any]) -> bool:
    """Whether a configuration's target declares its own hyperparameters; this imports the user's module.

    Raises:
        ConfigError: The target does not exist or cannot be imported.
    """
    dotted = str(config.get("_target_"))
    if dotted in BUILDERS:
        return False
    target = targets.resolve(dotted, "model._target_")
    with explained(lambda reason: ConfigError(f"model._target_: {dotted!r} cannot be inspected: {reason}")):
        return is_hypermodel(target)


def make_hypermodel(config: Mapping[str, Any], input_shape: Any, classes: int | None) -> Any:
    """Make the hypermodel that a configuration names: a function of `hp`, or an object whose method `build` is one.

    Args:
        config: `_target_` names a function of `hp`, or a class or an object with the methods of
            `keras_tuner.HyperModel`. A class is called with the other keys except `hp`.
        input_shape: Shape of one example; passed where the class's signature names it.
        classes: Number of classes; passed where the class's signature names it.

    Raises:
        ConfigError: A key or the target cannot be used.
    """
    config = targets.plain(config)
    target = targets.resolve(config["_target_"], "model._target_")
    if not inspect.isclass(target):
        return target
    return targets.call("model", target, config, offered_arguments(input_shape, classes))


def build_hypermodel(
    config: Mapping[str, Any], hp: Any, input_shape: Any, classes: int | None, hypermodel: Any = None
) -> keras.Model:
    """Build the model of a target that declares its own hyperparameters.

    Args:
        config: As for `make_hypermodel`; the other keys are keyword arguments of the function or of the class.
        hp: The `keras_tuner.HyperParameters` of this trial.
        input_shape: Shape of one example; passed where the signature names it.
        classes: Number of classes; passed where the signature names it.
        hypermodel: Result of `make_hypermodel`, to build with that same object; None makes a new one.

    Raises:
        ConfigError: A key or the target cannot be used, or the target returns no model.
    """
    config = targets.plain(config)
    if hypermodel is None:
        hypermodel = make_hypermodel(config, input_shape, classes)
    if inspect.isclass(targets.resolve(config["_target_"], "model._target_")):
        config = {"_target_": config["_target_"]}  # the other keys went to the class
    offered = offered_arguments(input_shape, classes)
    return as_model(targets.call("model", _build_function(hypermodel), config, offered, hp), config)


def _build_function(hypermodel: Any) -> Callable[..., Any]:
    """Function of `hp` with the signature that the user wrote, also where KerasTuner wraps it."""
    method = getattr(hypermodel, "build", None)
    if method is None:
        return hypermodel  # type: ignore[no-any-return]
    # Private: KerasTuner 1.4.8 replaces `build` by a wrapper and keeps the user's method as `_build`.
    written = getattr(hypermodel, "_build", method)

    @functools.wraps(written)
    def build_method(*args: Any, **keywords: Any) -> Any:
        return method(*args, **keywords)

    return build_method
