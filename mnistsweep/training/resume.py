"""Going on with a training after its last finished epoch, as if nothing had happened.

After each epoch one file takes the place of the one before: every variable of the model (its random seeds too) and of
its optimizers, what the callbacks have learnt, and the state of Python's and numpy's random numbers. A training that
is killed is built anew in another process, given all of it as it begins, and goes on with the next epoch: on CPU its
weights and numbers are, to the last bit, those of a training that was never interrupted.

Not restored is what nothing can reach: random numbers that a user's code draws from TensorFlow itself (`tf.random`),
the order in which a `fit` of the user's own shuffles, and callbacks that such a `fit` adds. A file that does not fit
the training is no error: the trial begins anew.
"""

from __future__ import annotations

import json
import logging
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from mnistsweep.atomic import atomic_write
from mnistsweep.config.schema import Config
from mnistsweep.config.trial_file import fingerprint
from mnistsweep.training.snapshots import State, capture, curves, give_curves, pack, restore, unpack

LOGGER = logging.getLogger("mnistsweep")

# Of the file's layout; one of another number is not read.
FORMAT = 1


class CannotResume(BaseException):
    """What was saved does not fit the training; it has to begin anew. No `except Exception` of a user holds it up."""


@dataclass(frozen=True)
class Saved:
    """What a resume file holds.

    Attributes:
        identity: Of the configuration, see `identity`.
        repeat: Which repeat was trained, counted from 0.
        runs: The results of the repeats before it.
        seconds: Trained so far, over all attempts.
        phases: The state after the last epoch of each phase; the last phase is the one that was interrupted. A phase is
            a call of `model.fit`: one, but for a `fit` of the user's own that calls it several times.
    """

    identity: str
    repeat: int
    runs: list[dict[str, Any]]
    seconds: float
    phases: list[State] = field(default_factory=list)


def identity(config: Config) -> str:
    """A name for all that decides how a training goes: a file of another configuration is not taken for this one's.

    The sweep around the trial has no part in it, nor the number of threads: a sweep may be moved and its budget raised.
    """
    return fingerprint(config, 64)


def write(path: Path, saved: Saved) -> None:
    """Write a resume file, whole or not at all.

    It is one `.npy` array of bytes: a checksum of the rest, the length of the record, the record (JSON), and the bytes
    of all arrays, one after the other, so that types which numpy cannot write (bfloat16) are no exception.

    Raises:
        TypeError: A state holds something that is neither plain nor an array.
    """
    arrays: list[NDArray[np.uint8]] = []
    record = json.dumps({"format": FORMAT, **pack(vars(saved), arrays)}).encode()
    content = b"".join([len(record).to_bytes(8, "big"), record, *(array.data for array in arrays)])
    header = {"descr": "|u1", "fortran_order": False, "shape": (4 + len(content),)}
    with atomic_write(path, durable=False) as part, part.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        file.write(zlib.crc32(content).to_bytes(4, "big"))
        file.write(content)  # not `np.save`, whose error does not say that a disk is full


def read(path: Path, expected: str) -> Saved | None:
    """Read a resume file.

    Args:
        path: The file.
        expected: The `identity` of the training that wants to go on.

    Returns:
        None where there is no file; and, with a line in the log, where it is damaged or another training's.
    """
    if not path.is_file():
        return None
    try:
        record, data = _split(np.load(path, allow_pickle=False))
        if record.pop("format") != FORMAT:
            raise ValueError("it was written by another version")
        saved = Saved(**unpack(record, data))
        if saved.identity != expected:
            raise ValueError("it was written with another configuration")
    except (OSError, ValueError, KeyError, TypeError, EOFError, AttributeError) as error:
        LOGGER.warning("%s: cannot be resumed from: %s; the trial begins anew", path, error)
        return None
    return saved


