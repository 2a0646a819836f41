"""What happens at each epoch of a trial: one small Keras callback each.

Put `Ownership` and `FiniteGuard` first, so that no other callback records an epoch that is another worker's, or takes
one with NaN for a result; and `StopRequested` last, so that an epoch that has been trained is recorded before the trial
is interrupted. Epochs count from 1 wherever a user sees them.
"""

from __future__ import annotations

import csv
import io
import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import keras
from numpy.typing import NDArray

from mnistsweep.atomic import atomic_write
from mnistsweep.errors import ConfigError, TrialFailed, suggest
from mnistsweep.tensorboard import EventFile

Logs = Mapping[str, Any]
Direction = Literal["max", "min"]


class Interrupted(KeyboardInterrupt):
    """Training was asked to stop; what was trained can be continued later."""


class HistoryWriter(keras.callbacks.Callback):  # type: ignore[misc]
    """Writes the learning curves as CSV: ``epoch``, each metric, ``learning_rate``, ``seconds``; a row an epoch.

    A row is on disk as soon as its epoch ends. Numbers are written in full, so that they are read back exactly.
    ``seconds`` is the wall time of the epoch with its evaluation. Where training is continued, rows of epochs that are
    trained again are dropped. The columns are those of the first epoch.

    Args:
        path: The CSV file.
        clock: Tells the time in seconds.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.perf_counter) -> None:
        super().__init__()
        self._path = path
        self._clock = clock
        self._columns: list[str] = []
        self._began = 0.0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forget the columns of an earlier training."""
        self._columns = []

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Start the clock; before the first epoch, drop rows that it makes obsolete."""
        if not self._columns:
            self._columns = self._keep_rows(epoch)
        self._began = self._clock()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Append a row."""
        row = {"epoch": epoch + 1, **(logs or {})}
        row["learning_rate"] = row.pop("learning_rate", _learning_rate(self.model))
        row["seconds"] = self._clock() - self._began
        fresh = not self._columns
        if fresh:
            self._columns = list(row)
            self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("w" if fresh else "a", encoding="utf-8", newline="") as file:
            file.write(_csv([row], self._columns, header=fresh))

    def _keep_rows(self, epoch: int) -> list[str]:
        """Keep the rows of the first `epoch` epochs, and return the columns if there are any."""
        text = self._path.read_text(encoding="utf-8") if epoch and self._path.exists() else ""
        whole = text[: text.rfind("\n") + 1]  # a process may have died while it wrote the last line
        reader = csv.DictReader(io.StringIO(whole))
        rows = [row for row in reader if int(row["epoch"]) <= epoch]
        if not rows:
            return []
        columns = list(reader.fieldnames or ())
        with atomic_write(self._path) as part:
            part.write_text(_csv(rows, columns, header=True), encoding="utf-8", newline="")
        return columns


class Ownership(keras.callbacks.Callback):  # type: ignore[misc]
    """Sees that the trial is still this worker's before anything of a finished epoch is written; stands first.

    Args:
        verify: Raises `LeaseLost` where it is another's.
    """

    def __init__(self, verify: Callable[[], None]) -> None:
        super().__init__()
        self._verify = verify

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Ask."""
        self._verify()


class FiniteGuard(keras.callbacks.Callback):  # type: ignore[misc]
    """Fails the trial as soon as its loss, or any metric of a finished epoch, is NaN or infinite.

    The running mean of the loss cannot recover from NaN, so it is looked at during the epoch too.

    Args:
        objective: The metric that is searched for; its absence is an error that names the nearest.
    """

    def __init__(self, objective: str) -> None:
        super().__init__()
        self._objective = objective
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Remember the epoch for the message."""
        self._epoch = epoch + 1

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Look at the loss."""
        self._check({"loss": (logs or {}).get("loss", 0.0)})

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Look at every metric."""
        logs = logs or {}
        self._check({name: logs[name] for name in sorted(logs, key=lambda name: name != "loss")})
        _value(logs, self._objective)

    def _check(self, logs: Logs) -> None:
        for name, value in logs.items():
            if isinstance(value, int | float) and not math.isfinite(value):
                raise TrialFailed(f"{name} became {value} in epoch {self._epoch}")


