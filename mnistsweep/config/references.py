"""References to secrets in configurations that are written to files, and the secrets in place of references.

`secret_values` makes the references. A composed configuration may also contain interpolations of environment variables,
``${oc.env:NAME}``, whose values are secrets: these stay as they are.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import InterpolationResolutionError, OmegaConfBaseException

from mnistsweep.config.secret_values import STORAGE, VARIABLE, with_references, without_password
from mnistsweep.errors import ConfigError
from mnistsweep.redaction import VARIABLE_PREFIX, mask_url, remember
from mnistsweep.secret_names import is_secret, is_secret_key, items_of
from mnistsweep.secret_urls import secrets_of_value

# Keys of a value from the outermost to the innermost; an integer is a position in a list.
Path = tuple[str | int, ...]

_NOT_FROM_ENVIRONMENT = re.compile(r"\$\{(?!\s*oc\.(env|decode)\s*:)")
_NOT_SET = re.compile(r"Environment variable '(\w+)' not found")


def references(config: DictConfig, plain: Mapping[str, Any]) -> dict[Path, str]:
    """The texts that replace the secrets of a composed configuration wherever it is kept.

    An interpolation of an environment variable stays as it is where its value may be a secret: the key or the variable
    has a secret's name, the value is a URL with a password, or it is an argument of the user's own ``_target_``.

    Args:
        config: Composed configuration, without Hydra's own part.
        plain: The same configuration with its interpolations resolved.
    """
    raw: Any = OmegaConf.to_container(config)
    variables = sorted({name for text in _texts(raw) for name in VARIABLE.findall(text) if os.environ.get(name)})
    return dict(_references(raw, plain, (), "", False, variables))


def with_texts(plain: Any, texts: Mapping[Path, str]) -> Any:
    """Plain values in which some texts replace the values at their paths; what is changed is copied.

    Args:
        plain: Dictionary or list.
        texts: Text by path, the result of `references`.
    """
    for path, text in texts.items():
        plain = _replaced(plain, path, text)
    return plain


def resolved(plain: Any, key: str = "") -> Any:
    """Plain values of a file with the secrets in place of their references.

    Args:
        plain: Dictionary, list or single value.
        key: Dotted key of the value.

    Raises:
        ConfigError: An environment variable is not set.
    """
    if isinstance(plain, Mapping):
        return {name: resolved(item, inner) for name, inner, item in items_of(key, plain)}
    if isinstance(plain, list):
        return [resolved(item, inner) for _, inner, item in items_of(key, plain)]
    if not isinstance(plain, str) or not VARIABLE.search(plain):
        return plain
    try:
        value = OmegaConf.create({"value": plain})["value"]
    except InterpolationResolutionError as error:
        raise ConfigError(f"{key}: {describe_unresolved(error)}") from error
    if isinstance(value, str):
        _remember_secrets(key, value, VARIABLE.findall(plain))
    return value


def resolved_where_set(plain: Any, key: str = "") -> Any:
    """Plain values of a file for OmegaConf: with each secret that the environment holds, other references as texts.

    The password of a database that is not set is left to the driver: for PostgreSQL it takes the one in PGPASSWORD or
    in the password file (``~/.pgpass``, PGPASSFILE).

    Args:
        plain: Dictionary, list or single value.
        key: Dotted key of the value.
    """
    if isinstance(plain, Mapping):
        return {name: resolved_where_set(item, inner) for name, inner, item in items_of(key, plain)}
    if isinstance(plain, list):
        return [resolved_where_set(item, inner) for _, inner, item in items_of(key, plain)]
    if isinstance(plain, str) and key == STORAGE:
        plain = without_password(plain, only_unset=True)
    with contextlib.suppress(ConfigError):
        plain = resolved(plain, key)
    return re.sub(r"(\\*)\$\{", r"\1\1\\${", plain) if isinstance(plain, str) else plain


def texts_of_references(plain: Any, path: Path = ()) -> dict[Path, str]:
    """The references in plain values of a file, by their paths.

    Args:
        plain: Dictionary, list or single value.
        path: Path of the value.
    """
    if isinstance(plain, Mapping):
        return {k: v for name, item in plain.items() for k, v in texts_of_references(item, (*path, name)).items()}
    if isinstance(plain, list):
        return {k: v for i, item in enumerate(plain) for k, v in texts_of_references(item, (*path, i)).items()}
    return {path: plain} if isinstance(plain, str) and VARIABLE.search(plain) else {}


def unresolved_error(error: OmegaConfBaseException) -> ConfigError:
    """The error for users where OmegaConf cannot resolve an interpolation of a configuration.

    Args:
        error: Error of OmegaConf; some of its errors do not name the key.
    """
    return ConfigError(f"{error.full_key or 'interpolation'}: {describe_unresolved(error)}")


def describe_unresolved(error: Exception) -> str:
    """What is wrong with an interpolation that cannot be resolved, and what to do.

    Args:
        error: Error of OmegaConf.
    """
    found = _NOT_SET.search(str(error))
    if found is None:
        return f"{str(error).splitlines()[0]}."
    if found[1].startswith(VARIABLE_PREFIX):
        return (
            f"the value is a secret, which no file keeps; set the environment variable {found[1]}, or write "
            "'${oc.env:NAME}' with a variable of your own."
        )
    return f"the environment variable {found[1]} is not set."


def _texts(raw: Any) -> Iterator[str]:
    items: Iterable[Any] = raw.values() if isinstance(raw, dict) else raw if isinstance(raw, list) else ()
    for item in items:
        yield from _texts(item)
    if isinstance(raw, str):
        yield raw


def _references(
    raw: Any, real: Any, path: Path, key: str, is_users: bool, variables: list[str]
) -> Iterator[tuple[Path, str]]:
    """Walk through a configuration with its interpolations (`raw`) and without (`real`); `key` is the dotted key."""
    if isinstance(real, Mapping | list):
        if isinstance(real, Mapping) and real.get("_target_") is not None:
            is_users = not str(real["_target_"]).startswith("mnistsweep.")
        for name, inner, item in items_of(key, real):
            written = raw[name] if isinstance(raw, dict | list) else raw  # an interpolation of a whole mapping
            yield from _references(written, item, (*path, name), inner, is_users, variables)
        return
    used = [name for name in variables if isinstance(real, str) and os.environ[name] in real]
    if isinstance(raw, str) and "${" in raw and used:
        is_secret_value = _remember_secrets(key, str(real), used)
        if is_users or is_secret_value:
            yield path, str(raw) if not _NOT_FROM_ENVIRONMENT.search(raw) else _with_variables(str(real), used)
    elif (safe := with_references(key, real)) != real:
        yield path, safe


def _remember_secrets(key: str, value: str, variables: Iterable[str]) -> bool:
    """Whether a value from environment variables is a secret; if so, it is masked in texts."""
    named = [name for name in variables if name.startswith(VARIABLE_PREFIX) or is_secret_key(name)]
    found = is_secret(key, value) or key == STORAGE or bool(named) or mask_url(value) != value
    if is_secret(key, value):
        remember(value)
    for name in named:
        remember(os.environ.get(name, ""))
    for start, end in secrets_of_value(value):
        remember(value[start:end])
    return found


def _with_variables(text: str, variables: Iterable[str]) -> str:
    for name in sorted(variables, key=lambda one: len(os.environ[one]), reverse=True):
        text = text.replace(os.environ[name], f"${{oc.env:{name}}}")
    return text


def _replaced(plain: Any, path: Path, text: str) -> Any:
    if not path:
        return text
    copied: Any = dict(plain) if isinstance(plain, Mapping) else list(plain)
    copied[path[0]] = _replaced(plain[path[0]], path[1:], text)
    return copied
