"""A training that is resumed after its last finished epoch, with the same results as an uninterrupted one.

It was interrupted, or paused after a given epoch.

After each epoch, one file replaces the previous one. It contains every variable of the model (including its random
seeds) and of its optimizers, the state of the callbacks, and the state of the random number generators of Python, numpy
and Keras. A killed training is built again in another process, which restores this state and continues with the next
epoch. On CPU its weights and metrics equal, to the last bit, those of a training that was never interrupted.

The following is not restored, because there is no access to it: random numbers that a user's code draws from TensorFlow
itself (`tf.random`), the order in which a user's own `fit` shuffles, and callbacks that such a `fit` adds. A file that
does not match the training is no error: the trial restarts from scratch. So does one in which a callback compiled the
model again, or froze or unfroze layers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras

from mnistsweep.data.structure import Structure
from mnistsweep.training.building import create_variables
from mnistsweep.training.callbacks.logs import Logs
from mnistsweep.training.compilation import Compilation
from mnistsweep.training.disk_space import with_space
from mnistsweep.training.keras_internals import set_initial_epoch
from mnistsweep.training.phase_state import capture_history, capture_phase, restore_history, restore_phase
from mnistsweep.training.resume_file import TrainingState, write_resume_file


class ResumeMismatch(BaseException):
    """The stored state does not match the training, which must restart from scratch.

    It is no `Exception`, so that an `except Exception` in a user's `fit` does not catch it.
    """


class BackupAndResume(keras.callbacks.Callback):  # type: ignore[misc]
    """Writes the state of a training to the resume file after each epoch, and restores it when a training begins.

    Put it after every callback that changes the model, the training or its own state. See `callback_state` for what is
    stored of the other callbacks.

    Args:
        path: Path of the resume file.
        state: State to resume from; for a new training, a state without phases.
        elapsed: Function that returns the seconds that the training has taken, over all attempts.
        others: Callbacks to store the state of.
        until: Epoch after which the training pauses, counted from 1; None: it does not pause.
        free_space: Function that makes room on a full disk, see `disk_space.with_space`.

    Attributes:
        is_paused: Whether the training has stopped because of `until`, so that the resume file continues it. It has not
            if a callback has ended it at this epoch.

    Raises:
        ResumeMismatch: The state does not match the training.
    """

    def __init__(
        self,
        path: Path,
        state: TrainingState,
        elapsed: Callable[[], float],
        others: Sequence[keras.callbacks.Callback],
        until: int | None = None,
        free_space: Callable[[], bool] = lambda: False,
    ) -> None:
        super().__init__()
        self.is_paused = False
        self._until = until
        self._free_space = free_space
        self._path = path
        self._state = state
        self._elapsed = elapsed
        self._others = list(others)
        self._phases = list(state.phases)
        self._num_stored = len(self._phases)
        self._phase = 0  # number of the current phase, from 1
        self._expected_epoch: int | None = None
        self._history: dict[str, Any] | None = None
        self._compilation: Compilation

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Restore the phase that begins if it was stored, and set the first epoch of `model.fit`."""
        self._phase += 1
        self._expected_epoch, self._history = None, None
        self._compilation = Compilation(self.model)
        if self._phase > self._num_stored:
            return
        phase = self._phases[self._phase - 1]
        if phase.get("is_recompiled"):
            raise ResumeMismatch("a callback has compiled or unfrozen the model in the interrupted training")
        try:
            restore_phase(phase, self.model, self._others)
        except Exception as error:
            raise ResumeMismatch(str(error)) from error
        is_finished = phase["stopped"] or self._phase < self._num_stored
        if not is_finished and self._has_reached_end(phase["epochs"]):  # killed before the pause was recorded
            is_finished = self.is_paused = True
        last_epoch = (self.params or {}).get("epochs", 0) if is_finished else 0
        set_initial_epoch(self.model, max(phase["epochs"], last_epoch))
        self._expected_epoch = -1 if is_finished else phase["epochs"]  # -1: a finished phase trains no epoch
        self._history = phase["history"]

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Check that the training continues with the expected epoch."""
        self._check_epoch(epoch)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Write the resume file."""
        self._check_epoch(epoch)
        if not self._phase:
            return  # a user's own loop that does not call `on_train_begin` could not be resumed
        phase = capture_phase(self.model, self._others)
        phase |= {"epochs": epoch + 1, "stopped": bool(self.model.stop_training)}
        phase["is_recompiled"] = self._compilation.has_changed(self.model)
        phase["history"] = capture_history(self.model, epoch, logs or {})
        self._phases[self._phase - 1 :] = [phase]
        is_last = self._has_reached_end(epoch + 1)
        state = replace(self._state, seconds=self._elapsed(), phases=self._phases)
        # durable, because a paused trial may wait for long
        with_space(lambda: write_resume_file(self._path, state, durable=is_last), self._free_space)
        if is_last and not phase["stopped"]:
            self.is_paused = self.model.stop_training = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Reset the first epoch, because the model may be trained again."""
        self._restore_history()
        if self._phase <= self._num_stored:
            set_initial_epoch(self.model, None)

    def _has_reached_end(self, epochs: int) -> bool:
        """Whether the training pauses after a number of epochs; it does not after its last one."""
        return self._until is not None and self._until <= epochs < (self.params or {}).get("epochs", 0)

    def _check_epoch(self, epoch: int) -> None:
        if self._expected_epoch is not None and epoch != self._expected_epoch:
            expected = f"epoch {self._expected_epoch + 1}" if self._expected_epoch >= 0 else "no further epoch"
            raise ResumeMismatch(f"the training continued with epoch {epoch + 1}, expected {expected}")
        self._expected_epoch = None
        self._restore_history()

    def _restore_history(self) -> None:
        """Restore the history once the first epoch begins; Keras clears it after `on_train_begin`."""
        if self._history is not None:
            restore_history(self.model, self._history)
        self._history = None


def build_for_resume(model: Any, inputs: Structure) -> None:
    """Build a model that creates its variables with the first batch, so that their values can be restored.

    Args:
        model: A Keras model.
        inputs: Inputs of a training step.

    Raises:
        ResumeMismatch: The model does not accept the inputs.
    """
    try:
        create_variables(model, inputs)
    except Exception as error:
        raise ResumeMismatch(f"the model could not be built: {error}") from error
