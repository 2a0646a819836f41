"""Models that declare their own hyperparameters, as KerasTuner's documentation shows. KerasTuner is not imported."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

from mnistsweep import targets
from mnistsweep.errors import ConfigError
from mnistsweep.models.builders import BUILDERS, as_model, offered_arguments
from mnistsweep.user_code import explained

if TYPE_CHECKING:
    import keras

# Arguments that mnistsweep offers to every function and class.
OFFERED = ("input_shape", "classes")


def is_hypermodel(target: Any, values: Collection[str] = ()) -> bool:
    """Whether a target declares its own hyperparameters, as KerasTuner's documentation shows.

    True for a function of hyperparameters, and for a class or an object with a method `build` that is one: every
    `keras_tuner.HyperModel`. A function, a `functools.partial` or any other callable is a function of hyperparameters
    if its first parameter is called `hp` or annotated `HyperParameters`; or if the first parameter is the only one
    without a value: it has no default, the configuration does not set it, and it is neither `input_shape` nor
    `classes`.

    Args:
        target: What the configuration names.
        values: Names of the arguments that the configuration sets.

    Example:
        >>> is_hypermodel(lambda hp: None), is_hypermodel(lambda hparams: None), is_hypermodel(lambda input_shape: None)
        (True, True, False)
        >>> is_hypermodel(lambda units: None, values=["units"])
        False
    """
    build_method = None if _is_layer(target) else getattr(target, "build", None)
    if inspect.isclass(target):
        return build_method is not None and _takes_hyperparameters(build_method, (), skip=1)
    return _takes_hyperparameters(target, values) or _takes_hyperparameters(build_method, values)


def _takes_hyperparameters(function: Any, values: Collection[str], skip: int = 0) -> bool:
    parameters = _parameters(function)[skip:]
    if not parameters:
        return False
    annotation = parameters[0].annotation
    name = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
    if parameters[0].name == "hp" or name.endswith("HyperParameters"):
        return True
    known = {*OFFERED, *values}
    return [each.name for each in parameters if _needs_value(each) and each.name not in known] == [parameters[0].name]


def _parameters(function: Any) -> list[inspect.Parameter]:
    try:
        return list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # not callable, or compiled without a signature
        return []


def _needs_value(parameter: inspect.Parameter) -> bool:
    kinds = inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD
    return parameter.kind in kinds and parameter.default is inspect.Parameter.empty


def unnamed_parameter(config: Mapping[str, Any]) -> str | None:
    """Name of the parameter that gets the hyperparameters only because it has no other value; else None.

    Args:
        config: Group `model`: `_target_` and arguments.
    """
    target = _target(config)
    function = getattr(target, "build", target)
    parameters = _parameters(function)[1 if inspect.isclass(target) else 0 :]
    name = parameters[0].name if parameters else "hp"
    return None if name == "hp" else name


def needs_hyperparameters(config: Mapping[str, Any]) -> bool:
    """Whether a configuration's target declares its own hyperparameters; this imports the user's module.

    Raises:
        ConfigError: The target does not exist, cannot be imported, or is a tuner of KerasTuner.
    """
    if str(config.get("_target_")) in BUILDERS:
        return False
    target = _target(config)
    if _is_tuner(target):
        rule = "must be a model: a function of hp or a HyperModel; mnistsweep itself runs the trials of KerasTuner"
        raise ConfigError(
            f"model._target_: {rule}; received the tuner {config['_target_']}; name its hypermodel, and write what "
            "its run_trial does as HyperModel.fit"
        )
    with explained(lambda reason: _not_inspected(config, reason)):
        return is_hypermodel(target, [key for key in config if key not in targets.RESERVED])


def has_own_fit(config: Mapping[str, Any]) -> bool:
    """Whether a configuration's target is a hypermodel with a `fit` of its own; this imports the user's module.

    Args:
        config: Group `model`: `_target_` and arguments.

    Raises:
        ConfigError: The target does not exist or cannot be imported.
    """
    if str(config.get("_target_")) in BUILDERS or not needs_hyperparameters(config):
        return False
    target = _target(config)
    method = getattr(target if inspect.isclass(target) else type(target), "fit", None)
    return method is not None and method is not getattr(_kerastuner_class("HyperModel"), "fit", None)


def _is_layer(target: Any) -> bool:
    """Whether a target is a layer or a model of Keras, or a class of them: their `build` takes shapes."""
    base = getattr(sys.modules.get("keras"), "Layer", None)
    return base is not None and issubclass(target if inspect.isclass(target) else type(target), base)


def _target(config: Mapping[str, Any]) -> Any:
    return targets.resolve(str(config.get("_target_")), "model._target_")


def _not_inspected(config: Mapping[str, Any], reason: str) -> ConfigError:
    return ConfigError(f"model._target_: {config.get('_target_')!r} cannot be inspected: {reason}")


def _kerastuner_class(name: str) -> Any:
    """Class of KerasTuner; None if the user's module has not imported KerasTuner, so that it has no such class."""
    return getattr(sys.modules.get("keras_tuner"), name, None)


def _is_tuner(target: Any) -> bool:
    """Whether a target is a tuner of KerasTuner, or a class derived from one."""
    base = getattr(_kerastuner_class("Tuner"), "__mro__", (None, None))[1]
    kind = target if inspect.isclass(target) else type(target)
    return base is not None and base is not object and issubclass(kind, base)


def make_hypermodel(config: Mapping[str, Any], input_shape: Any, classes: int | None) -> Any:
    """Make the hypermodel that a configuration names: a function of `hp`, or an object whose method `build` is one.

    Args:
        config: `_target_` names a function of `hp`, or a class or an object with the methods of
            `keras_tuner.HyperModel`. A class is called with the other keys except `hp`; a value with its own `_target_`
            is made first, for example the `augmentation_model` of `HyperEfficientNet`.
        input_shape: Shape of one example; passed where the class's signature names it.
        classes: Number of classes; passed where the class's signature names it.

    Raises:
        ConfigError: A key or the target cannot be used.
    """
    config = targets.plain(config)
    target = targets.resolve(config["_target_"], "model._target_")
    if not inspect.isclass(target):
        return target
    offered = offered_arguments(input_shape, classes)
    made = {name: _make_argument(name, value, offered) for name, value in config.items()}
    return targets.call("model", target, made, offered)


def _make_argument(name: str, value: Any, offered: Mapping[str, Any]) -> Any:
    """An argument of a hypermodel: the value itself, or the object that its `_target_` names."""
    if not isinstance(value, Mapping) or "_target_" not in value:
        return value
    key = f"model.{name}"
    return targets.call(key, targets.resolve(value["_target_"], f"{key}._target_"), value, offered)


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
