"""From a configuration to a model: check it, find its builder, build it.

`_target_` names one of the built-in classifiers, a function that returns a `keras.Model`, or a hypermodel (see
`mnistsweep.models.hypermodels`). Importing this module imports no Keras.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mnistsweep import target_source, targets
from mnistsweep.errors import ConfigError, TrialFailed, suggest
from mnistsweep.models.networks import conv_dense, deep_conv, fast_conv, perceptron, tiny_conv
from mnistsweep.models.values import is_number, is_whole_number
from mnistsweep.text import type_name

if TYPE_CHECKING:
    import keras

ACTIVATIONS = (
    *("celu", "elu", "exponential", "gelu", "hard_sigmoid", "hard_silu", "hard_swish", "leaky_relu", "linear"),
    *("log_sigmoid", "mish", "relu", "relu6", "selu", "sigmoid", "silu", "softplus", "softsign", "swish", "tanh"),
)
"""Keras activations that work on each unit separately."""


# The package that users' configurations name; it exports the builders.
PACKAGE = "mnistsweep.models"

BUILDERS: dict[str, Callable[..., Any]] = {
    f"{PACKAGE}.{builder.__name__}": builder for builder in (conv_dense, deep_conv, perceptron, tiny_conv, fast_conv)
}
"""Built-in builders by the `_target_` of their presets."""

# Largest number of layers, and largest size of a layer: more take hours to build, or more memory than a machine has.
MAX_LAYERS, MAX_SIZE = 1000, 10_000_000

# Keys of the builders that count layers and may be 0; every other whole number is a size and at least 1.
_MAY_BE_ZERO = ("conv_layers", "dense_layers")


def check(config: Mapping[str, Any]) -> list[str]:
    """Check a model's configuration, without importing Keras or the user's module.

    Args:
        config: The group `model`: `_target_` and the keyword arguments of the function that it names.

    Returns:
        Messages, each naming the key and the nearest right one; empty where no fault was found. Of a
        custom target, only what its source states is checked here; `build` checks the rest.
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
    if isinstance(dotted, str) and (dotted.startswith(f"{PACKAGE}.") or "." not in dotted.replace(":", ".")):
        near = suggest(dotted if "." in dotted else f"{PACKAGE}.{dotted}", BUILDERS)
        return [f"model._target_: {dotted!r} is neither a built-in model nor a dotted path to your own; {near}"]
    faults = target_source.check(dotted, "model._target_")
    known_to_source = None if faults else target_source.declared_arguments(str(dotted))
    return faults if known_to_source is None else targets.unknown_keys("model", str(dotted), keys, known_to_source)


def _value_faults(builder: Callable[..., Any], key: str, value: Any) -> list[str]:
    """Check one value of a built-in builder against the rule of its key."""
    kind = inspect.signature(builder).parameters[key].annotation
    if kind == "str":
        known = value in ACTIVATIONS
        return [] if known else [f"model.{key}: no activation {value!r}; {suggest(str(value), ACTIVATIONS)}"]
    if kind == "float":
        rule, right = ("0 or more", is_number(value) and value >= 0)
        if key.endswith("dropout"):
            rule, right = ("from 0 up to but not including 1", right and value < 1)
        return [] if right else [f"model.{key} must be a number {rule}; received {value!r}"]
    minimum, maximum = (0, MAX_LAYERS) if key in _MAY_BE_ZERO else (1, MAX_SIZE)
    if kind == "int":
        right = is_whole_number(value, minimum, maximum)
        return [] if right else [f"model.{key} must be a whole number, {minimum} to {maximum:,}; received {value!r}"]
    right = isinstance(value, Sequence) and not isinstance(value, str) and len(value) <= MAX_LAYERS
    right = right and all(is_whole_number(part, 1, MAX_SIZE) for part in value)
    rule = f"a list of at most {MAX_LAYERS:,} whole numbers, 1 to {MAX_SIZE:,}"
    return [] if right else [f"model.{key} must be {rule}; received {value!r}"]


def _unused_hyperparameters(config: Mapping[str, Any]) -> list[str]:
    if not config.get("hp"):
        return []
    rule = "model.hp fixes hyperparameters that the target itself declares (a function of hp, or a HyperModel)"
    return [f"{rule}; {config['_target_']} declares none, received {config['hp']!r}"]


def build(config: Mapping[str, Any], input_shape: Any, classes: int | None) -> keras.Model:
    """Build the model that a configuration describes.

    Args:
        config: The group `model`: `_target_` and the keyword arguments of the function that it names.
        input_shape: Shape of one example, for images (height, width, channels).
        classes: Number of classes; None where the targets are no classes.

    Returns:
        The model. It is compiled only where a user's function compiled it.

    Raises:
        ConfigError: A key, a value or the target cannot be used, or the target returns no model.
        TrialFailed: The layers do not fit the images, for example because there are more poolings than pixels.

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
    offered = offered_arguments(input_shape, classes)
    if _unused_hyperparameters(config):
        raise ConfigError(_unused_hyperparameters(config)[0])
    try:
        model = targets.call("model", target, config, offered)
    except ValueError as error:
        if config["_target_"] not in BUILDERS:
            raise
        raise TrialFailed(f"{config['_target_']} does not fit input of shape {input_shape}: {error}") from error
    return as_model(model, config)


def offered_arguments(input_shape: Any, classes: int | None) -> dict[str, Any]:
    """Arguments that a user's function gets if its signature names them.

    Args:
        input_shape: Shape of one example, or a structure of shapes.
        classes: Number of classes; None where the targets are no classes; then it is not offered.
    """
    return {"input_shape": input_shape} | ({} if classes is None else {"classes": classes})


def as_model(result: Any, config: Mapping[str, Any]) -> keras.Model:
    """Check that the result of a model function is a Keras model, and return it.

    Raises:
        ConfigError: The result is not a `keras.Model`.
    """
    import keras

    if not isinstance(result, keras.Model):
        raise ConfigError(
            f"model._target_: {config['_target_']} must return a keras.Model; it returned {type_name(result)}"
        )
    return result
