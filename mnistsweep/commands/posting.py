"""A JSON text that is sent to an http or https address, with repetitions until a deadline."""

from __future__ import annotations

import base64
import time
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import IO, Any
from urllib.parse import unquote, urlsplit, urlunsplit

from mnistsweep.version import __version__

FIRST_PAUSE_SECONDS = 0.5
"""Time before the second try; before each further one it is twice as long, at most `MAX_PAUSE_SECONDS`."""

MAX_PAUSE_SECONDS = 30.0

# Answers that another try may change: the server is overloaded, restarts, or waited for too long.
_TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirection is an error: `urllib` would turn the POST into a GET without the text."""

    def redirect_request(
        self, request: urllib.request.Request, file: IO[bytes], code: int, message: str, headers: Any, new_url: str
    ) -> None:
        """Follow no redirection."""


def post(url: str, text: str, deadline: float) -> str | None:
    """Send a text by POST until the address accepts it with a status of 200 to 299.

    Connections that fail and answers that may be temporary (408, 425, 429, 500, 502, 503, 504) are tried again with
    growing pauses. The proxies of the environment (``https_proxy``, ``no_proxy``) are used.

    Args:
        url: Address, ``http://`` or ``https://``, also with a user and a password.
        text: JSON.
        deadline: Time of `time.monotonic` after which there is no further try.

    Returns:
        Why the address did not accept the text, without a full stop and without the address, which may be a secret;
        None if it did.
    """
    opener = urllib.request.build_opener(_NoRedirect)
    request = _request(url, text)
    tries, pause, reason = 0, FIRST_PAUSE_SECONDS, "the time was over before the first try"
    while (left := deadline - time.monotonic()) > 0:
        tries += 1
        try:
            with opener.open(request, timeout=left):
                return None
        except urllib.error.HTTPError as error:
            reason = f"HTTP status {error.code}"
            is_transient = error.code in _TRANSIENT
            error.close()
            if 300 <= error.code < 400:
                reason += ", a redirection; write the new address"
        except (OSError, HTTPException, ValueError) as error:
            reason, is_transient = _described(error), not isinstance(error, ValueError)
        if not is_transient or time.monotonic() + pause >= deadline:
            break
        time.sleep(pause)
        pause = min(2 * pause, MAX_PAUSE_SECONDS)
    return f"{reason}, after {tries} {'try' if tries == 1 else 'tries'}"


def _request(url: str, text: str) -> urllib.request.Request:
    """The request; a user and a password in the address become a header, because `urllib` does not know them."""
    parts = urlsplit(url)
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": f"mnistsweep/{__version__}"}
    if parts.username is not None:
        given = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = f"Basic {base64.b64encode(given.encode()).decode()}"
        parts = parts._replace(netloc=parts.netloc.rpartition("@")[2])
    body = text.encode("utf-8", "backslashreplace")
    return urllib.request.Request(urlunsplit(parts), data=body, headers=headers, method="POST")


def _described(error: Exception) -> str:
    """Why no answer came, without the address."""
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, OSError) and reason.strerror:
        return reason.strerror
    if isinstance(reason, TimeoutError):
        return "no answer in time"
    return type(reason).__name__ if isinstance(reason, Exception) else "no connection"
