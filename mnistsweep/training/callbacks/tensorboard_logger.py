"""Learning curves for TensorBoard."""

from __future__ import annotations

from pathlib import Path

import keras

from mnistsweep.tensorboard import EventFile
from mnistsweep.training.callbacks.epoch_snapshot import EpochSnapshot, epoch_learning_rate
from mnistsweep.training.callbacks.logs import Logs, numbers_in


class TensorBoardLogger(keras.callbacks.Callback):  # type: ignore[misc]
    """Writes the learning curves for TensorBoard, without TensorFlow, under the tags of Keras's own callback.

    ``epoch_loss``, ``epoch_accuracy``, ... and ``epoch_learning_rate`` go to ``train/``. The curves of the validation
    split have the same tags in ``validation/``, so that TensorBoard draws both in one chart. Steps are epochs from 1.

    Args:
        folder: Folder of the trial.
        snapshot: Callback with the learning rate of the epoch, where callbacks before this one may have changed it.
    """

    def __init__(self, folder: Path, snapshot: EpochSnapshot | None = None) -> None:
        super().__init__()
        self._snapshot = snapshot
        self._folder = folder
        self._files: dict[str, EventFile] = {}

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Start new files."""
        self._files = {}

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Append a point to each curve."""
        rate = epoch_learning_rate(self.model, self._snapshot)
        self.write(epoch + 1, {"learning_rate": rate, **numbers_in(logs or {})})

    def write(self, step: int, logs: Logs) -> None:
        """Append a point to some curves.

        Args:
            step: Number of the epoch, from 1.
            logs: Values by the name of the metric.
        """
        for run, prefix in (("train", ""), ("validation", "val_")):
            names = [name for name in logs if name.startswith("val_") == bool(prefix)]
            values = {f"epoch_{name.removeprefix(prefix)}": logs[name] for name in names}
            if values:
                self._file(run, step).add_scalars(values, step)

    def _file(self, run: str, step: int) -> EventFile:
        """Return the event file of a run; a new file invalidates what an interrupted training wrote from `step` on."""
        if run not in self._files:
            self._files[run] = EventFile(self._folder / run)
            self._files[run].discard_from(step)
        return self._files[run]
