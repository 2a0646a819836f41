"""A dotted path such as ``keras.datasets.cifar10.load_data``, found on disk or imported.

`fault` answers before anything is trained and imports nothing, so that a misspelt Keras loader is reported in milliseconds
rather than after Keras's own import. It reads source files and speaks up only where it is certain. `resolve` imports.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

from mnistsweep.errors import ConfigError, suggest

KEY = "data._target_"

# A module whose source says one of these may make names that its text does not show.
DYNAMIC = ("__getattr__", "globals(", "setattr(", "sys.modules", "import *", "__path__", "exec(")


def resolve(dotted: str) -> Callable[..., Any]:
    """Import the function that a dotted path names.

    The working directory is searched after the installed packages, so that a user's own ``my_data.py`` is found.

    Args:
        dotted: For example ``keras.datasets.cifar10.load_data``.

    Returns:
        The function.

    Raises:
        ConfigError: Nothing of that name, not callable, or its module cannot be imported.
    """
    _search_working_directory()
    module, rest = _import_longest(dotted)
    found: Any = module
    for position, name in enumerate(rest):
        if not hasattr(found, name):
            owner = ".".join([module.__name__, *rest[:position]])
            raise ConfigError(_missing(dotted, name, owner, [n for n in dir(found) if not n.startswith("_")]))
        found = getattr(found, name)
    if not callable(found):
        raise ConfigError(f"{KEY} must name a function; {dotted!r} is a {type(found).__name__}")
    function: Callable[..., Any] = found
    return function


def _import_longest(dotted: str) -> tuple[Any, list[str]]:
    """Import as much of the path as is modules; the names that remain are attributes, the last one always."""
    parts = dotted.split(".")
    module: Any = None
    for end in range(1, len(parts)):
        name = ".".join(parts[:end])
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name != name:
                raise ConfigError(f"{KEY}={dotted!r}: importing {name!r} failed: {error}") from error
            if module is None:
                raise ConfigError(_missing(dotted, parts[0], None, _top_level(parts[0]))) from None
            return module, parts[end - 1 :]
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            raise ConfigError(f"{KEY}={dotted!r}: importing {name!r} failed: {reason}") from error
    return module, parts[-1:]


def fault(dotted: str) -> str | None:
    """Say what is wrong with a dotted path, without importing it.

    Args:
        dotted: The path as the user typed it.

    Returns:
        The message, or None where the path is right or where only importing it could tell.
    """
    first, *rest = parts = dotted.split(".")
    if not rest or not all(part.isidentifier() for part in parts):
        return f"{KEY} must be the dotted path of a function, as 'package.module.function'; received {dotted!r}"
    _search_working_directory()
    try:
        spec = importlib.util.find_spec(first)  # of a top-level name: looks for it, imports nothing
    except (ImportError, ValueError):
        return None  # such as __main__, which has no spec
    if spec is None:
        return _missing(dotted, first, None, _top_level(first))
    return _fault_below(dotted, spec, rest)


def _fault_below(dotted: str, spec: ModuleSpec, rest: list[str]) -> str | None:
    """Follow the names below a top-level module as far as source files tell."""
    for position, name in enumerate(rest, start=1):
        try:
            names = _names_in(spec)
        except SyntaxError as error:
            return f"{KEY}={dotted!r}: {spec.origin}, line {error.lineno}, is not Python: {error.msg}"
        below = _submodule(spec, name)
        if below is None or position == len(rest):
            if names is None or name in names:
                return None
            if below is not None:
                return f"{KEY} must name a function; {dotted!r} is a module"
            known = [known for known in names.union(_submodules(spec)) if not known.startswith("_")]
            return _missing(dotted, name, spec.name, known)
        spec = below
    return None


def _names_in(spec: ModuleSpec) -> set[str] | None:
    """The names that a module's source binds; None where the text alone cannot tell."""
    if spec.origin is None:
        return set()  # a namespace package: folders only
    source = getattr(spec.loader, "get_source", lambda name: None)(spec.name)
    if source is None or any(word in source for word in DYNAMIC):
        return None
    names: set[str] = set()
    pending: list[ast.AST] = list(ast.parse(source).body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
            continue  # what is bound inside is not the module's
        if isinstance(node, ast.Import | ast.ImportFrom):
            names.update(alias.asname or alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        pending.extend(ast.iter_child_nodes(node))
    return names


def _submodule(spec: ModuleSpec, name: str) -> ModuleSpec | None:
    """Look for a module inside a package, asking the import system's finders as an import would."""
    for finder in sys.meta_path if spec.submodule_search_locations is not None else ():
        found = finder.find_spec(f"{spec.name}.{name}", spec.submodule_search_locations)
        if found is not None:
            return found
    return None


def _submodules(spec: ModuleSpec) -> Iterator[str]:
    return (module.name for module in pkgutil.iter_modules(spec.submodule_search_locations or []))


def _top_level(name: str) -> list[str]:
    """Installed modules with a name like this one: all of them would be a list of hundreds."""
    return get_close_matches(name, [module.name for module in pkgutil.iter_modules()], n=3)


def _missing(dotted: str, name: str, owner: str | None, known: list[str]) -> str:
    where = f"{owner!r} has no {name!r}" if owner else f"there is no module {name!r}"
    remedy = suggest(name, known) or "is it installed, or a file in this folder?"
    return f"{KEY} must name a function that can be imported; received {dotted!r}, but {where}: {remedy}"


def _search_working_directory() -> None:
    """A console script, unlike ``python -m``, does not look for modules in the folder that it was started in."""
    folder = str(Path.cwd())
    if folder not in sys.path and "" not in sys.path:
        sys.path.append(folder)
        importlib.invalidate_caches()
