"""How to start the next sweep: the command line or the call of Python with other ranges."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from mnistsweep.config.job_overrides import briefly_written
from mnistsweep.config.range_texts import override_texts
from mnistsweep.dimensions import Choice, Dimension, Int, Zip
from mnistsweep.paths import SweepPaths
from mnistsweep.search.oracle_factory import PAUSING

PYTHON_CALL = "mnistsweep.sweep of "
"""How the description of a sweep begins that `mnistsweep.sweep` started, in place of a command line."""

PROGRAM, MODULES = "mnistsweep", ("cli.py", "__main__.py")
"""Name of the program, and what a sweep stores in its place where it was started with ``python -m mnistsweep.cli``."""

BUDGETS = ("trials", "hours", "total_epochs")


@dataclass(frozen=True)
class NextStart:
    """The start of a sweep, and how it is written with changes.

    Attributes:
        paths: Paths of the sweep's files.
        command: Command line that started the sweep, or a description that begins with `PYTHON_CALL`.
        plan: Plan of the sweep, as ``sweep.yaml`` stores it.
        names: Names of the space in a Python program, by the key of the dimension.
    """

    paths: SweepPaths
    command: str
    plan: Mapping[str, Any]
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def config(self) -> Mapping[str, Any]:
        """Configuration of the sweep."""
        config: Mapping[str, Any] = self.plan["config"]
        return config

    @property
    def is_keras(self) -> bool:
        """Whether the trials are Keras trainings, and not calls of a function."""
        return self.plan.get("program") is None

    def key_of(self, dimension: Dimension) -> str:
        """Keys of a dimension, or their names in a Python program, joined by commas."""
        return ",".join(self.names.get(key, key) for key in dimension.keys)

    def name_of(self, dimension: Dimension) -> str:
        """Name of a dimension in a sentence."""
        return " with ".join(self.names.get(key, key) for key in dimension.keys)

    def with_ranges(self, dimensions: Sequence[Dimension], parents: frozenset[str]) -> str:
        """Return the start of another sweep with other ranges.

        Args:
            dimensions: Dimensions that replace those with the same keys; one with a single value is fixed.
            parents: Keys that conditions or zips name: they stay ranges.
        """
        values: dict[str, Any] = {"name": self._free_name()}
        if self.config.get("enqueue"):
            values["enqueue"] = []  # its points may be outside of the new ranges
        if self.command.startswith(PYTHON_CALL):
            ranges = ", ".join(text for one in dimensions for text in self._ranges_in_python(one))
            return self._call(values, f"space={{..., {ranges}}}")
        texts = [
            text
            for one in dimensions
            for text in override_texts(one, parents.isdisjoint(one.keys) and not one.conditions)
        ]
        return self._command_line(values, [f"{self._prefixes.get(_key_of(text), '')}{text}" for text in texts])

    def with_more(self, values: Mapping[str, Any]) -> str:
        """Return the start that continues this sweep with a larger budget.

        Args:
            values: Keys of the sweep with their new values.
        """
        if self.command.startswith(PYTHON_CALL):
            return self._call(values)
        return self._command_line(values, ())

    def with_repeats(self, repeats: int) -> str:
        """Return the start of another sweep that trains each configuration several times.

        Args:
            repeats: Trainings of each configuration.
        """
        name, oracle = self._free_name(), self.config.get("oracle") or {}
        other = {"oracle": "grid"} if oracle.get("name") in PAUSING else {}  # a trial with repeats cannot be paused
        if self.command.startswith(PYTHON_CALL):
            return self._call({"name": name, "repeats": repeats, **other})
        values = {"trainer.repeats": repeats, **other}
        return self._command_line({"name": name}, [f"{key}={value}" for key, value in values.items()])

    def _command_line(self, values: Mapping[str, Any], texts: Sequence[str]) -> str:
        prefix = "" if self.is_keras else str(self.plan["program"].get("key_prefix", ""))
        own = [f"{prefix}{key}={briefly_written(value)}" for key, value in values.items()]
        return f"{self._start_without([*own, *texts])} {shlex.join([*own, *texts])}"

    @cached_property
    def _arguments(self) -> list[str]:
        """The command and its arguments; none if this program did not write it."""
        try:
            command, *arguments = shlex.split(self.command)
        except ValueError:
            return []
        return [PROGRAM if command in MODULES else command, *arguments]

    @cached_property
    def _prefixes(self) -> dict[str, str]:
        """The leading ``+`` or ``++`` of the keys that the command added to the configuration."""
        overrides = [one for one in self._arguments if "=" in one]
        return {_key_of(one): one[: len(one) - len(one.lstrip("+"))] for one in overrides}

    def _start_without(self, replaced: Sequence[str]) -> str:
        """The command line without the overrides of some keys; a description where its secrets are unknown."""
        if not self._arguments or "***" in self.command:
            return "the same command with"
        keys = {_key_of(text) for text in replaced}
        return shlex.join(one for one in self._arguments if "=" not in one or _key_of(one) not in keys)

    def _call(self, values: Mapping[str, Any], *arguments: str) -> str:
        own = [f"{key}={value!r}" for key, value in values.items()]
        return f"mnistsweep.sweep(..., {', '.join([*arguments, *own])})"

    def _ranges_in_python(self, dimension: Dimension) -> Iterator[str]:
        if isinstance(dimension, Zip):
            for key, values in zip(dimension.keys, zip(*dimension.values, strict=True), strict=True):
                yield f"{self.names.get(key, key)!r}: mnistsweep.Choice({', '.join(map(repr, values))})"
            return
        if isinstance(dimension, Choice):
            text = f"Choice({', '.join(map(repr, dimension.values))})"
        else:
            log = ", log=True" if dimension.log else ""
            kind = "Int" if isinstance(dimension, Int) else "Float"
            text = f"{kind}({dimension.low!r}, {dimension.high!r}{log})"
        yield f"{self.names.get(dimension.key, dimension.key)!r}: mnistsweep.{text}"

    def _free_name(self) -> str:
        """Name of a sweep that does not exist: that of this one with the next number."""
        found = re.fullmatch(r"(.+)-(\d{1,6})", self.paths.name)
        stem, number = (found[1], int(found[2]) + 1) if found else (self.paths.name, 2)
        while (self.paths.folder.parent / f"{stem}-{number}").exists():
            number += 1
        return f"{stem}-{number}"


def _key_of(override: str) -> str:
    return override.partition("=")[0].lstrip("+")
