"""A command of the user's for the shell, which gets a text on its standard input and has limited time."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping

# Maximum length of what a message quotes of the command's standard error, in characters.
MAX_QUOTED = 200


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
        errors.seek(0)
        lines = errors.read().decode(errors="replace").strip().splitlines()
        ending = f"killed by signal {-code}" if code < 0 else f"exit code {code}"
        return f"{ending}: {lines[-1][:MAX_QUOTED]}" if lines else ending


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
