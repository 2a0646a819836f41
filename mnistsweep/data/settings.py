"""The ``data`` group of the configuration, read and checked. All faults are raised together."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from numbers import Integral, Real
from typing import Any

from mnistsweep import target_source, targets
from mnistsweep.data.augmentation import LIMITS, Augmentation
from mnistsweep.data.scaling import METHODS
from mnistsweep.data.task import KINDS
from mnistsweep.errors import ConfigError, suggest

TARGET = "data._target_"
BUILT_IN = "mnistsweep.data.sources."
MNIST = BUILT_IN + "load_mnist"
FASHION_MNIST = BUILT_IN + "load_fashion_mnist"
FROM_FILES = {BUILT_IN + "load_idx": "the folder with the four IDX files", BUILT_IN + "load_npz": "the .npz file"}


@dataclass(frozen=True)
class Settings:
    """A valid data configuration; ``conf/data/base.yaml`` explains each key.

    Attributes:
        loader: Dotted path of the loader.
        arguments: Arguments of the loader: all keys that are not attributes of this class.
        validation: Number of examples, or a fraction of the training set.
        validation_from: ``last`` or ``first``.
        stratify: Whether both splits keep the class proportions.
        train_limit: Maximum number of examples on the training side; None for all.
        folds: Number of folds of a cross-validation, at least 2; None for a single validation split.
        fold_seed: Seed with which examples are assigned to folds; None: not shuffled.
        scaling: One of `METHODS`.
        target: What the model predicts, one of `KINDS`.
        augmentation: Maximum distortions; all zeros for none.
    """

    loader: str
    arguments: Mapping[str, Any]
    validation: int | float = 10000
    validation_from: str = "last"
    stratify: bool = False
    train_limit: int | None = None
    folds: int | None = None
    fold_seed: int | None = 0
    scaling: str = "auto"
    target: str = "auto"
    augmentation: Augmentation = field(default_factory=Augmentation)

    @property
    def source(self) -> str:
        """Description of the source of the arrays, for messages."""
        key, value = ("path", self.arguments["path"]) if self.loader in FROM_FILES else ("_target_", self.loader)
        return f"data.{key}={str(value)!r}"


OWN_KEYS = frozenset(known.name for known in fields(Settings)) - {"loader", "arguments"} | {"_target_"}


def have_same_source(config: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two configurations name the same source with the same arguments; split and scaling may differ.

    Args:
        config: A ``data`` group.
        other: Another one.
    """
    ours, theirs = (
        {key: group[key] for key in group if key not in OWN_KEYS - {"_target_"}} for group in (config, other)
    )
    return ours == theirs


def read(config: Mapping[str, Any]) -> Settings:
    """Read the configuration.

    Args:
        config: The ``data`` group; missing keys have the values of ``conf/data/base.yaml``.

    Returns:
        The settings.

    Raises:
        ConfigError: A key cannot be used; the message names all such keys.
    """
    faults: list[str] = []
    arguments = {str(key): value for key, value in config.items() if key not in OWN_KEYS}
    settings = Settings(
        loader=_loader(config, arguments, faults),
        arguments=arguments,
        validation=_validation(config.get("validation", Settings.validation), faults),
        validation_from=_one_of(config, "validation_from", ("last", "first"), faults),
        stratify=_boolean(config, "stratify", faults),
        train_limit=_limit(config.get("train_limit"), faults),
        folds=_folds(config.get("folds"), faults),
        fold_seed=_fold_seed(config.get("fold_seed", Settings.fold_seed), faults),
        scaling=_one_of(config, "scaling", METHODS, faults),
        target=_one_of(config, "target", KINDS, faults),
        augmentation=_augmentation(config.get("augmentation"), faults),
    )
    if faults:
        raise ConfigError("\n".join(faults))
    return settings


def _loader(config: Mapping[str, Any], arguments: Mapping[str, Any], faults: list[str]) -> str:
    wrong = target_source.check(config.get("_target_"), TARGET)
    faults.extend(wrong)
    name = str(config.get("_target_"))
    if name in FROM_FILES and not _is_path(arguments.get("path")):
        faults.append(f"data.path must name {FROM_FILES[name]}: data.path=...; received {arguments.get('path')!r}")
    # The source of built-in and of most user loaders states their arguments, so that nothing is imported.
    takes = target_source.declared_arguments(name) if not wrong else None
    if takes is not None:
        faults.extend(targets.unknown_keys("data", name, arguments, OWN_KEYS.union(takes)))
    return name


def _is_path(value: object) -> bool:
    return isinstance(value, os.PathLike) or (isinstance(value, str) and bool(value.strip()))


def _count(value: object) -> int | None:
    """The value where it is an integer of at least 1, else None. Booleans are integers in Python but not in YAML."""
    number = int(value) if isinstance(value, Integral) and not isinstance(value, bool) else 0
    return number if number >= 1 else None


def _validation(value: object, faults: list[str]) -> int | float:
    count = _count(value)
    if count is not None:
        return count
    if isinstance(value, Real) and not isinstance(value, Integral) and 0.0 < float(value) < 1.0:
        return float(value)
    rule = "data.validation must be a count of at least 1 (10000) or a fraction between 0 and 1 (0.1)"
    faults.append(f"{rule}, both of the training set; received {value!r}")
    return Settings.validation


def _limit(value: object, faults: list[str]) -> int | None:
    count = _count(value)
    if count is None and value is not None:
        faults.append(f"data.train_limit must be a count of at least 1, or null for all examples; received {value!r}")
    return count


def _folds(value: object, faults: list[str]) -> int | None:
    count = _count(value)
    if value is not None and (count is None or count < 2):
        faults.append(f"data.folds must be a count of at least 2, or null for one validation split; received {value!r}")
    return count


def _fold_seed(value: object, faults: list[str]) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, Integral) or not 0 <= int(value) < 2**32:
        faults.append(
            f"data.fold_seed must be a whole number from 0 to 2**32 - 1, or null for folds in the order of the source; "
            f"received {value!r}"
        )
        return Settings.fold_seed
    return int(value)


def _boolean(config: Mapping[str, Any], key: str, faults: list[str]) -> bool:
    value = config.get(key, False)
    if not isinstance(value, bool):
        faults.append(f"data.{key} must be true or false; received {value!r}")
    return value is True


def _one_of(config: Mapping[str, Any], key: str, known: Collection[str], faults: list[str]) -> str:
    value = config.get(key, getattr(Settings, key))
    if value not in known:
        faults.append(f"data.{key} cannot be {value!r}: {suggest(str(value), known)}")
    return str(value)


def _augmentation(value: object, faults: list[str]) -> Augmentation:
    if value is None:
        return Augmentation()
    if not isinstance(value, Mapping):
        faults.append(f"data.augmentation must hold {', '.join(LIMITS)}; received {value!r}")
        return Augmentation()
    amounts = dict.fromkeys(LIMITS, 0.0)
    for key, amount in value.items():
        if key not in LIMITS:
            faults.append(f"data.augmentation.{key} is not a distortion: {suggest(str(key), LIMITS)}")
        elif not isinstance(amount, Real) or isinstance(amount, bool) or not 0.0 <= float(amount) < LIMITS[key]:
            faults.append(
                f"data.augmentation.{key} must be a number from 0 to less than {LIMITS[key]:g}; received {amount!r}"
            )
        else:
            amounts[key] = float(amount)
    return Augmentation(amounts["rotation"], amounts["shift"], amounts["shear"], amounts["zoom"])
