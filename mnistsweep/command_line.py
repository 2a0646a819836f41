"""The arguments of this process, without secrets in the list of processes.

Every user of a machine can read the command line of a process (``ps``, ``/proc/PID/cmdline``). A process with a secret
among its arguments therefore executes itself again at once, with masked arguments; the real ones follow in an
environment variable, which only the same user can read. The process keeps its ID, its terminal and its parent.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys

from mnistsweep.redaction import mask_argument

# Holds the arguments that are masked on the command line, for one process.
_VARIABLE = "MNISTSWEEP_ARGUMENTS"


def arguments_of_process() -> list[str]:
    """The arguments with which this process was started, secrets included; `sys.argv` has them masked."""
    given = sys.argv[1:]
    handed = os.environ.pop(_VARIABLE, None)
    if handed is not None:
        record = json.loads(handed)
        if record["pid"] == os.getpid():  # else another process of this user left it
            for index, text in record["arguments"].items():
                given[int(index)] = text
            return given
    masked = [mask_argument(argument) for argument in given]
    if masked != given:
        _execute_again(given, masked)
        sys.argv[1:] = masked
    return given


def _execute_again(given: list[str], masked: list[str]) -> None:
    """Execute this process again with masked arguments; return if that is impossible."""
    before = len(sys.orig_argv) - len(given)
    if os.name != "posix" or not sys.executable or sys.orig_argv[before:] != given:
        return
    hidden = {index: text for index, text in enumerate(given) if text != masked[index]}
    record = json.dumps({"pid": os.getpid(), "arguments": hidden})
    with contextlib.suppress(OSError):  # an environment that is too large: the arguments stay visible
        command = [sys.orig_argv[0], *sys.orig_argv[1:before], *masked]
        os.execve(sys.executable, command, {**os.environ, _VARIABLE: record})
