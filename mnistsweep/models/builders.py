"""From a configuration to a model: check it, find its builder or hypermodel, build it.

`_target_` names one of the built-in classifiers (re-exported here from `mnistsweep.models.networks`), any function that
returns a `keras.Model`, or anything that KerasTuner takes for a hypermodel. Importing this module imports no Keras.
"""

from __future__ import annotations

import functools
import inspect
import math
import numbers
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mnistsweep import targets
from mnistsweep.errors import ConfigError, TrialFailed, suggest
from mnistsweep.models.networks import Shape, conv_dense, deep_conv, fast_conv, perceptron, tiny_conv

if TYPE_CHECKING:
    import keras

ACTIVATIONS = (
    *("celu", "elu", "exponential", "gelu", "hard_sigmoid", "hard_silu", "hard_swish", "leaky_relu", "linear"),
    *("log_sigmoid", "mish", "relu", "relu6", "selu", "sigmoid", "silu", "softplus", "softsign", "swish", "tanh"),
)
"""Keras's activations that work on each unit by itself."""


BUILDERS: dict[str, Callable[..., Any]] = {
    f"{__name__}.{builder.__name__}": builder for builder in (conv_dense, deep_conv, perceptron, tiny_conv, fast_conv)
}
"""The built-in builders by the `_target_` of their presets."""

# Every other whole number among the builders' keys is at least 1.
_MAY_BE_ZERO = ("conv_layers", "dense_layers")


def check(config: Mapping[str, Any]) -> list[str]:
    """Say what is wrong with a model's configuration, without importing Keras or the user's module.

    Args:
        config: The group `model`: `_target_` and the keys of what it names.

    Returns:
        Messages, each naming the key and the nearest right one; empty where no fault was found. For a user's own
        target only what its source says for certain is checked here; `build` checks the rest.
    """
    config = targets.plain(config)
    dotted = config.get("_target_")
    keys = [key for key in config if key not in targets.RESERVED]
    builder = BUILDERS.get(str(dotted))
    if builder is not None:
        known = list(inspect.signature(builder).parameters)[2:]
        faults = targets.unknown_keys("model", str(dotted), keys, known)
        missing = [key for key in known if key not in config]
        faults += [f"model.{key} is missing: {dotted} has no default for it" for key in missing]
        faults += _unused_hyperparameters(config)
        return faults + [fault for key in known if key in config for fault in _value_faults(builder, key, config[key])]
    if isinstance(dotted, str) and (dotted.startswith(f"{__name__}.") or "." not in dotted.replace(":", ".")):
        near = suggest(dotted if "." in dotted else f"{__name__}.{dotted}", BUILDERS)
        return [f"model._target_: {dotted!r} is no built-in model, and no dotted path to one of your own; {near}"]
    faults = targets.check(dotted, "model._target_")
    known_to_source = None if faults else targets.declared(str(dotted))
    return faults if known_to_source is None else targets.unknown_keys("model", str(dotted), keys, known_to_source)


def _value_faults(builder: Callable[..., Any], key: str, value: Any) -> list[str]:
    """Check one value of a built-in builder against the rule of its key."""
    kind = inspect.signature(builder).parameters[key].annotation
    if kind == "str":
        known = value in ACTIVATIONS
        return [] if known else [f"model.{key}: no activation {value!r}; {suggest(str(value), ACTIVATIONS)}"]
    if kind == "float":
        rule, right = ("0 or more", _is_number(value) and value >= 0)
        if key.endswith("dropout"):
            rule, right = ("from 0 up to but not including 1", right and value < 1)
        return [] if right else [f"model.{key} must be a number {rule}; received {value!r}"]
    least = 0 if key in _MAY_BE_ZERO else 1
    if kind == "int":
        right = _is_whole(value, least)
        return [] if right else [f"model.{key} must be a whole number, {least} or more; received {value!r}"]
    right = isinstance(value, Sequence) and not isinstance(value, str) and all(_is_whole(part, 1) for part in value)
    return [] if right else [f"model.{key} must be a list of whole numbers, 1 or more; received {value!r}"]


def _unused_hyperparameters(config: Mapping[str, Any]) -> list[str]:
    if not config.get("hp"):
        return []
    rule = "model.hp fixes hyperparameters that a target declares by itself (a function of hp, a HyperModel)"
    return [f"{rule}; {config['_target_']} declares none, received {config['hp']!r}"]


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value)


def _is_whole(value: Any, least: int) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool) and int(value) >= least


