"""Secrets in URLs and in texts of names with values: where they begin and end.

A secret is the password in ``scheme://user:password@host``, the user of a web address without a password
(``https://TOKEN@host``), and a parameter with a secret's name (``?password=``, ``&token=``), also in the connection
texts of databases (``host=db password=...``). Of a parameter with such a text in percent-encoding
(``?options=-c%20password%3Dabc``), the whole value is the secret. A value may also be a header, ``X-Api-Key: abc``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

from mnistsweep.secret_names import is_secret_key

_SCHEME = r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://"

# A user's name, which may be a reference to an environment variable; some databases have users with an ``@``.
_USER = r"(?P<user>(?:\$\{[^{}]*\}|[^:/$]|\$(?!\{))*)"

# The password: of several ``@`` up to the last one in front of the path.
_PASSWORD = re.compile(rf"{_SCHEME}{_USER}:(?P<secret>[^@]+(?:@[^@/]*)*|(?:@[^@/]*)+)(?=@)")

# The longest text that can be a password: its slashes may not be quoted.
_LONGEST_PASSWORD = re.compile(rf"{_SCHEME}{_USER}:(?P<secret>.+)(?=@)", re.DOTALL)

_TOKEN = re.compile(r"(?:https?|wss?)://(?P<secret>[^:/?#\s]+)(?=:?@)", re.IGNORECASE)
_PARAMETER = re.compile(r"[?&;,#\s](?P<name>[\w.-]+)\s*=\s*(?P<secret>'(?:[^'\\]|\\.)*'|[^&#;,\s'$][^&#;,\s]*)")

# A parameter with percent-encoding in its name or value.
_ENCODED = re.compile(r"[?&;#](?P<name>[^=?&;#\s]+)=(?P<secret>[^&;#\s]+)")

# Maximum number of times that a text is decoded: a URL may be a parameter of a URL.
MAX_DECODINGS = 3

# A header of a request, ``X-Api-Key: abc``, as a whole value.
_HEADER = re.compile(r"\s*(?P<name>[\w-]+):\s+(?P<secret>\S.*)", re.DOTALL)

# In an address without a password, ``host:8080/a@b`` looks like one.
_WEB = ("http", "https", "ws", "wss")
_PORT = re.compile(r"\d+(/|$)")


def secrets_of_url(url: str, is_longest: bool = False) -> Iterator[tuple[int, int]]:
    """Start and end of each secret in a URL, in order; they do not overlap.

    Args:
        url: URL, or a text that contains one.
        is_longest: Whether a password extends to the last ``@`` of the text, to hide what could be a part of it.
            Otherwise it ends in front of the path.

    Example:
        >>> url = "postgresql://me:a@b/c@host/db?sslpassword=d"
        >>> [url[start:end] for start, end in secrets_of_url(url)]
        ['a', 'd']
        >>> [url[start:end] for start, end in secrets_of_url(url, is_longest=True)]
        ['a@b/c', 'd']
    """
    last = 0
    for start, end in sorted(_spans(url, _LONGEST_PASSWORD if is_longest else _PASSWORD)):
        if start >= last:  # a password may look like parameters
            yield start, end
            last = end


def secrets_of_value(value: str) -> list[tuple[int, int]]:
    """Start and end of each secret in a value of a configuration, without those that are references already.

    Args:
        value: Text, which is a URL, a text of names with values, or anything else.

    Example:
        >>> value = "password=abc host=db"
        >>> [value[start:end] for start, end in secrets_of_value(value)]
        ['abc']
    """
    header = _HEADER.fullmatch(value)
    if header is not None and is_secret_key(header["name"]) and "${" not in header["secret"]:
        return [header.span("secret")]
    if "://" not in value and "=" not in value:
        return []
    spans = ((start - 1, end - 1) for start, end in secrets_of_url(f" {value}"))  # a name may be the first word
    return [(start, end) for start, end in spans if "${" not in value[start:end]]


def _spans(url: str, password: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    for found in password.finditer(url):
        may_be_port = found["scheme"].lower() in _WEB or "@" in found["user"]
        if not (may_be_port and _PORT.match(found["secret"])):
            yield found.span("secret")
    for found in _TOKEN.finditer(url):
        yield found.span("secret")
    for found in _PARAMETER.finditer(url):
        if found["name"].lower() != "key" and is_secret_key(found["name"]):
            yield found.span("secret")
    if "%" in url:
        for found in _ENCODED.finditer(url):
            if "%" in found[0] and _is_secret_when_decoded(found["name"], found["secret"]):
                yield found.span("secret")


def _is_secret_when_decoded(name: str, value: str) -> bool:
    """Whether a parameter has a secret's name in percent-encoding, or a value in which there are secrets."""
    for _ in range(MAX_DECODINGS):
        if unquote(name) == name and unquote(value) == value:
            return False
        name, value = unquote(name), unquote(value)
        if (name.lower() != "key" and is_secret_key(name)) or secrets_of_value(value):
            return True
    return False
