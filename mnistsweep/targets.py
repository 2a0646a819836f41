"""Dotted paths in a configuration (`_target_`): what they name, checked without an import, found, called.

A path is ``package.module.name`` or ``package.module:name``; modules in the working directory are found too. `check`
and `declared` read the source only, so a misspelt name is reported before anything heavy is imported; `resolve`
imports.
"""

from __future__ import annotations

import ast
import functools
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from mnistsweep.errors import ConfigError, suggest

RESERVED = ("_target_", "hp")
"""Keys beside `_target_` that are never passed on: `hp` holds fixed values for a target's own hyperparameters."""


def plain(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration as plain dictionaries and lists, interpolations resolved.

    Example:
        >>> plain(OmegaConf.create({"filters": [20, 50]}))
        {'filters': [20, 50]}
    """
    if OmegaConf.is_config(config):
        return dict(OmegaConf.to_container(config, resolve=True))  # type: ignore[arg-type]
    return dict(config)


def resolve(dotted: str, key: str) -> Any:
    """Import what a dotted path names.

    Args:
        dotted: For example ``"package.module.function"`` or ``"package.module:Class"``.
        key: Where the path stands in the configuration, for the message.

    Raises:
        ConfigError: The path is none, or its module or name does not exist, or importing it raises.

    Example:
        >>> resolve("collections:OrderedDict", "model._target_").__name__
        'OrderedDict'
    """
    faults = check(dotted, key)
    if faults:
        raise ConfigError("\n".join(faults))
    module, names = _import_longest(dotted, key)
    found: Any = module
    for name in names:
        if not hasattr(found, name):
            raise ConfigError(f"{key}: {_label(found)} has no {name!r}; {suggest(name, _public(dir(found)))}")
        found = getattr(found, name)
    return found


def _import_longest(dotted: str, key: str) -> tuple[Any, list[str]]:
    """Import the longest prefix that is a module; return it and the names that are left."""
    parts = dotted.replace(":", ".").split(".")
    longest = dotted.partition(":")[0].count(".") + 1 if ":" in dotted else len(parts) - 1
    for length in range(longest, 0, -1):
        name = ".".join(parts[:length])
        try:
            return importlib.import_module(name), parts[length:]
        except ModuleNotFoundError as error:
            # A prefix that is a class, not a module, is tried one shorter; a dependency that is missing is reported.
            if error.name is None or not (name == error.name or name.startswith(f"{error.name}.")):
                raise ConfigError(f"{key}: importing {name!r} failed: {error}") from error
        except Exception as error:
            raise ConfigError(f"{key}: importing {name!r} failed: {type(error).__name__}: {error}") from error
    raise ConfigError(f"{key}: there is no module {parts[0]!r}, from {dotted!r}")


def check(dotted: Any, key: str) -> list[str]:
    """Say what is wrong with a dotted path, without importing the module that it names.

    What cannot be decided from the source (names made at run time, star imports, compiled modules) is not a fault here;
    `resolve` has the last word.

    Returns:
        Messages, empty where no fault was found.
    """
    path = dotted.replace(":", ".", 1) if isinstance(dotted, str) else ""
    if not all(part.isidentifier() for part in path.split(".")) or "." not in path:
        return [f"{key} must be a dotted path such as 'package.module.function'; received {dotted!r}"]
    parts = path.split(".")
    spec, length = _find_module(tuple(parts))
    if spec is not None:
        return _source_faults(spec, parts, length, key)
    if parts[0] in sys.modules:  # `__main__`, or a module made at run time: no source to read
        return []
    near = suggest(parts[0], (file.stem for file in Path.cwd().glob("*.py")))
    return [f"{key}: no module {parts[0]!r} is installed or in {Path.cwd()}, from {dotted!r}; {near}".rstrip("; ")]


def _source_faults(spec: ModuleSpec, parts: list[str], length: int, key: str) -> list[str]:
    """Look in a module's source for the first name that follows it in the path."""
    if length == len(parts):
        return [f"{key} names the module {spec.name!r}; add the function or class in it"]
    try:
        tree = _parse(spec)
    except SyntaxError as error:
        return [f"{key}: {spec.origin}, line {error.lineno}: {error.msg}"]
    bound = _bound_names(tree) if tree is not None else {"*"}
    if parts[length] in bound or bound & {"*", "__getattr__"}:
        return []
    defined = [node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)] if tree else []
    return [f"{key}: {spec.origin} has no {parts[length]!r}; {suggest(parts[length], _public(defined))}".rstrip("; ")]


def declared(dotted: str) -> list[str] | None:
    """Read from the source which arguments a function or class takes; None where the source does not say.

    Decorated objects, inherited constructors and ``**kwargs`` are among what the source does not say.
    """
    parts = tuple(dotted.replace(":", ".").split("."))
    spec, length = _find_module(parts)
    tree = _parse(spec) if spec is not None else None
    if tree is None or length != len(parts) - 1:
        return None
    nodes = [node for node in tree.body if getattr(node, "name", None) == parts[-1]]
    if len(nodes) == 1 and isinstance(nodes[0], ast.ClassDef) and not nodes[0].decorator_list:
        nodes = [node for node in nodes[0].body if getattr(node, "name", None) == "__init__"]
    if len(nodes) != 1 or not isinstance(nodes[0], ast.FunctionDef) or nodes[0].decorator_list:
        return None
    arguments = nodes[0].args
    if arguments.kwarg is not None:
        return None
    return [argument.arg for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]


