"""Made-up learning curves with known truth, and a simulation of one or more workers that train them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mnistsweep.dimensions import Choice, Condition, Float, Int
from mnistsweep.search.scheduler import Continue, Curve, Job, Phase, Scheduler, SearchView, Start
from mnistsweep.space import Point, SearchSpace, canonical

# Perceptrons: the best learning rate depends on the optimizer, the wide ones are slow, high rates diverge.
PERCEPTRONS = SearchSpace(
    (
        Choice("optimizer", ("adam", "sgd")),
        Float("optimizer.momentum", 0.0, 0.95, conditions=(Condition("optimizer", ("sgd",)),)),
        Float("optimizer.learning_rate", 1e-4, 1.0, log=True),
        Choice("model.layer_size", (16, 32, 64, 128, 256)),
        Int("model.dense_layers", 1, 4),
        Float("model.dropout", 0.0, 0.6),
    )
)

# 4 x 3 x 4 x 4 = 192 configurations.
GRID = SearchSpace(
    (
        Choice("optimizer", ("adam", "sgd", "rmsprop", "nadam")),
        Choice("trainer.batch_size", (32, 128, 512)),
        Choice("model.filters", (8, 16, 32, 64)),
        Choice("model.dropout", (0.0, 0.2, 0.4, 0.6)),
    )
)


@dataclass
class Task:
    """A search problem: the true error of a point after each epoch, and what a training measures.

    Args:
        space: Space of the points.
        max_epochs: Epochs of the whole training.
        final_and_speed: Final error, and epochs within which most of the error goes, of a point.
        seed: Seed of the noise.
        noise: Standard deviation of the logarithm of a measured error.
    """

    space: SearchSpace
    max_epochs: int
    final_and_speed: Callable[[Point], tuple[float, float]]
    seed: int = 0
    noise: float = 0.04

    def true_curve(self, point: Point) -> np.ndarray[Any, Any]:
        """Error after epochs 1, 2, ... without noise; NaN where the training diverged."""
        final, speed = self.final_and_speed(point)
        epochs = np.arange(1, self.max_epochs + 1)
        return final + (0.9 - final) * (1 + epochs / speed) ** -1.5

    def epochs_of(self, point: Point) -> int:
        """Epochs of the whole training of a point."""
        return self.max_epochs

    def measured(self, point: Point) -> np.ndarray[Any, Any]:
        """Accuracy on the validation set after each epoch; the same each time."""
        rng = np.random.default_rng([self.seed, *canonical(point).encode()])
        own = rng.normal(0, 0.03)
        noise = rng.normal(0, self.noise, self.max_epochs)
        return 1 - np.minimum(self.true_curve(point) * np.exp(own + noise), 0.95)


def perceptron(point: Mapping[str, Any]) -> tuple[float, float]:
    """Final error and speed of a point of `PERCEPTRONS`; above the best learning rate a training soon diverges."""
    momentum = point.get("optimizer.momentum", 0.0)
    best = -3.0 if point["optimizer"] == "adam" else -0.7 + math.log10(1.02 - momentum)
    away = math.log10(point["optimizer.learning_rate"]) - best
    width = math.log2(point["model.layer_size"])
    if away > 1.1:
        return 0.88, 0.3
    dropout = point["model.dropout"]
    final = 0.016 * math.exp(0.5 * away**2 + 0.12 * (8 - width) + 0.1 * (point["model.dense_layers"] - 2.5) ** 2)
    final *= math.exp(1.2 * (dropout - 0.3) ** 2 * 4 - 0.1 * (point["optimizer"] == "sgd"))
    speed = 0.25 * math.exp(-0.8 * min(away, 0.5) + 1.5 * dropout)
    return min(final, 0.85), speed


def classifier(point: Mapping[str, Any]) -> tuple[float, float]:
    """Final error and speed of a point of `GRID`: the regularized large ones start slowly and end best."""
    optimizer = {"adam": 0.0, "sgd": 0.25, "rmsprop": 0.05, "nadam": 0.02}[point["optimizer"]]
    batch = math.log2(point["trainer.batch_size"] / 32)
    filters = math.log2(point["model.filters"])
    final = 0.006 * math.exp(optimizer + 0.06 * batch + 0.12 * (6 - filters) + 3 * (point["model.dropout"] - 0.4) ** 2)
    speed = 0.06 * math.exp(0.35 * batch + 2.0 * point["model.dropout"] + 3 * optimizer)
    return final, speed


def perceptrons(seed: int = 0, max_epochs: int = 24) -> Task:
    return Task(PERCEPTRONS, max_epochs, perceptron, seed)


def classifiers(seed: int = 0, max_epochs: int = 16) -> Task:
    return Task(GRID, max_epochs, classifier, seed)


@dataclass
class Simulation:
    """Trials that jobs of a scheduler train; each epoch takes one unit of time.

    Args:
        task: Problem to search.
        scheduler: Scheduler under test.
        workers: Number of workers that train at the same time.
        trials: Budget of trials; None: no limit.
        epochs: Budget of epochs; None: no limit.
    """

    task: Task
    scheduler: Scheduler
    workers: int = 1
    trials: int | None = None
    epochs: int | None = None
    curves: list[Curve] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    spent: int = 0
    granted: int = 0

    def view(self) -> SearchView:
        may_start = self.trials is None or len(self.curves) < self.trials
        left = None if self.epochs is None else self.epochs - self.granted
        return SearchView(tuple(self.curves), may_start=may_start, epochs_left=left)

    def run(self, max_jobs: int = 100_000) -> list[Job]:
        """Work until no job is left, or for a number of jobs; return the jobs in order."""
        running: list[tuple[int, int]] = []  # time of the end, number of the trial
        now = 0
        while len(self.jobs) < max_jobs:
            while len(running) < self.workers and (job := self._next()) is not None:
                number, epochs = self._begin(job)
                running.append((now + epochs, number))
            if not running:
                break
            running.sort()
            now, number = running.pop(0)
            self._end(number)
        for _, number in running:
            self._end(number)
        return self.jobs

    def _next(self) -> Job | None:
        view = self.view()
        if view.epochs_left is not None and view.epochs_left <= 0:
            return None
        self.scheduler.prepare(view)
        return self.scheduler.next_job(view, None)  # type: ignore[arg-type]

    def _begin(self, job: Job) -> tuple[int, int]:
        self.jobs.append(job)
        if isinstance(job, Start):
            number, done = len(self.curves), 0
            self.curves.append(
                Curve(number, job.proposal.point, Phase.RUNNING, self.task.epochs_of(job.proposal.point))
            )
        else:
            number, done = job.number, self.curves[job.number].epochs
        old = self.curves[number]
        assert isinstance(job, Start) or old.phase is Phase.PAUSED, (job, old.phase)
        until = min(job.until, old.max_epochs)
        assert until > done, job
        self.curves[number] = Curve(number, old.point, Phase.RUNNING, old.max_epochs, old.values, until)
        self.granted += until - done
        assert self.epochs is None or self.granted <= self.epochs, "more epochs than the budget"
        return number, until - done

    def _end(self, number: int) -> None:
        old = self.curves[number]
        self.spent += old.until - old.epochs
        values = dict(enumerate(self.task.measured(old.point)[: old.until].tolist(), start=1))
        phase = Phase.ENDED if old.until >= old.max_epochs else Phase.PAUSED
        self.curves[number] = Curve(number, old.point, phase, old.max_epochs, values, old.until)

    def best_true_error(self) -> float:
        """True error of the configuration with the best measured epoch, at that epoch."""
        best = max(self.curves, key=lambda curve: max(curve.values.values(), default=-1.0))
        epoch = max(best.values, key=lambda e: (best.values[e], -e))
        return float(self.task.true_curve(best.point)[epoch - 1])


__all__ = ["GRID", "PERCEPTRONS", "Continue", "Simulation", "Task", "classifiers", "perceptrons"]
