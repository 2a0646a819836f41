"""Secrets in configurations: each becomes a reference to an environment variable, ``${oc.env:NAME}``.

So every file that is written, and every text that is shown, contains the reference; the secret itself is only in the
environment, which worker processes inherit. A secret that is typed as a literal gets a variable of this process,
``MNISTSWEEP_SECRET_...``. A later command needs the same variable, or a password file where a database is meant.

`mnistsweep.secret_names` and `mnistsweep.secret_urls` say what a secret is.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from mnistsweep.errors import ConfigError
from mnistsweep.redaction import MASK, VARIABLE_PREFIX, remember
from mnistsweep.secret_names import is_secret, items_of
from mnistsweep.secret_urls import secrets_of_value

STORAGE = "storage"

# An interpolation of an environment variable.
VARIABLE = re.compile(r"\$\{\s*oc\.env\s*:\s*([A-Za-z_]\w*)")

_UNSET_PASSWORD = re.compile(r":(?:\$\{[^{}]*\}|\*\*\*)(?=@)|(?<=[?&])(?:ssl)?password=(?:\$\{[^{}]*\}|\*\*\*)&?")

_owners: dict[str, str] = {}


def with_references(key: str, value: Any) -> Any:
    """A value with a reference in place of each secret; the secrets become environment variables of this process.

    Args:
        key: Dotted key of the value.
        value: Plain value; dictionaries and lists are copied.

    Raises:
        ConfigError: The value is ``***``, which stands for a secret that was not saved.

    Example:
        >>> with_references("data.auth", {"user": "me", "token": "abc"})
        {'user': 'me', 'token': '${oc.env:MNISTSWEEP_SECRET_DATA_AUTH_TOKEN}'}
    """
    if isinstance(value, Mapping):
        return {name: with_references(inner, item) for name, inner, item in items_of(key, value)}
    if isinstance(value, list | tuple):
        return [with_references(inner, item) for _, inner, item in items_of(key, value)]
    if not isinstance(value, str):
        return f"${{oc.decode:{_reference(key, str(value))}}}" if is_secret(key, value) else value
    if is_secret(key, value) and "${" not in value:
        return _reference(key, value)
    return _text_with_references(key, without_password(value) if key == STORAGE else value)


def holds_secret(key: str, value: Any) -> bool:
    """Whether `with_references` would change a value.

    Args:
        key: Dotted key of the value.
        value: Plain value.
    """
    if isinstance(value, Mapping | list | tuple):
        return any(holds_secret(inner, item) for _, inner, item in items_of(key, value))
    if not isinstance(value, str):
        return is_secret(key, value)
    if is_secret(key, value):
        return "${" not in value
    return bool(secrets_of_value(value))


def without_password(url: str, only_unset: bool = False) -> str:
    """URL of a database without a masked password.

    Args:
        url: URL of a database.
        only_unset: Whether to remove only references to environment variables that are not set.
    """

    def replace(found: re.Match[str]) -> str:
        names = VARIABLE.findall(found[0])
        return "" if (MASK in found[0] or (only_unset and not all(map(os.environ.get, names)))) else found[0]

    return _UNSET_PASSWORD.sub(replace, url).rstrip("?&")


def _reference(key: str, value: str) -> str:
    """Define the environment variable of a secret, and refer to it."""
    if value == MASK:
        raise ConfigError(
            f"{key}: {MASK} stands for a secret that was not saved; received {MASK}; write the secret, or "
            "'${oc.env:NAME}' with an environment variable that holds it."
        )
    name = VARIABLE_PREFIX + re.sub(r"\W", "_", key).upper()
    while _owners.setdefault(name, key) != key:
        name += "_"
    os.environ[name] = value
    remember(value)
    return f"${{oc.env:{name}}}"


def _text_with_references(key: str, text: str) -> str:
    for number, (start, end) in reversed(list(enumerate(secrets_of_value(text)))):
        secret = text[start:end].replace("@", "%40") if key == STORAGE else text[start:end]
        text = text[:start] + _reference(f"{key}.{number + 1}" if number else key, secret) + text[end:]
    return text