def is_hypermodel(target: Any) -> bool:
    """Tell whether a target declares its own hyperparameters, as KerasTuner's documentation shows.

    True for a function whose first parameter is called `hp` or annotated `HyperParameters`, and for a class or an
    object whose method `build` is such a function: every `keras_tuner.HyperModel`. KerasTuner is not imported.

    Example:
        >>> is_hypermodel(lambda hp: None), is_hypermodel(fast_conv)
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
    """Tell whether a configuration's target declares its own hyperparameters; imports a user's module.

    Raises:
        ConfigError: The target does not exist or cannot be imported.
    """
    dotted = str(config.get("_target_"))
    return dotted not in BUILDERS and is_hypermodel(targets.resolve(dotted, "model._target_"))


def build(config: Mapping[str, Any], input_shape: Shape, classes: int) -> keras.Model:
    """Build the model that a configuration describes.

    Args:
        config: The group `model`: `_target_` and, as keys, the keyword arguments of what it names.
        input_shape: Shape of one example, for images (height, width, channels).
        classes: Number of classes.

    Returns:
        The model; compiled only where a user's function compiled it.

    Raises:
        ConfigError: A key, a value or the target cannot be used, or the target returns no model.
        TrialFailed: The layers do not fit the images, for example more poolings than pixels.

    Example:
        >>> config = {"_target_": "mnistsweep.models.perceptron", "dense_layers": 1, "layer_size": 16}
        >>> build(config | {"dropout": 0.0, "activation": "sigmoid"}, (28, 28, 1), 10).count_params()
        12730
    """
    config = targets.plain(config)
    faults = check(config)
    if faults:
        raise ConfigError("\n".join(faults))
    target = targets.resolve(config["_target_"], "model._target_")
    offered = {"input_shape": tuple(input_shape), "classes": classes}
    if _unused_hyperparameters(config):
        raise ConfigError(_unused_hyperparameters(config)[0])
    try:
        model = targets.call("model", target, config, offered)
    except ValueError as error:
        if config["_target_"] not in BUILDERS:
            raise
        raise TrialFailed(f"{config['_target_']} does not fit input of shape {tuple(input_shape)}: {error}") from error
    return _as_model(model, config)


def make_hypermodel(config: Mapping[str, Any], input_shape: Shape, classes: int) -> Any:
    """Make the hypermodel that a configuration names: a function of `hp`, or an object whose method `build` is one.

    Args:
        config: `_target_` names such a function, a `keras_tuner.HyperModel` (class or object) or anything like one. A
            class is called with the further keys, but for `hp`.
        input_shape: Shape of one example; passed where the class's signature names it.
        classes: Number of classes; passed where the class's signature names it.

    Raises:
        ConfigError: A key or the target cannot be used.
    """
    config = targets.plain(config)
    target = targets.resolve(config["_target_"], "model._target_")
    if not inspect.isclass(target):
        return target
    return targets.call("model", target, config, {"input_shape": tuple(input_shape), "classes": classes})


def build_hypermodel(
    config: Mapping[str, Any], hp: Any, input_shape: Shape, classes: int, hypermodel: Any = None
) -> keras.Model:
    """Build the model of a target that declares its own hyperparameters.

    Args:
        config: As for `make_hypermodel`; further keys are keyword arguments of the function, or of the class.
        hp: The `keras_tuner.HyperParameters` of this trial.
        input_shape: Shape of one example; passed where the signature names it.
        classes: Number of classes; passed where the signature names it.
        hypermodel: What `make_hypermodel` returned, to build with that very object; None: it is made.

    Raises:
        ConfigError: A key or the target cannot be used, or the target returns no model.
    """
    config = targets.plain(config)
    if hypermodel is None:
        hypermodel = make_hypermodel(config, input_shape, classes)
    if inspect.isclass(targets.resolve(config["_target_"], "model._target_")):
        config = {"_target_": config["_target_"]}  # the class took the other keys
    offered = {"input_shape": tuple(input_shape), "classes": classes}
    return _as_model(targets.call("model", _build_function(hypermodel), config, offered, hp), config)


def _build_function(hypermodel: Any) -> Callable[..., Any]:
    """Return the function of `hp`; with the user's signature also where KerasTuner wraps it to freeze the space."""
    method = getattr(hypermodel, "build", None)
    if method is None:
        return hypermodel  # type: ignore[no-any-return]
    written = getattr(hypermodel, "_build", method)  # `keras_tuner.HyperModel` keeps the user's own method there

    @functools.wraps(written)
    def build_method(*args: Any, **keywords: Any) -> Any:
        return method(*args, **keywords)

    return build_method


def _as_model(result: Any, config: Mapping[str, Any]) -> keras.Model:
    import keras

    if not isinstance(result, keras.Model):
        raise ConfigError(
            f"model._target_: {config['_target_']} must return a keras.Model; it returned {result!r:.200}"
        )
    return result
