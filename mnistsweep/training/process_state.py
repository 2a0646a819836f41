"""Settings of the process that users' code may change in a training; they are restored after it.

A builder that sets a dtype policy, or a callback that replaces the standard output, thus changes its own trial only.
What a module sets when it is imported stays: each process imports it once, before its first training.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np

from mnistsweep import targets
from mnistsweep.config.schema import Config
from mnistsweep.errors import ConfigError
from mnistsweep.models import losses, metrics
from mnistsweep.printable import make_streams_safe
from mnistsweep.redaction import redact_output
from mnistsweep.stop_signal import SIGNALS

Restore = Callable[[], None]

# Functions that read settings of Keras and NumPy, with the functions that set them.
_SETTINGS: tuple[tuple[Callable[[], Any], Callable[[Any], Any]], ...] = (
    (keras.config.dtype_policy, keras.config.set_dtype_policy),
    (keras.config.floatx, keras.config.set_floatx),
    (keras.config.epsilon, keras.config.set_epsilon),
    (keras.config.image_data_format, keras.config.set_image_data_format),
    (np.geterr, lambda settings: np.seterr(**settings)),
    (sys.getrecursionlimit, sys.setrecursionlimit),
    (gc.isenabled, lambda is_enabled: gc.enable() if is_enabled else gc.disable()),
)

_HOOKS = ((sys, "stdin"), (sys, "stdout"), (sys, "stderr"), (sys, "excepthook"), (threading, "excepthook"))


def import_users_modules(config: Config) -> None:
    """Import the modules that a configuration names, so that their settings are there before the training.

    Args:
        config: Configuration of a trial.
    """
    named = [config.model.get("_target_"), config.optimizer.get("_target_"), config.optimizer.get("name")]
    named += [entry.get("_target_") for entry in config.trainer.callbacks]
    named += [config.trainer.loss] if losses.is_path(str(config.trainer.loss)) else []
    named += filter(metrics.is_path, config.trainer.metrics)
    for dotted in named:
        if isinstance(dotted, str) and "." in dotted:
            with contextlib.suppress(ConfigError):  # the training raises it, with its key
                targets.resolve(dotted, "")


@contextlib.contextmanager
def restored_process_state() -> Iterator[None]:
    """Context after which the settings of the process are those from before it.

    These are the settings of Keras (dtype policy, floatx, epsilon, image data format) and NumPy (floating-point
    errors), the environment variables, the standard streams, the handlers of SIGINT and SIGTERM, the hooks for uncaught
    exceptions, the recursion limit, and the garbage collection.
    """
    with contextlib.ExitStack() as stack:
        stack.callback(_reopen_streams)  # the last callback that is called
        for fd in (1, 2):
            _keep_open(fd, stack)
        stack.callback(_restore_environment, dict(os.environ))
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                handler = signal.getsignal(number)
                if handler is not None:  # None: it was not installed from Python
                    stack.callback(signal.signal, number, handler)
        for owner, name in _HOOKS:
            stack.callback(setattr, owner, name, getattr(owner, name))
        for read, write in _SETTINGS:
            stack.callback(_restore_setting, read, write, read())
        yield


def settings_of_process() -> list[Any]:
    """Values of the settings that `restored_process_state` restores; equal lists if none has changed."""
    hooks = [getattr(owner, name) for owner, name in _HOOKS]
    return [[read() for read, _ in _SETTINGS], dict(os.environ), hooks]


def _restore_setting(read: Callable[[], Any], write: Callable[[Any], Any], before: Any) -> None:
    if read() != before:
        write(before)


def _restore_environment(before: dict[str, str]) -> None:
    if os.environ != before:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)


def _keep_open(fd: int, stack: contextlib.ExitStack) -> None:
    """Open a standard file descriptor again at the end, if it is closed: else the next file would get its number."""
    try:
        saved = os.dup(fd)
    except OSError:  # the process was started without it
        return
    stack.callback(os.close, saved)
    stack.callback(functools.partial(_open_if_closed, fd, saved))


def _open_if_closed(fd: int, saved: int) -> None:
    try:
        os.fstat(fd)
    except OSError:
        os.dup2(saved, fd)


def _reopen_streams() -> None:
    """Replace a standard stream that users' code has closed; its file descriptor is open."""
    for fd, name in ((1, "stdout"), (2, "stderr")):
        closed = getattr(sys, name)
        if getattr(closed, "closed", False):
            encoding = getattr(closed, "encoding", None)
            stream = open(fd, "w", encoding=encoding, buffering=1, closefd=False)  # noqa: SIM115
            setattr(sys, name, stream)
            make_streams_safe()
            redact_output()
