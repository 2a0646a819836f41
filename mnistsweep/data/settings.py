"""The ``data`` group of the configuration, read once and checked whole.

All faults are collected and raised together: a user mends a configuration once, not key by key.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields
from numbers import Integral, Real
from typing import Any

from mnistsweep.data import target
from mnistsweep.data.augmentation import LIMITS, Augmentation
from mnistsweep.data.scaling import METHODS
from mnistsweep.errors import ConfigError, suggest

BUILT_IN = "mnistsweep.data.sources."
MNIST = BUILT_IN + "load_mnist"
FASHION_MNIST = BUILT_IN + "load_fashion_mnist"
FROM_FILES = {BUILT_IN + "load_idx": "the folder with the four IDX files", BUILT_IN + "load_npz": "the .npz file"}


@dataclass(frozen=True)
class Settings:
    """One data configuration without faults; what each key means stands in ``conf/data/base.yaml``.

    Attributes:
        target: Dotted path of the loader.
        arguments: What the loader is called with: every key that is not one of the others.
        validation: A count of examples, or a fraction of the training set.
        validation_from: ``last`` or ``first``.
        stratify: Whether both sides of a split keep the proportions of the classes.
        train_limit: The most examples on the training side; None for all.
        scaling: One of `METHODS`.
        augmentation: All zeros where there is none.
    """

    target: str
    arguments: Mapping[str, Any]
    validation: int | float = 10000
    validation_from: str = "last"
    stratify: bool = False
    train_limit: int | None = None
    scaling: str = "divide"
    augmentation: Augmentation = Augmentation()

    @property
    def source(self) -> str:
        """Where the arrays come from, for messages."""
        key, value = ("path", self.arguments["path"]) if self.target in FROM_FILES else ("_target_", self.target)
        return f"data.{key}={str(value)!r}"


OWN_KEYS = frozenset(field.name for field in fields(Settings)) - {"target", "arguments"} | {"_target_"}


def read(config: Mapping[str, Any]) -> Settings:
    """Read the configuration.

    Args:
        config: The ``data`` group; keys that are left out have the values of ``conf/data/base.yaml``.

    Returns:
        The settings.

    Raises:
        ConfigError: Names every key that cannot be used.
    """
    faults: list[str] = []
    arguments = {str(key): value for key, value in config.items() if key not in OWN_KEYS}
    settings = Settings(
        target=_target(config, arguments, faults),
        arguments=arguments,
        validation=_validation(config.get("validation", Settings.validation), faults),
        validation_from=_one_of(config, "validation_from", ("last", "first"), faults),
        stratify=_boolean(config, "stratify", faults),
        train_limit=_limit(config.get("train_limit"), faults),
        scaling=_one_of(config, "scaling", METHODS, faults),
        augmentation=_augmentation(config.get("augmentation"), faults),
    )
    if faults:
        raise ConfigError("\n".join(faults))
    return settings


def _target(config: Mapping[str, Any], arguments: Mapping[str, Any], faults: list[str]) -> str:
    name = config.get("_target_")
    if not isinstance(name, str):
        faults.append(
            f"{target.KEY} must name the function that loads the data, as "
            f"data._target_=keras.datasets.cifar10.load_data; received {name!r}"
        )
        return ""
    fault = target.fault(name)
    if fault is not None:
        faults.append(fault)
    elif name in FROM_FILES and not _is_path(arguments.get("path")):
        faults.append(f"data.path must name {FROM_FILES[name]}: data.path=...; received {arguments.get('path')!r}")
    elif name.startswith(BUILT_IN):
        faults.extend(argument_faults(target.resolve(name), arguments))
    return name


def _is_path(value: object) -> bool:
    return isinstance(value, os.PathLike) or (isinstance(value, str) and bool(value.strip()))


def argument_faults(loader: Callable[..., Any], arguments: Mapping[str, Any]) -> list[str]:
    """Hold the keys that are meant for a loader against its signature.

    Args:
        loader: The function that will be called.
        arguments: Its keyword arguments.

    Returns:
        A message for each key that it does not take and each that it lacks.
    """
    try:
        parameters = inspect.signature(loader).parameters.values()
    except (TypeError, ValueError):
        return []  # a function written in C may not tell
    takes = [p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    needs = [p.name for p in parameters if p.name in takes and p.default is p.empty]
    open_ended = any(p.kind is p.VAR_KEYWORD for p in parameters)
    unknown = [] if open_ended else [key for key in arguments if key not in takes]
    name = f"{loader.__module__}.{loader.__qualname__}" if hasattr(loader, "__qualname__") else repr(loader)
    return [
        f"data.{key} is neither a key of the data group nor an argument of {name}: {suggest(key, OWN_KEYS.union(takes))}"
        for key in unknown
    ] + [f"data.{key} is needed: an argument of {name} without a default" for key in needs if key not in arguments]


def _validation(value: object, faults: list[str]) -> int | float:
    if isinstance(value, Integral) and not isinstance(value, bool) and value >= 1:
        return int(value)
    if isinstance(value, Real) and not isinstance(value, Integral) and 0.0 < float(value) < 1.0:
        return float(value)
    rule = "data.validation must be a count of at least 1 (10000) or a fraction between 0 and 1 (0.1)"
    faults.append(f"{rule}, both of the training set; received {value!r}")
    return Settings.validation


def _limit(value: object, faults: list[str]) -> int | None:
    if value is None:
        return None
    if isinstance(value, Integral) and not isinstance(value, bool) and value >= 1:
        return int(value)
    faults.append(f"data.train_limit must be a count of at least 1, or null for all examples; received {value!r}")
    return None


def _boolean(config: Mapping[str, Any], key: str, faults: list[str]) -> bool:
    value = config.get(key, False)
    if not isinstance(value, bool):
        faults.append(f"data.{key} must be true or false; received {value!r}")
    return value is True


def _one_of(config: Mapping[str, Any], key: str, known: Collection[str], faults: list[str]) -> str:
    value = config.get(key, getattr(Settings, key))
    if value not in known:
        faults.append(f"data.{key} has no choice {value!r}: {suggest(str(value), known)}")
    return str(value)


def _augmentation(value: object, faults: list[str]) -> Augmentation:
    if value is None:
        return Augmentation()
    if not isinstance(value, Mapping):
        faults.append(f"data.augmentation must hold {', '.join(LIMITS)}; received {value!r}")
        return Augmentation()
    amounts = {}
    for key, amount in value.items():
        if key not in LIMITS:
            faults.append(f"data.augmentation.{key} is not a distortion: {suggest(str(key), LIMITS)}")
        elif not isinstance(amount, Real) or isinstance(amount, bool) or not 0.0 <= float(amount) < LIMITS[key]:
            faults.append(
                f"data.augmentation.{key} must be a number from 0 to less than {LIMITS[key]:g}; received {amount!r}"
            )
        else:
            amounts[key] = float(amount)
    return Augmentation(**amounts)
