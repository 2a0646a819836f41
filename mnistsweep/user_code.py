"""Errors and exits of users' code: models, loaders, callbacks, losses, metrics.

Users' code may raise anything, also what is no `Exception`: `SystemExit` of ``sys.exit()``, `KeyboardInterrupt`,
`GeneratorExit`, `asyncio.CancelledError`. Each becomes an error with a reason, except a stop that was requested.
"""

from __future__ import annotations

import contextlib
import sysconfig
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

from mnistsweep.error_descriptions import describe_error
from mnistsweep.errors import MnistSweepError, TrialFailed
from mnistsweep.printable import printable
from mnistsweep.redaction import mask

# Limits of a formatted traceback; about 300 KB.
MAX_TRACEBACK_LINES = 300
MAX_LINE_LENGTH = 1000

# Folders of code that the user has not written: this package, Python, installed packages.
_INSTALLED = (str(Path(__file__).parent), *(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")))


@contextlib.contextmanager
def explained(explain: Callable[[str], MnistSweepError]) -> Iterator[None]:
    """Raise whatever users' code raises as an error for users, before anything is trained.

    Errors of mnistsweep pass unchanged, and so does `KeyboardInterrupt`, by which Ctrl-C stops a command. The working
    directory is restored.

    Args:
        explain: Function from the description of the error, with its place in the user's code, to the error to raise.
    """
    try:
        with _same_folder():
            yield
    except (MnistSweepError, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise explain(describe_error(error) + _place(error)) from error


@contextlib.contextmanager
def exits_as_failures(should_stop: Callable[[], bool] | None = None) -> Iterator[None]:
    """Raise what is no `Exception` as `TrialFailed`: users' code does not end the process that calls it.

    The working directory is restored.

    Args:
        should_stop: Whether a stop was requested. If it was, what is no `Exception` is raised as `KeyboardInterrupt`.
            None: the process does not record requests to stop, so `KeyboardInterrupt` is one.

    Raises:
        TrialFailed: The code raised `SystemExit` or a similar exception.
        KeyboardInterrupt: A stop was requested.
    """
    try:
        with _same_folder():
            yield
    except Exception:
        raise
    except BaseException as error:
        is_interrupt = isinstance(error, KeyboardInterrupt)
        if is_interrupt if should_stop is None else should_stop():
            if is_interrupt:
                raise
            raise KeyboardInterrupt(describe_error(error)) from error
        raise TrialFailed(describe_error(error)) from error


def _same_folder() -> contextlib.AbstractContextManager[None]:
    """Context that restores the working directory: a relative path means the same before and after users' code."""
    try:
        return contextlib.chdir(Path.cwd())
    except OSError:  # the working directory was removed
        return contextlib.nullcontext()


def _place(error: BaseException) -> str:
    """The innermost place of an error in code of the user, in parentheses; empty if there is none."""
    for frame, line in reversed(list(traceback.walk_tb(error.__traceback__))):
        file = frame.f_code.co_filename
        if not file.startswith(("<", *_INSTALLED)):
            return printable(f" ({file}, line {line})")
    return ""


def format_traceback(error: BaseException) -> str:
    """Return the traceback of an error as printable text of bounded size, without secrets: its head and its tail.

    Args:
        error: Any exception.
    """
    try:
        text = "".join(traceback.format_exception(error))
    except BaseException:  # an attribute of the user's exception cannot be read; it may raise anything
        text = "".join(traceback.format_tb(error.__traceback__)) + describe_error(error)
    lines = [_bounded(line, MAX_LINE_LENGTH) for line in mask(text).splitlines()]
    if len(lines) > MAX_TRACEBACK_LINES:
        half = MAX_TRACEBACK_LINES // 2
        lines[half:-half] = [f"... {len(lines) - 2 * half} lines left out ..."]
    return printable("\n".join(lines) + "\n")


def _bounded(line: str, max_length: int) -> str:
    if len(line) <= max_length:
        return line
    half = max_length // 2
    return f"{line[:half]}... {len(line) - 2 * half} characters left out ...{line[-half:]}"