class BestWeights(keras.callbacks.Callback):  # type: ignore[misc]
    """Keeps the best value of the objective, its epoch, and the model's weights then; of equal epochs the first.

    `value`, `epoch` and `weights` are open, so that a trial that is continued can put back what it knew.

    Args:
        objective: A metric in the logs, for example ``val_accuracy``.
        direction: Whether the largest value is the best (``max``) or the smallest (``min``).

    Raises:
        ConfigError: The direction is neither.
    """

    def __init__(self, objective: str, direction: Direction) -> None:
        super().__init__()
        if direction not in ("max", "min"):
            raise ConfigError(f"direction: must be 'max' or 'min', received {direction!r}")
        self._objective = objective
        self._sign = 1 if direction == "max" else -1
        self.value: float | None = None
        self.epoch: int | None = None
        self.weights: list[NDArray[Any]] | None = None

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Copy the weights if this epoch is better than all before."""
        value = _value(logs or {}, self._objective)
        if self.value is None or self._sign * value > self._sign * self.value:
            self.value, self.epoch, self.weights = value, epoch + 1, self.model.get_weights()

    def restore(self, model: Any) -> None:
        """Give a model the weights of the best epoch.

        Args:
            model: The model that was trained, or another of the same architecture.

        Raises:
            TrialFailed: No epoch was finished.
        """
        if self.weights is None:
            raise TrialFailed("no epoch was finished, so there are no best weights")
        model.set_weights(self.weights)


class Reporter(keras.callbacks.Callback):  # type: ignore[misc]
    """Reports the objective after each epoch, and stops training where the answer is to prune.

    Args:
        report: Takes the epoch (from 1) and the value, and returns whether to prune.
        objective: A metric in the logs.

    Attributes:
        pruned_at: The epoch after which training was pruned, or None.
    """

    def __init__(self, report: Callable[[int, float], bool], objective: str) -> None:
        super().__init__()
        self._report = report
        self._objective = objective
        self.pruned_at: int | None = None

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Report."""
        if self._report(epoch + 1, _value(logs or {}, self._objective)):
            self.pruned_at = epoch + 1
            self.model.stop_training = True


class StopRequested(keras.callbacks.Callback):  # type: ignore[misc]
    """Interrupts training when it is asked to, after a block of batches or an epoch.

    Args:
        should_stop: Asked several times a second; must be quick.
    """

    def __init__(self, should_stop: Callable[[], bool]) -> None:
        super().__init__()
        self._should_stop = should_stop

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Ask."""
        self._ask()

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Ask."""
        self._ask()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Ask."""
        self._ask()

    def _ask(self) -> None:
        if self._should_stop():
            raise Interrupted("training was asked to stop")


class TensorBoardLogger(keras.callbacks.Callback):  # type: ignore[misc]
    """Writes the curves for TensorBoard, without TensorFlow, under the tags that Keras's own callback uses.

    ``epoch_loss``, ``epoch_accuracy``, ... and ``epoch_learning_rate`` go to ``train/``; those of the validation split
    have the same tags in ``validation/``, so that both are drawn in one chart. Steps are epochs from 1.

    Args:
        folder: The trial's folder.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self._files: dict[str, EventFile] = {}

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Begin new files."""
        self._files = {}

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Append a point to each curve."""
        logs = {"learning_rate": _learning_rate(self.model), **(logs or {})}
        for run, prefix in (("train", ""), ("validation", "val_")):
            names = [name for name in logs if name.startswith("val_") == bool(prefix)]
            values = {f"epoch_{name.removeprefix(prefix)}": logs[name] for name in names}
            if values:
                self._file(run, epoch + 1).add_scalars(values, epoch + 1)

    def _file(self, run: str, step: int) -> EventFile:
        """Open a run's file; what an interrupted training wrote from this step on is void."""
        if run not in self._files:
            self._files[run] = EventFile(self._folder / run)
            self._files[run].restart(step)
        return self._files[run]


def _value(logs: Logs, objective: str) -> float:
    """Look up the objective."""
    if objective not in logs:
        raise ConfigError(f"objective: the model does not measure {objective!r}; {suggest(objective, logs)}")
    return float(logs[objective])


def _learning_rate(model: Any) -> float:
    """Read the learning rate now, also where a schedule sets it; NaN without an optimizer."""
    rate = getattr(model.optimizer, "learning_rate", math.nan)
    return float(rate.numpy() if isinstance(rate, keras.Variable) else keras.ops.convert_to_numpy(rate))


def _csv(rows: list[dict[str, Any]], columns: list[str], header: bool) -> str:
    """Format rows; a column that a row lacks is empty, one that it adds is left out."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns, extrasaction="ignore", lineterminator="\n")
    if header:
        writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()
