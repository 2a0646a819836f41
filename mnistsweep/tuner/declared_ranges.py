"""The hyperparameters that the builds of a hypermodel have declared, each with one range for the whole space."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from keras_tuner.engine import hyperparameters as kt

from mnistsweep.config.overrides import HYPERPARAMETERS
from mnistsweep.dimensions import Dimension
from mnistsweep.errors import SpaceError
from mnistsweep.tuner.hyperparameters import to_dimension

# Positions in the unit interval at which all hyperparameters are set together: two corners and the middle.
JOINT_POSITIONS = (0.0, 1.0, 0.5)

# Number of random points beside them.
NUM_RANDOM_POINTS = 4

# Keys of the configuration of a KerasTuner hyperparameter that do not describe its range.
_NO_RANGE = ("name", "default", "conditions", "ordered")


class DeclaredRanges:
    """Collects hyperparameters in the order in which they appear.

    A range that depends on the value of another hyperparameter cannot be searched: the search would use the range of
    the first build, with values that the model does not allow, and without values that it allows.

    Args:
        fixed: Values that the user has given by the names of the hyperparameters.
        ranges: Ranges that the user has given. What is declared for a hyperparameter in `fixed` or `ranges` does not
            count.

    Attributes:
        entries: KerasTuner's hyperparameters.
    """

    def __init__(self, fixed: Mapping[str, Any], ranges: Mapping[str, Dimension]) -> None:
        self.entries: list[Any] = []
        self._given = fixed.keys() | ranges.keys()
        self._ranges = ranges
        self._values: list[Mapping[str, Any]] = []
        self._has_joined = False

    def add(self, entry: Any, values: Mapping[str, Any]) -> bool:
        """Add a hyperparameter of a build; return whether it is new.

        Args:
            entry: KerasTuner's hyperparameter.
            values: Values of the hyperparameters in this build.

        Raises:
            SpaceError: Its range is another one than in an earlier build.
        """
        for known, before in zip(self.entries, self._values, strict=True):
            if (known.name, known.conditions) == (entry.name, entry.conditions):
                if entry.name not in self._given and _range(known) != _range(entry):
                    raise _changed_range(known, before, entry, values)
                return False
        self.entries.append(entry)
        self._values.append(dict(values))
        return True

    def joint_points(self) -> list[dict[str, Any]]:
        """Points at which all hyperparameters have other values than their defaults; none at a second call.

        They show ranges that depend on several values, or on values between the ends.
        """
        searched = [entry for entry in self.entries if not isinstance(entry, kt.Fixed)]
        if self._has_joined or len(searched) < 2:
            return []
        self._has_joined = True
        generator = random.Random(0)  # the same points in each process
        dimensions = {entry.name: self._ranges.get(entry.name) or to_dimension(entry) for entry in searched}
        points = [{name: each.value_at(unit) for name, each in dimensions.items()} for unit in JOINT_POSITIONS]
        for _ in range(NUM_RANDOM_POINTS):
            points.append({name: each.value_at(generator.random()) for name, each in dimensions.items()})
        return points


def _range(entry: Any) -> Any:
    """What describes the range of a hyperparameter, comparable; a constant has none."""
    if isinstance(entry, kt.Fixed):
        return None
    return type(entry), {key: value for key, value in entry.get_config().items() if key not in _NO_RANGE}


def _changed_range(known: Any, before: Mapping[str, Any], entry: Any, values: Mapping[str, Any]) -> SpaceError:
    """Error that shows both ranges, and the values of other hyperparameters with which they were seen."""
    names = [
        name
        for name in before
        if name in values and before[name] != values[name] and name not in (entry.name, known.name)
    ]
    seen = [
        f"{to_dimension(each).describe()} with {', '.join(f'{name}={where[name]}' for name in names)}"
        for each, where in ((known, before), (entry, values))
    ]
    return SpaceError(
        f"{HYPERPARAMETERS}{entry.name}: its range must not depend on other hyperparameters; received {seen[0]}, and "
        f"{seen[1]}; {_remedy(entry)}."
    )


def _remedy(entry: Any) -> str:
    if isinstance(entry, kt.Choice):
        return "list all values, or declare one hyperparameter for each list, with a name of its own"
    fraction = f'hp.Float("{entry.name}_fraction", 0.6, 1.0)'
    return f"declare a range that holds for all values, such as a fraction of the other one ({fraction})"
