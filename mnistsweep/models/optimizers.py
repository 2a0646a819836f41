"""Optimizers and learning-rate schedules by name. Keras is imported only when one is built.

Names and keys are those of the installed Keras: `optimizer=sgd` is `keras.optimizers.SGD`, its keys are that class's
arguments.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mnistsweep import target_source, targets
from mnistsweep.errors import ConfigError, suggest
from mnistsweep.models import keras_names
from mnistsweep.models.values import is_number

if TYPE_CHECKING:
    import keras

SCHEDULES = {"constant": (), "cosine": ("warmup_epochs", "final_learning_rate")}
"""Each schedule's keys beside its name."""

# Arguments of every Keras optimizer that are a number or, as by default, null.
NUMBERS_OR_NULL = (
    *("weight_decay", "clipnorm", "clipvalue", "global_clipnorm", "ema_overwrite_frequency"),
    *("loss_scale_factor", "gradient_accumulation_steps"),
)


def reads_epochs(schedule: Mapping[str, Any]) -> bool:
    """Whether a learning-rate schedule depends on the number of epochs of the training.

    Args:
        schedule: The group `schedule`.

    Example:
        >>> reads_epochs({"name": "constant"}), reads_epochs({"name": "cosine"})
        (False, True)
    """
    return schedule.get("name") != "constant"


def names() -> list[str]:
    """Names of all optimizers of the installed Keras, as the configuration spells them.

    Wrappers around other optimizers have no learning rate of their own and are left out.

    Example:
        >>> "adamw" in names(), "schedule_free_adamw" in names(), "loss_scale_optimizer" in names()
        (True, True, False)
    """
    return sorted(name for name in _classes() if find_class(name) is not None)


def find_class(name: Any) -> str | None:
    """Class of an optimizer by its name in the configuration; None where Keras has no such optimizer.

    Example:
        >>> find_class("sgd"), find_class("schedule_free_adamw"), find_class("adm")
        ('SGD', 'ScheduleFreeAdamW', None)
    """
    found = _classes().get(str(name))
    return found if found is not None and "learning_rate" in keras_names.arguments("optimizers", found) else None


def _classes() -> dict[str, str]:
    """Public classes by their names in the configuration: words separated by underscores, acronyms kept together."""
    words = "(?<=[a-z])(?=[A-Z][a-z])"
    return {re.sub(words, "_", name).lower(): name for name in keras_names.class_names("optimizers")}


def check(config: Mapping[str, Any], schedule: Mapping[str, Any], epochs: int | None = None) -> list[str]:
    """Check an optimizer and its schedule, without importing Keras or the user's module.

    Args:
        config: The group `optimizer`.
        schedule: The group `schedule`.
        epochs: Number of epochs of the training; None where it is not known yet; the warm-up is then not
            compared with it.

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
    keys = [key for key in config if key not in ("name", "_target_")]
    class_name = find_class(name)
    if dotted is not None:
        faults, defaults = target_source.check(dotted, "optimizer._target_"), _all_arguments()
    elif class_name is None:
        remedy = "a class of your own is given as optimizer._target_=package.module.Class"
        nearest = suggest(str(name), names(), max_names=len(names()))
        faults, defaults = [f"optimizer.name: no optimizer {name!r}; {nearest}; {remedy}"], _all_arguments()
    else:
        defaults = keras_names.arguments("optimizers", class_name)
        faults = targets.unknown_keys("optimizer", str(name), keys, defaults)
    return faults + [
        fault for key in keys if key in defaults for fault in _value_faults(key, config[key], defaults[key])
    ]


def _all_arguments() -> Mapping[str, Any]:
    """Arguments of all optimizers of Keras with their defaults: a user's own class may pass them on to Keras."""
    classes = filter(None, map(find_class, names()))
    return {key: value for name in classes for key, value in keras_names.arguments("optimizers", name).items()}


def _value_faults(key: str, value: Any, default: Any) -> list[str]:
    """Check one value; its kind follows from the argument's default in Keras."""
    if key == "learning_rate":
        right = is_number(value) and value > 0
        return [] if right else [f"optimizer.learning_rate must be a number above 0; received {value!r}"]
    if isinstance(default, bool):
        return [] if isinstance(value, bool) else [f"optimizer.{key} must be true or false; received {value!r}"]
    is_numeric = is_number(default) or key in NUMBERS_OR_NULL
    if not is_numeric or value is None or is_number(value):
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
        if not (is_number(value) and value >= 0):
            faults.append(f"schedule.{key} must be a number, 0 or more; received {value!r}")
    warmup = schedule.get("warmup_epochs", 0)
    if name == "cosine" and not faults and epochs is not None and warmup >= epochs:
        rule = "schedule.warmup_epochs must be less than trainer.epochs, so that epochs remain for the decay"
        faults.append(f"{rule}; received {warmup!r} and {epochs!r}")
    return faults


def build_optimizer(
    config: Mapping[str, Any], schedule: Mapping[str, Any], steps_per_epoch: int, epochs: int
) -> keras.optimizers.Optimizer:
    """Build the optimizer of one training.

    Args:
        config: `name`, which `find_class` finds, and keyword arguments of that Keras class; or `_target_`, the dotted
            path of another `keras.optimizers.Optimizer` class, and its keyword arguments.
        schedule: The group `schedule`, see `build_learning_rate`.
        steps_per_epoch: Number of weight updates per epoch.
        epochs: Number of epochs of the whole training.

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
    dotted = config.get("_target_") or f"keras.optimizers.{find_class(config['name'])}"
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
    """Build the argument `learning_rate` of a Keras optimizer: a number or a schedule.

    With ``cosine`` the rate rises linearly from 0 to `learning_rate` during `warmup_epochs` (Goyal et al., 2017), then
    falls along half a cosine to `final_learning_rate` at the end of the last epoch (Loshchilov and Hutter, 2017).

    Args:
        learning_rate: Constant learning rate, or the peak of the schedule.
        schedule: `name`, one of `SCHEDULES`, and its keys: `warmup_epochs` (may be a fraction, default 0) and
            `final_learning_rate` (default 0).
        steps_per_epoch: Number of weight updates per epoch.
        epochs: Number of epochs of the whole training.

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
