"""Optimizers and learning-rate schedules by name. Imports no Keras until one is built."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mnistsweep import targets
from mnistsweep.errors import ConfigError, suggest

if TYPE_CHECKING:
    import keras

SCHEDULES = {"constant": (), "cosine": ("warmup_epochs", "final_learning_rate")}
"""Each schedule's keys beside its name."""

COMMON_KEYS = (
    "learning_rate",
    "weight_decay",
    "clipnorm",
    "clipvalue",
    "global_clipnorm",
    "use_ema",
    "ema_momentum",
    "ema_overwrite_frequency",
    "loss_scale_factor",
    "gradient_accumulation_steps",
)
"""Keywords that every Keras optimizer takes."""


@dataclass(frozen=True)
class KerasOptimizer:
    """One of Keras's optimizers: its class in `keras.optimizers`, and the keys it takes beside `COMMON_KEYS`."""

    class_name: str
    keys: tuple[str, ...]


_ADAM = ("beta_1", "beta_2", "epsilon")
_FTRL = (
    "learning_rate_power",
    "initial_accumulator_value",
    "l1_regularization_strength",
    "l2_regularization_strength",
    "l2_shrinkage_regularization_strength",
    "beta",
)
_MUON = (
    *("momentum", "nesterov", "ns_steps", "rms_rate", "muon_a", "muon_b", "muon_c", "epsilon", "exclude_layers"),
    *("exclude_embeddings", "adam_beta_1", "adam_beta_2", "adam_weight_decay", "adam_lr_ratio"),
)
KNOWN = {
    "adadelta": KerasOptimizer("Adadelta", ("rho", "epsilon")),
    "adafactor": KerasOptimizer(
        "Adafactor", ("beta_2_decay", "epsilon_1", "epsilon_2", "clip_threshold", "relative_step")
    ),
    "adagrad": KerasOptimizer("Adagrad", ("initial_accumulator_value", "epsilon")),
    "adam": KerasOptimizer("Adam", (*_ADAM, "amsgrad")),
    "adamax": KerasOptimizer("Adamax", _ADAM),
    "adamw": KerasOptimizer("AdamW", (*_ADAM, "amsgrad")),
    "ftrl": KerasOptimizer("Ftrl", _FTRL),
    "lamb": KerasOptimizer("Lamb", _ADAM),
    "lion": KerasOptimizer("Lion", ("beta_1", "beta_2")),
    "muon": KerasOptimizer("Muon", _MUON),
    "nadam": KerasOptimizer("Nadam", _ADAM),
    "rmsprop": KerasOptimizer("RMSprop", ("rho", "momentum", "epsilon", "centered")),
    "schedule_free_adamw": KerasOptimizer("ScheduleFreeAdamW", (*_ADAM, "warmup_steps")),
    "sgd": KerasOptimizer("SGD", ("momentum", "nesterov")),
}
"""Keras's optimizers by the names of their presets in `conf/optimizer/`, as of Keras 3.15."""

_TRUE_OR_FALSE = {"amsgrad", "centered", "nesterov", "relative_step", "use_ema", "exclude_embeddings"}
_ANY_VALUE = {"exclude_layers"}


def check(config: Mapping[str, Any], schedule: Mapping[str, Any], epochs: int | None = None) -> list[str]:
    """Say what is wrong with an optimizer and its schedule, without importing Keras or the user's module.

    Args:
        config: The group `optimizer`.
        schedule: The group `schedule`.
        epochs: Epochs of the training; None where it is not known yet, then the warm-up is not compared with it.

    Returns:
        Messages, each naming the key and the nearest right one; empty where no fault was found.
    """
    config, schedule = targets.plain(config), targets.plain(schedule)
    faults = _optimizer_faults(config) + _schedule_faults(schedule, epochs)
    rate = config.get("learning_rate")
    final = schedule.get("final_learning_rate")
    if not faults and rate is None and schedule["name"] == "cosine":
        faults.append("optimizer.learning_rate must be set: the cosine schedule starts from it")
    if not faults and rate is not None and final is not None and final > rate:
        rule = "schedule.final_learning_rate must not exceed optimizer.learning_rate"
        faults.append(f"{rule}; received {final!r} and {rate!r}")
    return faults


def _optimizer_faults(config: Mapping[str, Any]) -> list[str]:
    name, dotted = config.get("name"), config.get("_target_")
    faults = [fault for key, value in config.items() for fault in _value_faults(key, value)]
    if dotted is not None:
        return targets.check(dotted, "optimizer._target_") + faults
    if not isinstance(name, str) or name not in KNOWN:
        remedy = "a class of your own, or of a later Keras, is given as optimizer._target_=package.module.Class"
        return [
            f"optimizer.name: no optimizer {name!r}; {suggest(str(name), KNOWN, most=len(KNOWN))}; {remedy}",
            *faults,
        ]
    received = [key for key in config if key not in ("name", "_target_")]
    return targets.unknown_keys("optimizer", name, received, (*KNOWN[name].keys, *COMMON_KEYS)) + faults


