"""What `mnistsweep.sweep` was given: a model and data for Keras trainings, or a function of a trial."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mnistsweep import handed_over
from mnistsweep.api.space import Choice, as_range, plain_value, range_text
from mnistsweep.config.overrides import HYPERPARAMETERS, written
from mnistsweep.data.streams.sources import TensorFlowSource, source_class
from mnistsweep.dimensions import Column
from mnistsweep.errors import ConfigError, SpaceError, suggest
from mnistsweep.models.hypermodels import OFFERED, is_hypermodel
from mnistsweep.workers.objective_function import FACTORY

VALIDATION = 0.2
"""Fraction of the program's training data that validates, if there is no validation part."""

# Usual names of the argument with which a function gets its hyperparameters.
_HYPERPARAMETERS_ARGUMENTS = ("hp", "hps", "hparams", "hyperparameters")

# Config groups that a space may sweep by their names, unless the function has an argument of the same name.
_GROUPS = ("optimizer", "schedule")


@dataclass
class PythonProgram:
    """The Python part of a sweep, as the configuration names it.

    Attributes:
        overrides: Overrides that name the model and the data, and set or sweep their keys.
        dimensions: Dimensions of the search, for a function of a trial.
        listed: Values of each of these dimensions in the order given; None for an interval.
        objects: Objects that have no dotted path, by the name under which they are handed over.
        record: What the trials run, see `Plan.program`; None for Keras trainings.
        names: Names of the keys of the search space as the program writes them, by the key of the dimension.
        defaults: Keyword arguments that hold unless others are given.
        origin: Where the functions come from, for ``sweep.yaml``.
        key_of: Function from a key of the space, as the program writes it, to the key of the dimension.
    """

    overrides: list[str] = field(default_factory=list)
    dimensions: list[Column] = field(default_factory=list)
    objects: dict[str, Any] = field(default_factory=dict, repr=False)
    listed: dict[str, tuple[Any, ...] | None] = field(default_factory=dict)
    record: dict[str, Any] | None = None
    names: dict[str, str] = field(default_factory=dict)
    defaults: dict[str, Any] = field(default_factory=dict)
    origin: str = ""
    key_of: Callable[[str], str] = lambda name: name

    def path_of(self, value: Any, name: str) -> str:
        """Dotted path of a function or object; one that has none is handed over to the workers.

        Args:
            value: Function, class or object.
            name: Name under which it is handed over if it has no usable name.
        """
        dotted = handed_over.dotted_path(value)
        if dotted is not None:
            return dotted
        own = getattr(value, "__name__", "")
        key = own if own.isidentifier() and not own.startswith("__") and own not in self.objects else name
        self.objects[key] = value
        return f"{handed_over.PREFIX}{key}"


def read_program(function: Any, data: Any, space: Mapping[str, Any] | None) -> PythonProgram:
    """Find out what a call of `mnistsweep.sweep` was given.

    The argument `data` decides: with data the first argument builds a model, without data it is a function of a trial.

    Args:
        function: First argument of the call.
        data: Argument `data`; None for a function of a trial.
        space: Argument `space`.

    Raises:
        ConfigError: The arguments contradict each other.
        SpaceError: A range of the space cannot be used.
    """
    ranges = _read_space(space)
    if data is None:
        return _read_objective(function, ranges)
    return _read_model(function, data, ranges)


def _read_space(space: Mapping[str, Any] | None) -> dict[str, Any]:
    if space is not None and not isinstance(space, Mapping):
        raise SpaceError(f"space: must be a dictionary {{name: range}}; received {type(space).__name__}.")
    for key in space or {}:
        if not isinstance(key, str) or not key:
            raise SpaceError(f"space: names must be texts; received {key!r}.")
    return dict(space or {})


