"""A trial of a sweep that trains a perceptron with numpy."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from perceptron import Perceptron


@dataclass(frozen=True)
class NumpyTraining:
    """A function of a trial, for `mnistsweep.sweep`.

    Attributes:
        data: Path of the ``.npz`` file of the data.
        validation: Number of validation examples: the last ones of ``x_train``.
        fixed: Values that are not searched, by name.
        repeated: Number of trials that are trained with a second seed too.
        direction: Direction of the objective, ``max`` or ``min``.
    """

    data: str
    validation: int
    fixed: Mapping[str, Any]
    repeated: int
    direction: str

    def __call__(self, trial: Any) -> float:
        """Train a trial; the curves of its seeds are in ``curves.json`` in its folder."""
        values = {**self.fixed, **trial.values}
        curves = list[list[dict[str, float]]]()
        for seed in (trial.seed, trial.seed + 1)[: 2 if trial.number < self.repeated else 1]:
            curves.append([])
            for row in self.epochs(values, seed):
                curves[-1].append(row)
                if len(curves) == 1:
                    trial.report(row["objective"], int(row["epoch"]))
        (trial.folder / "curves.json").write_text(json.dumps(curves), encoding="utf-8")
        best = min if self.direction == "min" else max
        return best((row["objective"] for row in curves[0]), default=math.nan)

    def epochs(self, values: Mapping[str, Any], seed: int) -> Iterator[dict[str, float]]:
        """Train with one seed, and yield a row for each epoch; a loss that is not finite ends the training.

        Args:
            values: Hyperparameters.
            seed: Seed of weights, order and dropout.
        """
        x, y, x_test, y_test = read(self.data)
        is_regression = y.dtype == np.float32
        model = Perceptron(values, x.shape[1], 1 if is_regression else 10, seed)
        count = len(x) - self.validation
        for epoch in range(1, int(values["epochs"]) + 1):
            began = time.process_time()
            with np.errstate(all="ignore"):  # a training may diverge
                loss = model.train_epoch(x[:count], y[:count])
                objective, validation_loss = model.evaluate(x[count:], y[count:])
                seconds = time.process_time() - began
                test_score, _ = model.evaluate(x_test, y_test)
            if not (math.isfinite(loss) and math.isfinite(validation_loss)):
                return
            yield {
                "epoch": epoch, "objective": objective, "val_loss": validation_loss, "loss": loss,
                "test_score": test_score, "processor_seconds": seconds,
            }  # fmt: skip


@lru_cache(maxsize=1)
def read(path: str) -> tuple[NDArray[Any], ...]:
    """Inputs, targets, and those of the test set; images as rows."""
    with np.load(path) as arrays:
        x, y, x_test, y_test = (arrays[name] for name in ("x_train", "y_train", "x_test", "y_test"))
    return x.reshape(len(x), -1), y, x_test.reshape(len(x_test), -1), y_test
