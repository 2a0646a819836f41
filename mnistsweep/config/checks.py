"""Checks of a configuration before anything is trained; all faults are collected and raised at once."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from mnistsweep.config import constraints, objectives
from mnistsweep.config.former_folders import check_former_folders
from mnistsweep.config.schema import LIMITS, Config
from mnistsweep.config.start_checks import check_start_keys
from mnistsweep.errors import ConfigError, DataError
from mnistsweep.intervals import MAX_WHOLE
from mnistsweep.path_texts import name_fault, shown, text_fault


def check_limits(config: Config) -> list[str]:
    """Check that all numbers are within their limits; returns a message for each one that is not.

    A number without a maximum of its own is at most `MAX_WHOLE`, which every file and library represents exactly.
    """
    faults = []
    for key, (low, high) in LIMITS.items():
        value: Any = attrgetter(key)(config)
        most = MAX_WHOLE if high is None else high
        if value is None or ((low is None or value >= low) and value <= most):
            continue
        rule = f"at least {low}" if high is None else f"between {low} and {high}"
        rule = f"at most {most}" if high is None and math.inf > value > most else rule
        rule += " and finite" if value == math.inf else ""
        faults.append(f"{key}: must be {rule}; received {value}.")
    if config.confirm.top == 1:
        rule = "compares at least two configurations, or is 0 to confirm none"
        faults.append(f"confirm.top: {rule}; received 1; 3 is a good value.")
    return faults


def check_sweep_keys(config: Config, metrics_known: bool) -> list[str]:
    """Check the keys that hold for a whole sweep; returns a message for each fault.

    Args:
        config: Configuration of the sweep.
        metrics_known: Whether the metrics of the model are those of `trainer.metrics`; a user's own function may
            compile its model with others.
    """
    metrics = config.trainer.metrics if metrics_known else None
    faults = objectives.check_objectives(config.objective, config.direction, metrics)
    faults += constraints.check_constraints(config.constraints, metrics)
    faults += _check_names(config) + check_former_folders(config.warm_start) + check_start_keys(config)
    for index, entry in enumerate(config.trainer.callbacks):
        if not isinstance(entry, dict) or "_target_" not in entry:
            rule = "must be {_target_: package.module.Class, ...}"
            faults.append(f"trainer.callbacks[{index}]: {rule}; received {entry!r}.")
    for key, parents in config.conditions.items():
        if not isinstance(parents, dict):
            faults.append(f"conditions.{key}: must be {{other key: [values]}}; received {parents!r}.")
    return faults


def _check_names(config: Config) -> list[str]:
    """Check the texts of `name` and `logs`; whether the folders can be used is checked later."""
    faults = []
    if config.name is not None and (fault := name_fault(config.name)):
        rule = "must be a folder name that begins with a letter or digit and has no slash"
        faults.append(f"name: {rule}; received {shown(config.name)}: {fault}; choose another one.")
    if fault := text_fault(config.logs):
        rule = "must name a folder"
        faults.append(f"logs: {rule}; received {shown(config.logs)}: {fault}; logs=. is the working directory.")
    return faults


@dataclass
class Faults:
    """Collection of faults, so that a user can correct all of a configuration at once.

    Attributes:
        config: Faults of the configuration, a message each.
        data: Faults of data files, a message each.
        warnings: Messages about what is allowed but probably not intended.

    Example:
        >>> faults = Faults()
        >>> with faults.collecting():
        ...     raise ConfigError("trials: must be at least 1; received 0.")
        >>> faults.add(["workers: must be at least 1; received 0."])
        >>> len(faults.config)
        2
    """

    config: list[str] = field(default_factory=list)
    data: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def any(self) -> bool:
        """Whether there is at least one fault."""
        return bool(self.config or self.data)

    def warn(self, found: Iterable[str]) -> None:
        """Add warnings, each once.

        Args:
            found: Messages.
        """
        self.warnings += [message for message in dict.fromkeys(found) if message not in self.warnings]

    def replace_by(self, others: Faults) -> None:
        """Take over the faults and warnings of another collection, which continued this one.

        Args:
            others: Collection that another process returned.
        """
        self.config, self.data, self.warnings = others.config, others.data, others.warnings

    def add(self, *found: Iterable[str]) -> None:
        """Add faults of the configuration.

        Args:
            found: Collections of messages.
        """
        for messages in found:
            self.config += messages

    def add_error(self, error: ConfigError | DataError) -> None:
        """Add the faults in the message of an error, one a line."""
        (self.data if isinstance(error, DataError) else self.config).extend(str(error).splitlines())

    @contextlib.contextmanager
    def collecting(self) -> Iterator[None]:
        """Add the error that a block raises, and continue after the block."""
        try:
            yield
        except (ConfigError, DataError) as error:
            self.add_error(error)

    @contextlib.contextmanager
    def raising(self) -> Iterator[None]:
        """Add the error that a block raises, then raise all faults: the checks after the block need its result."""
        try:
            yield
        except (ConfigError, DataError) as error:
            self.add_error(error)
            self.raise_any()

    def raise_any(self) -> None:
        """Raise all faults as one error, each message once; without faults, do nothing.

        Raises:
            ConfigError: At least one fault of the configuration.
            DataError: Only faults of data files.
        """
        if self.any:
            kind = ConfigError if self.config else DataError
            raise kind("\n".join(dict.fromkeys([*self.config, *self.data])))
