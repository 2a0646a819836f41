"""What must be right about a configuration before anything is trained; all faults are collected and raised at once."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from mnistsweep.config import objective
from mnistsweep.config.schema import LIMITS, Config
from mnistsweep.errors import ConfigError, DataError

_NAME = re.compile(r"[^\W_][^/\\\x00-\x1f]*")


def limits(config: Config) -> list[str]:
    """Numbers outside their limits."""
    faults = []
    for key, (low, high) in LIMITS.items():
        value: Any = attrgetter(key)(config)
        if value is None or ((low is None or value >= low) and (high is None or value <= high)):
            continue
        rule = f"at least {low}" if high is None else f"between {low} and {high}"
        faults.append(f"{key}: must be {rule}, received {value}.")
    return faults


def sweep_keys(config: Config, metrics_known: bool) -> list[str]:
    """Faults among the keys of the sweep itself."""
    faults = objective.check(config.objective, config.direction, config.trainer.metrics if metrics_known else None)
    if config.name is not None and not _NAME.fullmatch(config.name):
        faults.append(
            f"name: a folder's name that begins with a letter or digit and has no slash, received {config.name!r}."
        )
    for index, entry in enumerate(config.trainer.callbacks):
        if not isinstance(entry, dict) or "_target_" not in entry:
            faults.append(f"trainer.callbacks[{index}]: {{_target_: package.module.Class, ...}}, received {entry!r}.")
    for key, parents in config.conditions.items():
        if not isinstance(parents, dict):
            faults.append(f"conditions.{key}: {{other key: [values]}}, received {parents!r}.")
    return faults


@dataclass
class Faults:
    """Collects what is wrong, so that a user mends a configuration once, not key by key.

    Attributes:
        config: Faults of the configuration.
        data: Faults of data files.

    Example:
        >>> faults = Faults()
        >>> with faults.collecting():
        ...     raise ConfigError("trials: must be at least 1, received 0.")
        >>> faults.add(["workers: must be at least 1, received 0."])
        >>> len(faults.config)
        2
    """

    config: list[str] = field(default_factory=list)
    data: list[str] = field(default_factory=list)

    @property
    def any(self) -> bool:
        """Whether there is one."""
        return bool(self.config or self.data)

    def add(self, *found: Iterable[str]) -> None:
        """Add faults of the configuration."""
        for some in found:
            self.config += some

    def note(self, error: ConfigError | DataError) -> None:
        """Add the faults that an error tells of, one a line."""
        (self.data if isinstance(error, DataError) else self.config).extend(str(error).splitlines())

    @contextlib.contextmanager
    def collecting(self) -> Iterator[None]:
        """Add what a block raises, and go on."""
        try:
            yield
        except (ConfigError, DataError) as error:
            self.note(error)

    @contextlib.contextmanager
    def fatal(self) -> Iterator[None]:
        """Add what a block raises, and raise all there is: nothing else can be checked."""
        try:
            yield
        except (ConfigError, DataError) as error:
            self.note(error)
            self.raise_any()

    def raise_any(self) -> None:
        """Raise all faults as one error, each once.

        Raises:
            ConfigError: There is one in the configuration.
            DataError: There is one in the data alone.
        """
        if self.any:
            kind = ConfigError if self.config else DataError
            raise kind("\n".join(dict.fromkeys([*self.config, *self.data])))
