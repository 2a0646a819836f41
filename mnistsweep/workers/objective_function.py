"""A plain function of a trial as the program of a sweep."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mnistsweep import targets
from mnistsweep.errors import ConfigError
from mnistsweep.workers.trial import Trial

FACTORY = f"{__name__}.ObjectiveFunction"
"""Dotted path of the class below, the `_target_` of `Plan.program`."""


class ObjectiveFunction:
    """A function of a trial that a dotted path names; a trial's configuration is its values and its seed.

    Args:
        function: Dotted path of the function.

    Raises:
        ConfigError: There is no such function.
    """

    def __init__(self, function: str) -> None:
        self._function: Callable[[Trial], Any] = targets.resolve(function, "objective function")
        self._path = function
        if not callable(self._function):
            kind = type(self._function).__name__
            raise ConfigError(f"objective function: {function!r} must name a function; it is a {kind}.")

    def configuration(self, trial: Trial) -> Mapping[str, Any]:
        """Function, values and seed of a trial."""
        return {"function": self._path, "seed": trial.seed, "values": dict(trial.values)}

    def __call__(self, trial: Trial) -> Any:
        """Call the function."""
        return self._function(trial)
