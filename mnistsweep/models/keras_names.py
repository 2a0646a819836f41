"""Public classes of the installed Keras with their arguments, read from its source files.

Configurations are checked before anything is trained, and importing Keras takes seconds. Reading one file takes
milliseconds and is always true of the version that is installed. Checked against Keras 3.10 to 3.15: a module's
``__init__.py`` imports each public name from the file that defines it.
"""

from __future__ import annotations

import ast
import importlib.util
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

REQUIRED = object()
"""Placeholder for the default of an argument without a default."""

# The wheels of Keras 3.10 and before keep the public modules in `keras/api`.
_PUBLIC_FOLDERS = ("", "api")


@cache
def class_names(module: str) -> tuple[str, ...]:
    """Public names of a Keras module that begin with a capital letter, sorted.

    Args:
        module: Name of the module, for example ``optimizers``.

    Raises:
        ModuleNotFoundError: Keras is not installed, or has no such module.

    Example:
        >>> "Adam" in class_names("optimizers")
        True
    """
    return tuple(sorted(name for name in _sources(module) if name[0].isupper()))


def find_class(module: str, name: str) -> str | None:
    """Public class with this name, ignoring case and underscores; None if there is none.

    Example:
        >>> find_class("optimizers", "schedule_free_adamw"), find_class("metrics", "auc")
        ('ScheduleFreeAdamW', 'AUC')
    """
    return {_plain(known): known for known in class_names(module)}.get(_plain(name))


def snake_case(name: str) -> str:
    """Name in snake case, as Keras derives it.

    Example:
        >>> snake_case("KLDivergence"), snake_case("MeanIoU")
        ('kl_divergence', 'mean_io_u')
    """
    return re.sub("([a-z])([A-Z])", r"\1_\2", re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)).lower()


@cache
def arguments(module: str, class_name: str) -> Mapping[str, Any]:
    """Arguments of a public class with their defaults; `REQUIRED` where an argument has no default.

    A class without a constructor of its own has no arguments here. ``name``, ``dtype`` and ``**kwargs``, which every
    Keras object takes, are left out. A default that is not a literal is given as None.

    Args:
        module: Name of the module, for example ``optimizers``.
        class_name: Name of the class, one of `class_names`.

    Example:
        >>> arguments("optimizers", "SGD")["momentum"]
        0.0
    """
    tree = ast.parse(_sources(module)[class_name].read_text(encoding="utf-8"))
    body = next(node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == class_name)
    for node in body:
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            return MappingProxyType(_defaults(node.args))
    return MappingProxyType({})


def _defaults(given: ast.arguments) -> dict[str, Any]:
    positional = [argument.arg for argument in given.args[1:]]  # without self
    defaults = [REQUIRED] * (len(positional) - len(given.defaults)) + [_literal(node) for node in given.defaults]
    keywords = [argument.arg for argument in given.kwonlyargs]
    keyword_defaults = [REQUIRED if node is None else _literal(node) for node in given.kw_defaults]
    found = dict(zip(positional + keywords, defaults + keyword_defaults, strict=True))
    return {name: default for name, default in found.items() if name not in ("name", "dtype")}


def _literal(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except ValueError:
        return None


@cache
def _sources(module: str) -> Mapping[str, Path]:
    """File that defines each public name of a module."""
    spec = importlib.util.find_spec("keras")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("keras is not installed")
    root = Path(spec.origin).parent
    files = [root / folder / module / "__init__.py" for folder in _PUBLIC_FOLDERS]
    public = next((file for file in files if file.is_file()), None)
    if public is None:
        raise ModuleNotFoundError(f"keras.{module}: no such module in {root}")
    imports = [node for node in ast.parse(public.read_text(encoding="utf-8")).body if isinstance(node, ast.ImportFrom)]
    found = {
        alias.asname or alias.name: root.parent.joinpath(*str(node.module).split(".")).with_suffix(".py")
        for node in imports
        for alias in node.names
    }
    return MappingProxyType({name: file for name, file in found.items() if file.is_file()})


def _plain(name: str) -> str:
    return name.replace("_", "").lower()