def _read_objective(function: Any, space: Mapping[str, Any]) -> PythonProgram:
    """A function of a trial: it has one parameter, and is called with the trial."""
    parameters = _parameters(function, "the first argument")
    required = [p for p in parameters if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    label = _label(function)
    if (
        is_hypermodel(function, [p.name for p in parameters])
        or len(required) != 1
        or any(p.name in space for p in required)
    ):
        names = ", ".join(p.name for p in required) or "no argument"
        raise ConfigError(
            f"data: without data, {label} is called with a trial, def objective(trial): ... return score; it takes "
            f"{names}. For a function that builds a Keras model, give its data: data=((x, y), (x_test, y_test))."
        )
    if not space:
        raise SpaceError(f"space: {label} needs a range to search, for example space={{'rate': Float(1e-4, 0.1)}}.")
    program = PythonProgram(origin=_origin(function, label))
    for key, value in space.items():
        given = as_range(value) or as_range([value])
        assert given is not None
        program.dimensions.append(given.dimension(key))
        program.names[key] = key
        program.listed[key] = given.plain_values(key) if isinstance(given, Choice) else None
    program.record = {"_target_": FACTORY, "function": program.path_of(function, "objective")}
    return program


def _read_model(function: Any, data: Any, space: Mapping[str, Any]) -> PythonProgram:
    """A function that builds a Keras model of its arguments, or a hypermodel of KerasTuner."""
    label = _label(function)
    may_declare = "." in function if isinstance(function, str) else _is_hypermodel(function, space)
    if not may_declare and not any(_is_searched(name, value) for name, value in space.items()):
        raise SpaceError(f"space: {label} needs a range to search, for example space={{'units': Int(16, 256)}}.")
    program = PythonProgram(origin=_origin(function, label))
    _set_data(program, data)
    if isinstance(function, str):
        program.overrides += [f"model={written(function)}"] if "." not in function else _target("model", function)
        program.key_of = _key_of("model.", ())
    else:
        program.overrides += _target("model", program.path_of(function, "model"))
        program.key_of = _key_of(HYPERPARAMETERS, ())
        if not may_declare:
            parameters = _parameters(function, "the first argument")
            _check_arguments(label, parameters, space)
            program.key_of = _key_of("model.", [parameter.name for parameter in parameters])
    for name, value in space.items():
        program.overrides.append(_override(program, name, value))
    return program


def _is_hypermodel(function: Any, space: Mapping[str, Any]) -> bool:
    """Whether a function declares its own hyperparameters.

    With names in the space, the parameter must have a usual name: a misspelt name of the space must not turn a function
    of `units` into a hypermodel.
    """
    if all("." in name for name in space):
        return is_hypermodel(function)
    names = [p.name for p in _parameters(function, "the first argument")] if callable(function) else []
    return is_hypermodel(function, [name for name in names if name not in _HYPERPARAMETERS_ARGUMENTS])


def _is_searched(name: str, value: Any) -> bool:
    """Whether a value of a space is a range of several values."""
    given = as_range(value)
    return given is not None and given.dimension(name).size != 1


def _check_arguments(label: str, parameters: list[inspect.Parameter], space: Mapping[str, Any]) -> None:
    """Check the keys of a space against the arguments of a function."""
    names = [p.name for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD, p.POSITIONAL_ONLY)]
    if [p.name for p in parameters][:1] == ["trial"] and "trial" not in space:
        raise ConfigError(
            f"data: {label} takes a trial, so it loads its data itself; received data too; leave data out, or give a "
            "function that builds a model of the values in the space."
        )
    takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters)
    faults = [
        f"space[{name!r}]: {label} takes no such argument; {suggest(name, names) or 'it takes none'}. A key of the "
        f"configuration is written with its section, such as 'trainer.batch_size'."
        for name in space
        if "." not in name and name not in names and not takes_any and name not in _GROUPS
    ]
    missing = [p.name for p in parameters if p.default is p.empty and p.name in names and p.name not in space]
    faults += [
        f"space: {label} needs {name!r}; give it a range, or a fixed value."
        for name in missing
        if name not in OFFERED and f"model.{name}" not in space
    ]
    if faults:
        raise SpaceError("\n".join(faults))


def _override(program: PythonProgram, name: str, value: Any) -> str:
    """Override that sets or sweeps a key of the space."""
    key, given = program.key_of(name), as_range(value)
    plus = "++" if key.startswith("model.") else ""
    if given is not None:
        dimension = given.dimension(key)
        if dimension.size != 1:
            program.names[key] = name
            return f"{plus}{key}={range_text(given, key)}"
        value = dimension.grid()[0]
    return f"{plus}{key}={written(plain_value(name, value))}"


def _key_of(prefix: str, arguments: list[str] | tuple[str, ...]) -> Callable[[str], str]:
    """Function from a key of the space to the key of the configuration."""

    def key_of(name: str) -> str:
        is_group = name in _GROUPS and name not in arguments
        return name if "." in name or is_group else f"{prefix}{name}"

    return key_of


def _set_data(program: PythonProgram, data: Any) -> None:
    """Name the data: a preset, a dotted path, a function that loads them, or the arrays themselves."""
    if isinstance(data, str):
        program.overrides += [f"data={written(data)}"] if "." not in data else ["data=custom", *_target("data", data)]
        return
    if callable(data):
        path = program.path_of(data, "load_data")
    elif isinstance(data, tuple | list):
        _check_parts(data)
        program.objects["data"] = GivenData(tuple(data))
        path = f"{handed_over.PREFIX}data"
    else:
        raise ConfigError(
            "data: must be (train, test) or (train, validation, test), each (x, y) or (x, y, sample_weight), a "
            f"function that returns this, or the name of a preset; received {type(data).__name__}."
        )
    program.overrides += ["data=custom", *_target("data", path)]
    program.defaults = {"validation": VALIDATION}


def _check_parts(parts: Sequence[Any]) -> None:
    """Check that the parts of the data can reach another process, which a dataset of TensorFlow cannot."""
    if TensorFlowSource in map(source_class, parts):
        raise ConfigError(
            "data: a tf.data.Dataset cannot be handed over to worker processes; write a function that returns "
            "(train, test), and give the function: data=load_data."
        )


@dataclass(frozen=True)
class GivenData:
    """Loader of data that the program has in memory; the arrays of the program are never changed.

    Attributes:
        parts: Training, perhaps validation, and test part.
    """

    parts: tuple[Any, ...] = field(repr=False)

    def __call__(self) -> tuple[Any, ...]:
        """The parts; a validation part is a copy, because it is used as it is."""
        return tuple(copy.deepcopy(part) if index == 1 and len(self.parts) == 3 else part
                     for index, part in enumerate(self.parts))  # fmt: skip


def _target(group: str, path: str) -> list[str]:
    return [f"{group}._target_={written(path)}"]


def _parameters(function: Any, key: str) -> list[inspect.Parameter]:
    if not callable(function):
        raise ConfigError(
            f"{key}: must be a function that builds a Keras model, a KerasTuner hypermodel, or a function of a trial; "
            f"received {type(function).__name__}."
        )
    try:
        return list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        raise ConfigError(f"{key}: the arguments of {_label(function)} are unknown; wrap it in a function.") from None


def _label(function: Any) -> str:
    return str(getattr(function, "__name__", None) or type(function).__name__)


def _origin(function: Any, label: str) -> str:
    """Where a function is defined, for people."""
    try:
        file = inspect.getsourcefile(inspect.unwrap(function)) or ""
        line = inspect.getsourcelines(function)[1]
    except (TypeError, OSError):
        return f"{label}, in an interactive session"
    return f"{label} in {file}, line {line}" if Path(file).is_file() else f"{label}, in an interactive session"
