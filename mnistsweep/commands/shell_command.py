"""A command of the user's for the shell, which gets a text on its standard input and has limited time."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterable, Mapping
from typing import IO

from mnistsweep.redaction import MASK, MIN_LENGTH, mask
from mnistsweep.secret_names import is_secret_key

# Maximum length of what a message quotes of the command's standard error, in characters.
MAX_QUOTED = 200

# Maximum size of the end of the standard error that is read, in bytes.
MAX_READ = 65536


def run_shell(command: str, text: str, environment: Mapping[str, str], deadline: float) -> str | None:
    """Run a command with ``/bin/sh -c`` until it exits; at the deadline it is killed with its children.

    Input and output are files, so that a command that reads nothing, or that leaves a process in the background, does
    not block. What it prints is discarded, except the last line of its standard error in a message.

    Args:
        command: Command, in the grammar of the shell.
        text: Content of its standard input.
        environment: Environment variables.
        deadline: Time of `time.monotonic` at which it is killed.

    Returns:
        Why it failed, without a full stop; None if its exit code is 0.
    """
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as errors:
        given.write(text.encode("utf-8", "backslashreplace"))
        given.seek(0)
        process = subprocess.Popen(
            ["/bin/sh", "-c", command], stdin=given, stdout=subprocess.DEVNULL, stderr=errors, env=dict(environment),
            start_new_session=True,
        )  # fmt: skip
        start = time.monotonic()
        try:
            code = process.wait(max(0.0, deadline - start))
        except subprocess.TimeoutExpired:
            _kill(process)
            return f"killed after {max(0.0, round(deadline - start, 1)):g} s (notify.timeout_seconds)"
        except BaseException:  # an interrupt: the command must not outlive this process
            _kill(process)
            raise
        if code == 0:
            return None
        ending = f"killed by signal {-code}" if code < 0 else f"exit code {code}"
        line = _last_line(errors, _secrets(command, environment))
        return f"{ending}: {line}" if line else ending


def _secrets(command: str, environment: Mapping[str, str]) -> list[str]:
    """Values of the variables in a command that are secrets by their names, or addresses, which may contain one."""
    named = {name: environment.get(name, "") for name in re.findall(r"\$\{?(\w+)", command)}
    return [
        value for name, value in named.items() if len(value) >= MIN_LENGTH and (is_secret_key(name) or "://" in value)
    ]


def _last_line(file: IO[bytes], secrets: Iterable[str]) -> str:
    """The beginning of the last line of a file; empty if there is none, or if it is too long to be read.

    Secrets are masked before the line is cut: a part of a secret is not recognized.

    Args:
        file: File.
        secrets: Secrets beside those that `mask` knows.
    """
    start = max(0, file.seek(0, os.SEEK_END) - MAX_READ)
    file.seek(start)
    lines = file.read().decode(errors="replace").rstrip().splitlines()
    whole = lines[1:] if start else lines  # the first one may have lost its beginning
    last = whole[-1].strip() if whole else ""
    for secret in sorted(secrets, key=len, reverse=True):
        last = last.replace(secret, MASK)
    return mask(last)[:MAX_QUOTED]


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