def _find_module(parts: tuple[str, ...]) -> tuple[ModuleSpec | None, int]:
    """Find the longest prefix that is a module, importing nothing; `PathFinder` looks inside a package unimported."""
    here = str(Path.cwd())
    if here not in sys.path and "" not in sys.path:
        # A console script does not search the working directory, where a user's own model stands; last, so that
        # nothing installed is shadowed.
        sys.path.append(here)
    try:
        spec = importlib.util.find_spec(parts[0])
    except ValueError:  # `__main__` has no specification
        spec = None
    length = 1
    while spec is not None and spec.submodule_search_locations and length < len(parts):
        child = PathFinder.find_spec(".".join(parts[: length + 1]), spec.submodule_search_locations)
        if child is None:
            break
        spec, length = child, length + 1
    return spec, length


def _parse(spec: ModuleSpec) -> ast.Module | None:
    """Parse a module's source; None for packages, which often extend themselves, and for compiled modules."""
    if spec.submodule_search_locations is not None or not (spec.origin or "").endswith(".py"):
        return None
    return ast.parse(Path(str(spec.origin)).read_text(encoding="utf-8"))


def _bound_names(tree: ast.Module) -> set[str]:
    """Return every name that is bound anywhere in the module, nested ones too: too many rather than too few."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.alias):
            names.add((node.asname or node.name).split(".")[0])
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return names


def call(
    group: str, target: Callable[..., Any], config: Mapping[str, Any], offered: Mapping[str, Any], *first: Any
) -> Any:
    """Call a target with the keys of its configuration.

    Args:
        group: Where the configuration stands (``"model"``), for messages.
        target: A function, a class or any other callable.
        config: The keys, `_target_` among them; it is quoted in messages.
        offered: Further values, passed where the target's signature names them and the configuration does not.
        first: Positional arguments that come before.

    Raises:
        ConfigError: The target does not take one of the keys, or needs one that is not there.
    """
    label = config.get("_target_", _label(target))
    keys = {name: value for name, value in config.items() if name not in RESERVED}
    try:
        signature = inspect.signature(target)
    except ValueError:  # compiled callables may have no signature; then the call itself decides
        return target(*first, **keys)
    named = [name for name, parameter in signature.parameters.items() if parameter.kind not in _VARIADIC]
    if inspect.Parameter.VAR_KEYWORD not in {parameter.kind for parameter in signature.parameters.values()}:
        faults = unknown_keys(group, label, keys, named[len(first) :])
        if faults:
            raise ConfigError("\n".join(faults))
    keywords = {name: value for name, value in offered.items() if name in named[len(first) :]} | keys
    try:
        signature.bind(*first, **keywords)
    except TypeError as error:
        raise ConfigError(f"{group}: {label}: {error}; set it as a key beside {group}._target_") from error
    return target(*first, **keywords)


_VARIADIC = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)


def unknown_keys(group: str, label: str, received: Iterable[str], known: Iterable[str]) -> list[str]:
    """Say which of a group's keys its target does not take, each with the nearest that it does.

    Example:
        >>> unknown_keys("model", "my.net", ["witdh"], ["width", "depth"])
        ["model.witdh: my.net takes no such key; did you mean 'width'? Known: 'width', 'depth'"]
    """
    known = list(known)
    return [
        f"{group}.{key}: {label} takes no such key; {suggest(key, known)}".rstrip("; ")
        for key in received
        if key not in known
    ]


def without_preset_keys(config: Mapping[str, Any], preset: Mapping[str, Any], typed: Iterable[str]) -> dict[str, Any]:
    """Drop what a preset left behind when its `_target_` was replaced by another.

    ``model._target_=my_model.build`` on top of the default preset leaves that preset's `conv_layers`, `dropout`, ...
    in the configuration, which the user's function never asked for.

    Args:
        config: The composed group, for example `config.model`.
        preset: The group's preset as its file has it.
        typed: The group's keys that the user set or sweeps; they stay, so that a misspelt one is still reported.

    Returns:
        The configuration as it was where the target is the preset's own, otherwise without the preset's keys.

    Example:
        >>> without_preset_keys({"_target_": "a.b", "dropout": 0.0}, {"_target_": "c.d", "dropout": 0.0}, [])
        {'_target_': 'a.b'}
    """
    if config.get("_target_") == preset.get("_target_"):
        return dict(config)
    kept = {"_target_", *typed}
    return {key: value for key, value in config.items() if key in kept or key not in preset}


def _label(target: Any) -> str:
    if isinstance(target, functools.partial):
        return _label(target.func)
    return str(getattr(target, "__qualname__", getattr(target, "__name__", type(target).__name__)))


def _public(names: Iterable[str]) -> list[str]:
    return [name for name in names if not name.startswith("_")]
