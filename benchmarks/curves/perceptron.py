"""A perceptron trained with numpy alone, one epoch at a time: three of the tables are recorded with it.

Small networks on one core spend most of a Keras trial in tracing. This needs a quarter of the time, and has the parts
on which learning curves depend: mini-batches, dropout, momentum, Adam, RMSprop, a cosine schedule. As in Keras, kernels
begin with Glorot's uniform distribution, and Adam and RMSprop have Keras's defaults.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


class Perceptron:
    """A perceptron with its optimizer.

    Args:
        values: ``dense_layers``, ``layer_size``, ``activation`` (relu, tanh or silu), ``dropout``, ``batch_size``,
            ``optimizer`` (sgd, adam or rmsprop), ``learning_rate``, and perhaps ``momentum`` and ``nesterov`` (sgd);
            with ``cosine``, also ``epochs`` and ``warmup_epochs``.
        inputs: Number of inputs.
        outputs: Number of classes; 1 for a regression.
        seed: Seed of weights, order and dropout.
    """

    def __init__(self, values: Mapping[str, Any], inputs: int, outputs: int, seed: int) -> None:
        self.values = values
        self._rng = np.random.default_rng(seed)
        self._is_regression = outputs == 1
        widths = [inputs, *[int(values["layer_size"])] * int(values["dense_layers"]), outputs]
        self._parameters = list[Array]()
        for before, after in itertools.pairwise(widths):
            limit = math.sqrt(6 / (before + after))
            self._parameters.append(self._rng.uniform(-limit, limit, (before, after)).astype(np.float32))
            self._parameters.append(np.zeros(after, np.float32))
        self._first = [np.zeros_like(one) for one in self._parameters]
        self._second = [np.zeros_like(one) for one in self._parameters]
        self._steps = 0

    def train_epoch(self, x: Array, y: NDArray[Any]) -> float:
        """Train on every example once, in random order; return the mean loss of the batches."""
        size, losses = int(self.values["batch_size"]), []
        order = self._rng.permutation(len(x))
        for start in range(0, len(x), size):
            batch = order[start : start + size]
            loss, gradients = self._gradients(x[batch], y[batch])
            losses.append(loss)
            if not math.isfinite(loss):
                break
            self._update(gradients, math.ceil(len(x) / size))
        return float(np.mean(losses))

    def evaluate(self, x: Array, y: NDArray[Any]) -> tuple[float, float]:
        """Accuracy and cross-entropy; for a regression, the mean squared error twice."""
        hidden = x
        for layer in range(0, len(self._parameters) - 2, 2):
            hidden = self._activate(hidden @ self._parameters[layer] + self._parameters[layer + 1])[0]
        outputs = hidden @ self._parameters[-2] + self._parameters[-1]
        loss, _ = self._loss(outputs, y)
        return (loss if self._is_regression else float(np.mean(outputs.argmax(axis=1) == y))), loss

    def _gradients(self, x: Array, y: NDArray[Any]) -> tuple[float, Sequence[Array]]:
        """Loss of a batch, and its gradient by each parameter (backpropagation)."""
        inputs, slopes, dropout = [x], [], float(self.values["dropout"])
        for layer in range(0, len(self._parameters) - 2, 2):
            value, slope = self._activate(inputs[-1] @ self._parameters[layer] + self._parameters[layer + 1])
            if dropout:
                kept = (self._rng.random(value.shape, np.float32) >= dropout) * np.float32(1 / (1 - dropout))
                value, slope = value * kept, slope * kept
            inputs.append(value)
            slopes.append(slope)
        loss, error = self._loss(inputs[-1] @ self._parameters[-2] + self._parameters[-1], y)
        gradients = list[Array]()
        for layer in range(len(self._parameters) - 2, -1, -2):
            gradients[:0] = [inputs[layer // 2].T @ error, error.sum(axis=0)]
            if layer:
                error = (error @ self._parameters[layer].T) * slopes[layer // 2 - 1]
        return loss, gradients

    def _activate(self, z: Array) -> tuple[Array, Array]:
        """Activation and its slope."""
        if self.values["activation"] == "relu":
            return np.maximum(z, 0), (z > 0).astype(np.float32)
        if self.values["activation"] == "tanh":
            value = np.tanh(z)
            return value, 1 - value * value
        gate = 0.5 * (1 + np.tanh(0.5 * z))
        return z * gate, gate * (1 + z * (1 - gate))

    def _loss(self, outputs: Array, y: NDArray[Any]) -> tuple[float, Array]:
        """Mean loss, and its gradient by the outputs: cross-entropy of a softmax, or the squared error."""
        if self._is_regression:
            error = outputs[:, 0] - y
            return float(np.mean(error * error)), (2 / len(y) * error)[:, np.newaxis]
        shifted = outputs - outputs.max(axis=1, keepdims=True)
        log_sum = np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        log_probabilities, rows = shifted - log_sum, np.arange(len(y))
        error = np.exp(log_probabilities)
        error[rows, y] -= 1
        return -float(np.mean(log_probabilities[rows, y])), error / np.float32(len(y))

    def _update(self, gradients: Sequence[Array], steps_per_epoch: int) -> None:
        """One step of the optimizer."""
        rate = float(self.values["learning_rate"]) * self._schedule(steps_per_epoch)
        self._steps += 1
        step = {"sgd": self._sgd, "adam": self._adam, "rmsprop": self._rmsprop}[self.values["optimizer"]]
        for index, gradient in enumerate(gradients):
            step(rate, index, gradient)

    def _sgd(self, rate: float, index: int, gradient: Array) -> None:
        momentum, velocity = np.float32(self.values.get("momentum", 0.0)), self._first[index]
        velocity *= momentum
        velocity -= np.float32(rate) * gradient
        ahead = self.values.get("nesterov", False)
        self._parameters[index] += momentum * velocity - np.float32(rate) * gradient if ahead else velocity

    def _adam(self, rate: float, index: int, gradient: Array) -> None:
        first, second = self._first[index], self._second[index]
        first += np.float32(0.1) * (gradient - first)
        second += np.float32(0.001) * (gradient * gradient - second)
        corrected = rate * math.sqrt(1 - 0.999**self._steps) / (1 - 0.9**self._steps)
        self._parameters[index] -= np.float32(corrected) * first / (np.sqrt(second) + np.float32(1e-7))

    def _rmsprop(self, rate: float, index: int, gradient: Array) -> None:
        second = self._second[index]
        second += np.float32(0.1) * (gradient * gradient - second)
        self._parameters[index] -= np.float32(rate) * gradient / np.sqrt(second + np.float32(1e-7))

    def _schedule(self, steps_per_epoch: int) -> float:
        """Factor of the learning rate: linear up, then half a cosine down.

        It is that of ``schedule=cosine``, except that the warm-up is one step ahead: its first step is not 0.
        """
        if not self.values.get("cosine"):
            return 1.0
        total = steps_per_epoch * int(self.values["epochs"])
        warmup = round(steps_per_epoch * float(self.values["warmup_epochs"]))
        if self._steps < warmup:
            return (self._steps + 1) / warmup
        return 0.5 * (1 + math.cos(math.pi * (self._steps - warmup) / (total - warmup)))