def _value_faults(key: str, value: Any) -> list[str]:
    if key == "learning_rate":
        right = _is_number(value) and value > 0
        return [] if right else [f"optimizer.learning_rate must be a number above 0; received {value!r}"]
    if key in _TRUE_OR_FALSE:
        return [] if isinstance(value, bool) else [f"optimizer.{key} must be true or false; received {value!r}"]
    known = key in COMMON_KEYS or any(key in optimizer.keys for optimizer in KNOWN.values())
    if not known or key in _ANY_VALUE or value is None or _is_number(value):
        return []
    return [f"optimizer.{key} must be a number; received {value!r}"]


def _schedule_faults(schedule: Mapping[str, Any], epochs: int | None) -> list[str]:
    name = schedule.get("name")
    if not isinstance(name, str) or name not in SCHEDULES:
        return [f"schedule.name: no schedule {name!r}; {suggest(str(name), SCHEDULES)}"]
    received = [key for key in schedule if key != "name"]
    faults = targets.unknown_keys("schedule", name, received, SCHEDULES[name])
    for key in SCHEDULES[name]:
        value = schedule.get(key, 0)
        if not (_is_number(value) and value >= 0):
            faults.append(f"schedule.{key} must be a number, 0 or more; received {value!r}")
    warmup = schedule.get("warmup_epochs", 0)
    if name == "cosine" and not faults and epochs is not None and warmup >= epochs:
        rule = "schedule.warmup_epochs must be less than trainer.epochs, so that epochs remain for the decay"
        faults.append(f"{rule}; received {warmup!r} and {epochs!r}")
    return faults


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value)


def build_optimizer(
    config: Mapping[str, Any], schedule: Mapping[str, Any], steps_per_epoch: int, epochs: int
) -> keras.optimizers.Optimizer:
    """Build the optimizer of one training.

    Args:
        config: `name`, one of `KNOWN`, and keyword arguments of that Keras class; or `_target_`, the dotted path of
            another `keras.optimizers.Optimizer` class, and its keyword arguments.
        schedule: The group `schedule`, see `build_learning_rate`.
        steps_per_epoch: Updates of the weights in an epoch.
        epochs: Epochs of the whole training.

    Raises:
        ConfigError: A name, a key or a value cannot be used, or `_target_` returns no optimizer.

    Example:
        >>> adam = build_optimizer({"name": "adam", "learning_rate": 0.01}, {"name": "constant"}, 100, 5)
        >>> round(float(adam.learning_rate), 4)
        0.01
    """
    import keras

    config = targets.plain(config)
    faults = check(config, schedule, epochs)
    if faults:
        raise ConfigError("\n".join(faults))
    dotted = config.get("_target_") or f"keras.optimizers.{KNOWN[config['name']].class_name}"
    keywords = {key: value for key, value in config.items() if key != "name"} | {"_target_": dotted}
    if config.get("learning_rate") is not None:
        keywords["learning_rate"] = build_learning_rate(config["learning_rate"], schedule, steps_per_epoch, epochs)
    target = targets.resolve(dotted, "optimizer.name" if config.get("_target_") is None else "optimizer._target_")
    try:
        optimizer = targets.call("optimizer", target, keywords, {})
    except (ValueError, TypeError) as error:
        raise ConfigError(f"optimizer: {dotted} refuses its keys: {error}") from error
    if not isinstance(optimizer, keras.optimizers.Optimizer):
        raise ConfigError(f"optimizer._target_: {dotted} must give a Keras optimizer; it gave {optimizer!r:.200}")
    return optimizer


def build_learning_rate(
    learning_rate: float, schedule: Mapping[str, Any], steps_per_epoch: int, epochs: int
) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """Build what a Keras optimizer takes as `learning_rate`.

    With ``cosine`` the rate rises in a line from 0 to `learning_rate` during `warmup_epochs` (Goyal et al., 2017), then
    falls along half a cosine to `final_learning_rate` at the end of the last epoch (Loshchilov and Hutter, 2017).

    Args:
        learning_rate: The constant rate, or the highest.
        schedule: `name`, one of `SCHEDULES`, and its keys: `warmup_epochs` (may be a fraction, default 0) and
            `final_learning_rate` (default 0).
        steps_per_epoch: Updates of the weights in an epoch.
        epochs: Epochs of the whole training.

    Raises:
        ConfigError: The schedule is unknown, or its warm-up is not shorter than the training.
    """
    faults = check({"name": "sgd", "learning_rate": learning_rate}, schedule, epochs)
    if faults:
        raise ConfigError("\n".join(faults))
    if schedule["name"] == "constant":
        return float(learning_rate)
    import keras

    total_steps = epochs * steps_per_epoch
    # At least one step decays, however short the training.
    warmup_steps = min(round(schedule.get("warmup_epochs", 0) * steps_per_epoch), total_steps - 1)
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0 if warmup_steps else float(learning_rate),
        decay_steps=total_steps - warmup_steps,
        alpha=float(schedule.get("final_learning_rate", 0)) / float(learning_rate),
        warmup_target=float(learning_rate) if warmup_steps else None,
        warmup_steps=warmup_steps,
    )
