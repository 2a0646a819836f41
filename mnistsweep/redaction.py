"""Texts without secrets: messages, tracebacks, command lines, output.

A secret is a part of a URL (`secret_urls`), or the value of a key that has a secret's name (`secret_names`).

Configurations refer to a secret by an environment variable (`mnistsweep.config.secret_values`).
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TextIO
from urllib.parse import unquote

from mnistsweep.secret_names import is_password_key, is_secret, is_secret_key, is_secret_pair, items_of
from mnistsweep.secret_urls import secrets_of_url, secrets_of_value

MASK = "***"

# Environment variables that hold the secrets of a command for its worker processes.
VARIABLE_PREFIX = "MNISTSWEEP_SECRET_"

# Shortest secret that is masked wherever it occurs in a text, and shortest one that is masked inside of words too.
MIN_LENGTH = 4
MIN_LENGTH_IN_WORDS = 8

# A URL in a text ends at a space or a quote.
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s'\"]*")

# A match starts only at the first character of a key: otherwise the time would grow with the square of a long text.
_KEY = re.compile(r"(?<![\w.@/+~-])(?P<key>[\w.@/+~-]*\w)['\"]?\s*(?P<mark>[=:])\s*")
_NO_SECRET = re.compile(
    r"""(?:null|none|true|false|~|[-+]?[\d.][\d_.]*(?:e[-+]?\d+)?|'?"?\$\{[^{}]*\}"?'?|)\s*""", re.I
)

# The name of a secret and the secret, ``[X-Api-Key, abc]``, in a list of pairs or alone.
_PAIR = re.compile(
    r"""(?P<listed>[\[(,]\s*)?[\[(]\s*(?P<quote>['"]?)(?P<name>[\w.-]+)(?P=quote)\s*,\s*"""
    r"""(?P<secret>'(?:[^'\\]|\\.)*'?|"(?:[^"\\]|\\.)*"?|[^\])]+)"""
)

# A mapping of a name and a value, ``{name: X-Api-Key, value: abc}``, in any order.
_RECORD = re.compile(r"\{[^{}]*\}")
_RECORD_NAME = re.compile(r"""\b(?:name|key|header)['"]?\s*:\s*['"]?(?P<name>[\w.-]+)""")
_RECORD_VALUE = re.compile(r"""\bvalue['"]?\s*:\s*(?P<secret>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^,}]+)""")

_SIMPLE_ITEM = re.compile(r"[^,{}\[\]'\"\s:]+(?=\s*[,}\]])")

_known: set[str] = set()


def remember(value: str) -> None:
    """Mask a secret in all texts of this process from now on.

    Args:
        value: Secret, in the form in which the configuration has it.
    """
    for form in (value, unquote(value), repr(value)[1:-1], repr(unquote(value))[1:-1]):
        if len(form) >= MIN_LENGTH and form != MASK:
            _known.add(form)
    decoded = unquote(value)
    for start, end in secrets_of_value(decoded) if decoded != value else ():
        remember(decoded[start:end])


def mask(text: str) -> str:
    """A text with ``***`` in place of each secret that can be found in it.

    Args:
        text: Any text: a message, a traceback, a line of output.

    Example:
        >>> mask("no access to postgresql+psycopg://me:a@b@host/db?sslpassword=c")
        'no access to postgresql+psycopg://me:***@host/db?sslpassword=***'
    """
    if "://" in text:
        text = _URL.sub(lambda found: mask_url(found[0]), text)
    for secret in sorted(_known_values(), key=len, reverse=True):
        if secret in text:
            inside = len(secret) >= MIN_LENGTH_IN_WORDS
            pattern = re.escape(secret) if inside else rf"(?<!\w){re.escape(secret)}(?!\w)"
            text = re.sub(pattern, MASK, text)
    return text


def mask_url(url: str) -> str:
    """A value that is one URL, or a text of names with values, with ``***`` in place of its secrets.

    Args:
        url: URL; another text is returned unchanged.

    Example:
        >>> mask_url("postgresql+psycopg://me:it's a @ secret@host/db?password=secret")
        'postgresql+psycopg://me:***@host/db?password=***'
    """
    spans = list(secrets_of_url(url, is_longest=True)) if "://" in url else secrets_of_value(url)
    for start, end in reversed(spans):
        url = url[:start] + MASK + url[end:]
    return url


def mask_argument(argument: str) -> str:
    """An argument of a command line with ``***`` in place of what looks like a secret; it need not be valid.

    What is masked is remembered (`remember`).

    Args:
        argument: Argument, such as ``+data.token=abc``.

    Example:
        >>> mask_argument("+data.token=abc"), mask_argument("+data.auth={user: me, token: abc}")
        ('+data.token=***', '+data.auth={user: me, token: ***}')
        >>> mask_argument("+data.token=${oc.env:TOKEN}")
        '+data.token=${oc.env:TOKEN}'
        >>> mask_argument("+data.headers=[[X-Api-Key, abc], [Accept, json]]")
        '+data.headers=[[X-Api-Key, ***], [Accept, json]]'
    """
    for find in (_records_in, _pairs_in, _secrets_in):
        for start, end in reversed(list(find(argument))):
            remember(argument[start:end].strip("'\""))
            argument = argument[:start] + MASK + argument[end:]
    for start, end in secrets_of_url(argument):
        remember(argument[start:end])
    return mask_url(argument) if "://" in argument else argument


def mask_values(value: Any, key: str = "") -> Any:
    """Plain values with ``***`` in place of each secret; two values that differ only in secrets become equal.

    Args:
        value: Dictionary, list or single value.
        key: Dotted key of the value; empty for a whole configuration.

    Example:
        >>> mask_values({"data": {"token": "abc", "path": "x"}, "storage": "postgresql://me:a@host/db"})
        {'data': {'token': '***', 'path': 'x'}, 'storage': 'postgresql://me:***@host/db'}
    """
    if isinstance(value, Mapping):
        return {name: mask_values(item, inner) for name, inner, item in items_of(key, value)}
    if isinstance(value, list | tuple):
        return [mask_values(item, inner) for _, inner, item in items_of(key, value)]
    if is_secret(key, value):
        return MASK
    return mask_url(value) if isinstance(value, str) else value


def redact_output() -> None:
    """Mask secrets in everything that this process prints from now on, tracebacks included.

    What code writes past Python's streams is not masked: by `os.write`, in a C library, or in a process that it starts.
    A pipe to the supervisor could mask it, but the last lines of a worker would be lost if the supervisor is killed.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is not None and not isinstance(stream, _RedactedStream):
            setattr(sys, name, _RedactedStream(stream))


class _RedactedStream:
    """A text stream that masks secrets in each text that is written.

    Args:
        stream: Stream that receives the texts.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        self._stream.write(mask(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _known_values() -> set[str]:
    handed_on = {value for name, value in os.environ.items() if name.startswith(VARIABLE_PREFIX)}
    for value in handed_on - _known:
        remember(value)
    return _known


def _is_no_secret(key: str, value: str) -> bool:
    """Whether the value of a key with a secret's name is none: null, a number, a reference, or empty."""
    return bool(_NO_SECRET.fullmatch(value)) and not (is_password_key(key) and value[:1].isdigit())


def _pairs_in(argument: str) -> Iterator[tuple[int, int]]:
    """Start and end of each secret in an argument that stands in a pair with its name."""
    for found in _PAIR.finditer(argument):
        secret = found["secret"]
        name, is_listed = found["name"], found["listed"] is not None
        if is_secret_pair((name, secret.strip("'\"")), is_listed) and not _is_no_secret(name, secret):
            yield found.span("secret")


def _records_in(argument: str) -> Iterator[tuple[int, int]]:
    """Start and end of each secret in an argument that stands in a mapping with its name."""
    for record in _RECORD.finditer(argument):
        name = _RECORD_NAME.search(record[0])
        value = _RECORD_VALUE.search(record[0])
        if name and value and is_secret_key(name["name"]) and not _is_no_secret(name["name"], value["secret"]):
            yield record.start() + value.start("secret"), record.start() + value.end("secret")


def _secrets_in(argument: str) -> Iterator[tuple[int, int]]:
    """Start and end of each text in an argument that follows a key with a secret's name."""
    for found in _KEY.finditer(argument):
        start, key = found.end(), found["key"].lstrip("+~")
        if not is_secret_key(key) or argument.startswith("//", start):
            continue
        is_item = found["mark"] == ":"
        value = re.split(r"[,}\]]", argument[start:], maxsplit=1)[0] if is_item else argument[start:]
        if _is_no_secret(key, value):
            continue
        simple = _SIMPLE_ITEM.match(argument, start) if is_item else None
        yield start, simple.end() if simple else len(argument)
        if not simple:
            return