def _split(content: NDArray[np.uint8]) -> tuple[dict[str, Any], NDArray[np.uint8]]:
    """The record and the bytes of the arrays.

    Raises:
        ValueError: Something is not as it was written.
    """
    if int.from_bytes(content[:4].tobytes(), "big") != zlib.crc32(content[4:].data):
        raise ValueError("its checksum is wrong")
    end = 12 + int.from_bytes(content[4:12].tobytes(), "big")
    return json.loads(content[12:end].tobytes()), content[end:]


def build_to_resume(model: Any, images: NDArray[Any]) -> None:
    """Make the variables of a model that waits for its first batch, so that they can be given what was saved.

    Args:
        model: A Keras model.
        images: Some that it takes.

    Raises:
        CannotResume: The model does not take them.
    """
    if not model.built:
        try:
            model(images[:1])
        except Exception as error:
            raise CannotResume(f"the model was not built: {error}") from error


def from_the_beginning(saved: Saved) -> Saved:
    """What stays of an attempt that cannot be gone on with: the time that it took."""
    return replace(saved, repeat=0, runs=[], phases=[])


class ResumePoint(keras.callbacks.Callback):  # type: ignore[misc]
    """Saves the state of a training after each epoch, and restores it as a training begins.

    Put it behind every callback that changes anything. Of the other callbacks the plain values, the arrays and the
    lists of arrays among their attributes are saved. One that has more to remember has a method `get_state()`, which
    returns a dictionary of plain values, lists and arrays, and a method `set_state(state)`, which takes it back.

    Args:
        path: The resume file.
        saved: What was saved, of a training that goes on; of a new one, without phases.
        elapsed: Says how many seconds the training has taken, over all attempts.
        others: The callbacks whose state is saved.
    """

    def __init__(
        self,
        path: Path,
        saved: Saved,
        elapsed: Callable[[], float],
        others: Sequence[keras.callbacks.Callback],
    ) -> None:
        super().__init__()
        self._path = path
        self._saved = saved
        self._elapsed = elapsed
        self._others = list(others)
        self._phases = list(saved.phases)
        self._resumed = len(self._phases)
        self._phase = 0
        self._next: int | None = None
        self._history: State | None = None

    def on_train_begin(self, logs: Any = None) -> None:
        """Restore the phase that begins, if it was saved; `model.fit` asks the model for its first epoch."""
        self._phase += 1
        self._next, self._history = None, None
        if self._phase > self._resumed:
            return
        state = self._phases[self._phase - 1]
        try:
            restore(state, self.model, self._others)
        except Exception as error:
            raise CannotResume(str(error)) from error
        done = state["stopped"] or self._phase < self._resumed
        epochs = (self.params or {}).get("epochs", 0) if done else 0
        self.model._initial_epoch = max(state["epochs"], epochs)
        self._next = -1 if done else state["epochs"]  # of a phase that is over none comes next
        self._history = state["history"]

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """See that the training does go on where it was told to."""
        self._check(epoch)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Save."""
        self._check(epoch)
        if not self._phase:
            return  # a loop of the user's own that does not say when it begins could not be told where to go on
        state = capture(self.model, self._others)
        state |= {"epochs": epoch + 1, "stopped": bool(self.model.stop_training)}
        state["history"] = curves(self.model, epoch, logs or {})
        self._phases[self._phase - 1 :] = [state]
        write(self._path, replace(self._saved, seconds=self._elapsed(), phases=self._phases))

    def on_train_end(self, logs: Any = None) -> None:
        """Leave no trace on the model: it may be trained once more."""
        self._give_history()
        if self._phase <= self._resumed:
            self.model._initial_epoch = None

    def _check(self, epoch: int) -> None:
        if self._next is not None and epoch != self._next:
            raise CannotResume(f"the training went on with epoch {epoch + 1}, not where it was told to")
        self._next = None
        self._give_history()

    def _give_history(self) -> None:
        """Late, for Keras empties what `model.fit` returns after all callbacks were told that it begins."""
        if self._history is not None:
            give_curves(self.model, self._history)
        self._history = None
