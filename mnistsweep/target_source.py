"""Checks of dotted paths (`_target_`) that read the source of the module and import nothing.

So a misspelt name is reported before anything heavy is imported. `targets` imports and calls what a path names.
"""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import Any

from mnistsweep.errors import suggest
from mnistsweep.path_checks import is_file


def check(dotted: Any, key: str) -> list[str]:
    """Return a message for each error in a dotted path, without importing the module that it names.

    What the source cannot decide (names that are created at run time, star imports, compiled modules) is not an error
    here; `targets.resolve` reports it.

    Args:
        dotted: Dotted path, for example ``"package.module.function"``.
        key: Configuration key of the path, for the message.
    """
    path = dotted.replace(":", ".", 1) if isinstance(dotted, str) else ""
    if not all(part.isidentifier() for part in path.split(".")) or "." not in path:
        return [f"{key}: must be a dotted path such as 'package.module.function'; received {dotted!r}"]
    parts = path.split(".")
    spec, length = _find_module(tuple(parts))
    if spec is not None:
        return _source_faults(spec, parts, length, key)
    if parts[0] in sys.modules:  # `__main__`, or a module that was created at run time: there is no source to read
        return []
    near = suggest(parts[0], (file.stem for file in Path.cwd().glob("*.py") if is_file(file)))
    return [f"{key}: no module {parts[0]!r} is installed or in {Path.cwd()}, from {dotted!r}; {near}".rstrip("; ")]


def declared_arguments(dotted: str) -> list[str] | None:
    """Return the names of the arguments of a function or class, as its source declares them.

    Args:
        dotted: Dotted path that `check` accepts.

    Returns:
        Names of the arguments; None if the source does not decide them, for example with a decorator, an inherited
        constructor or ``**kwargs``.
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


def source_file(dotted: str) -> Path | None:
    """Return the source file of the module that a dotted path names; None if there is none. Nothing is imported.

    Args:
        dotted: Dotted path, for example ``"package.module.function"``.
    """
    spec, _ = _find_module(tuple(dotted.replace(":", ".", 1).split(".")))
    path = Path(spec.origin or "") if spec is not None else Path()
    return path if path.suffix == ".py" and is_file(path) else None


def public_names(names: list[str]) -> list[str]:
    """Return the names without a leading underscore, for suggestions."""
    return [name for name in names if not name.startswith("_")]


def _source_faults(spec: ModuleSpec, parts: list[str], length: int, key: str) -> list[str]:
    """Return a message if a module's source does not define the first name that follows the module in the path.

    Args:
        spec: Specification of the module.
        parts: Parts of the dotted path.
        length: Number of parts that name the module.
        key: Configuration key of the path, for the message.
    """
    if length == len(parts):
        return [f"{key}: {spec.name!r} is a module; add the name of a function or class in it"]
    try:
        tree = _parse(spec)
    except SyntaxError as error:
        return [f"{key}: {spec.origin}, line {error.lineno}: {error.msg}"]
    except OSError as error:
        return [f"{key}: {spec.origin} cannot be read: {error.strerror or error}"]
    bound = _bound_names(tree) if tree is not None else {"*"}
    if parts[length] in bound or bound & {"*", "__getattr__"}:
        return []
    defined = [node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)] if tree else []
    near = suggest(parts[length], public_names(defined))
    return [f"{key}: {spec.origin} has no {parts[length]!r}; {near}".rstrip("; ")]


def _find_module(parts: tuple[str, ...]) -> tuple[ModuleSpec | None, int]:
    """Return the longest prefix of a path that is a module, and its number of parts, without importing anything.

    `PathFinder` searches a package that is not imported.
    """
    working_directory = str(Path.cwd())
    if working_directory not in sys.path and "" not in sys.path:
        # A console script does not search the working directory, which may contain a user's own model. It is added as
        # the last entry, so that it shadows nothing that is installed.
        sys.path.append(working_directory)
    try:
        spec = importlib.util.find_spec(parts[0])
    except ValueError:  # `__main__` has no specification
        spec = None
    length, folders = 1, search_folders(spec, parts[0], sys.path)
    while spec is not None and folders and length < len(parts):
        child = find_spec_in(folders, ".".join(parts[: length + 1]))
        if child is None:
            break
        folders = search_folders(child, parts[length], folders)
        spec, length = child, length + 1
    return spec, length


def find_spec_in(folders: Sequence[str], name: str) -> ModuleSpec | None:
    """Return the specification of a module in some folders; None if there is none.

    By its full name, Python finds a package without ``__init__.py`` only if the packages above it are imported.

    Args:
        folders: Folders that hold the module.
        name: Full name of the module.
    """
    spec = PathFinder.find_spec(name.rpartition(".")[2], folders)
    if spec is not None:
        spec.name = name
    return spec


def search_folders(spec: ModuleSpec | None, name: str, parents: Sequence[str]) -> list[str]:
    """Return the folders in which the modules of a package are searched; none for a module.

    The folders of a package without ``__init__.py`` are read here: its specification can list them only if the packages
    above it are imported.

    Args:
        spec: Specification of the package.
        name: Name of the package without that of the package above it.
        parents: Folders in which the package itself was searched.
    """
    if spec is None or spec.submodule_search_locations is None:
        return []
    if spec.origin is not None:
        return list(spec.submodule_search_locations)
    return [str(folder) for parent in parents if (folder := Path(parent or ".").absolute() / name).is_dir()]


def _parse(spec: ModuleSpec) -> ast.Module | None:
    """Return a module's syntax tree; None for packages, which often extend themselves, and for compiled modules."""
    if spec.submodule_search_locations is not None or not (spec.origin or "").endswith(".py"):
        return None
    return ast.parse(Path(str(spec.origin)).read_bytes())


def _bound_names(tree: ast.Module) -> set[str]:
    """Return every name that is bound anywhere in a module.

    Names in nested scopes are included: a name too many hides an error until the import, a name too few would reject a
    valid path.
    """
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.alias):
            names.add((node.asname or node.name).split(".")[0])
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return names
