"""Users' code in a copy of this process: a crash of it, or a GPU that it occupies, does not concern this process.

The copy has a session of its own. Processes that the users' code has started end with it.
"""

from __future__ import annotations

import atexit
import contextlib
import multiprocessing
import os
import pickle
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from mnistsweep import descendants
from mnistsweep.error_descriptions import describe_error
from mnistsweep.quiet_import import without_standard_error

T = TypeVar("T")


class ProcessDied(Exception):
    """The copy ended before its function did: a signal killed it, or the function called `os._exit`.

    Args:
        code: Exit code of the process; minus the number of the signal that killed it.
    """

    def __init__(self, code: int) -> None:
        super().__init__(f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}")


def iterate(function: Callable[[], Iterable[T]]) -> Iterator[T]:
    """Yield what a function yields in a copy of this process, as soon as it is there.

    A process that has imported Keras already, for example a notebook, calls the function itself: a copy of a running
    backend can hang. So does a process on an operating system other than Linux, where libraries do not allow a copy.

    What the copy writes to the standard error is lost: TensorFlow reports there that it found no GPU.

    Args:
        function: Function whose results can be pickled. They are never written to a file.

    Raises:
        ProcessDied: The copy ended before the function did.
        RuntimeError: The function raised an exception that cannot be pickled, or yielded a result that cannot be.

    Example:
        >>> list(iterate(lambda: range(3)))
        [0, 1, 2]
    """
    if "keras" in sys.modules or sys.platform != "linux":
        yield from function()
        return
    context = multiprocessing.get_context("fork")
    reader, writer = context.Pipe(duplex=False)
    mark = descendants.new_mark()
    process = context.Process(target=_send, args=(function, writer, mark))
    process.start()
    writer.close()
    ending = contextlib.ExitStack()  # its callbacks run once, in the reverse order
    ending.callback(reader.close)
    ending.callback(descendants.end_descendants, process.pid or 0, mark)
    ending.callback(process.join)
    ending.callback(process.kill)
    atexit.register(ending.close)  # before `multiprocessing` waits for the copy, if Ctrl-C came between two results
    try:
        while (found := _receive(reader)) is not None:
            yield from found
    except EOFError:
        process.join()
        raise ProcessDied(process.exitcode or 0) from None
    finally:  # also after Ctrl-C, which a long operation in the copy does not notice
        ending.close()
        atexit.unregister(ending.close)


def _send(function: Callable[[], Iterable[Any]], writer: Connection, mark: str) -> None:
    """Send each result in a list of its own, then the end or the exception."""
    try:
        os.setsid()
        os.environ[descendants.VARIABLE] = mark
        with without_standard_error():
            for result in function():
                writer.send([result])
        writer.send(None)
    except BaseException as error:  # also SystemExit: the process that reads raises it
        _send_error(error, writer)


def _send_error(error: BaseException, writer: Connection) -> None:
    """Send an exception, or its description in place of one that the process that reads cannot make again."""
    try:
        content = pickle.dumps(error)
        pickle.loads(content)  # an exception with arguments of its own may fail here
    except Exception:
        writer.send(RuntimeError(describe_error(error)))
    else:
        writer.send_bytes(content)


def _receive(reader: Connection) -> list[Any] | None:
    """The next result in a list of its own; None at the end.

    Raises:
        EOFError: The process ended before its function did.
        BaseException: The exception of the function.
    """
    message = reader.recv()
    if isinstance(message, BaseException):
        raise message
    return message if isinstance(message, list) else None
