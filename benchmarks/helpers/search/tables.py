"""Tables of recorded learning curves; `benchmarks/curves/README.md` describes the files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mnistsweep.search.freeze_thaw.encoding import Encoder
from mnistsweep.space import Point, SearchSpace

FOLDER = Path(__file__).resolve().parents[2] / "curves"

Array = NDArray[np.float32]


@dataclass(frozen=True)
class RecordedSpace(SearchSpace):
    """A search space whose only points are the recorded ones.

    An oracle that lists the points of a finite space lists these, and a random point is the nearest one of them.

    Attributes:
        points: Recorded configurations.
    """

    points: tuple[Point, ...] = ()

    def size(self) -> int | None:
        """Number of recorded configurations."""
        return len(self.points)

    def grid(self) -> Iterator[Point]:
        """The recorded configurations."""
        return iter(self.points)

    def point_at(self, units: Sequence[float]) -> Point:
        """The recorded configuration nearest to a position in the unit cube."""
        return self.points[int(self.distances(super().point_at(units)).argmin())]

    @cached_property
    def _encoder(self) -> Encoder:
        return Encoder(self)

    @cached_property
    def _encoded(self) -> NDArray[np.float64]:
        return self._encoder.rows(self.points)

    def distances(self, point: Point) -> NDArray[np.float64]:
        """Squared distances of a point to the configurations.

        Numbers are positions in [0, 1] (logarithmic where the dimension is, ranks in a choice of numbers); categories
        that differ, and a dimension that is active in only one of the two points, count 1.
        """
        differences = self._encoded - self._encoder.rows([point])[0]
        return np.where(self._encoder.is_category, differences != 0, differences**2).sum(axis=1)


@dataclass(frozen=True)
class Table:
    """Recorded configurations with the curves of one or two seeds each.

    Attributes:
        name: Name of the table.
        objective: Name of the objective.
        direction: Direction of the objective and of the test score: ``max`` or ``min``.
        space: Recorded configurations, and the dimensions in which they were drawn.
        max_epochs: Number of epochs of the whole training of each configuration.
        seeds: Number of recorded seeds of each configuration.
        values: Objective of shape (configurations, 2, epochs); NaN after a training diverged or ended.
        test_scores: Score on the test set, of the same shape.
        seconds: Processor time of each epoch in seconds, of the same shape.
    """

    name: str
    objective: str
    direction: str
    space: RecordedSpace
    max_epochs: tuple[int, ...]
    seeds: NDArray[np.int8]
    values: Array
    test_scores: Array
    seconds: Array

    @classmethod
    def read(cls, name: str, folder: Path = FOLDER) -> Table:
        """Read a table by its name."""
        record = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        dimensions = SearchSpace.from_json(record["space"]).dimensions
        space = RecordedSpace(dimensions, tuple(record["points"]))
        with np.load(folder / f"{name}.npz") as arrays:
            return cls(
                name, record["objective"], record["direction"], space,
                tuple(int(epochs) for epochs in arrays["max_epochs"]), arrays["seeds"], arrays["objective"],
                arrays["test_score"], arrays["seconds"],
            )  # fmt: skip

    def __len__(self) -> int:
        return len(self.max_epochs)

    @property
    def points(self) -> tuple[Point, ...]:
        """Recorded configurations."""
        return self.space.points

    def first(self, count: int) -> Table:
        """Table of the first configurations alone."""
        space = RecordedSpace(self.space.dimensions, self.points[:count])
        return replace(
            self, space=space, max_epochs=self.max_epochs[:count], seeds=self.seeds[:count],
            values=self.values[:count], test_scores=self.test_scores[:count], seconds=self.seconds[:count],
        )  # fmt: skip

    @property
    def sign(self) -> int:
        """1 where larger is better, else -1."""
        return 1 if self.direction == "max" else -1

    @cached_property
    def typical_seconds(self) -> float:
        """Mean processor time of an epoch in seconds."""
        return float(np.nanmean(self.seconds))

    @cached_property
    def quality(self) -> Array:
        """Mean test score over the seeds, of shape (configurations, epochs); NaN where no seed has the epoch."""
        known = np.isfinite(self.test_scores)
        total = np.where(known, self.test_scores, 0).sum(axis=1)
        return np.where(known.any(axis=1), total / np.maximum(known.sum(axis=1), 1), np.nan).astype(np.float32)

    @cached_property
    def _mean_gains(self) -> NDArray[np.float64]:
        """Mean objective over the seeds, larger is better, ``(configurations, epochs)``; minus infinity: none known."""
        known = np.isfinite(self.values)
        means = np.where(known, self.sign * self.values, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
        return np.where(known.any(axis=1), means, -np.inf)

    @cached_property
    def _best(self) -> tuple[int, int]:
        """Best configuration by its quality at the epoch at which its mean objective is best, and this epoch."""
        epochs = self._mean_gains.argmax(axis=1)
        best = int(np.nanargmax(self.sign * self.quality[np.arange(len(self)), epochs]))
        return best, int(epochs[best])

    @property
    def best_quality(self) -> float:
        """Quality of the best configuration."""
        return float(self.quality[self._best])

    @property
    def early_rank_of_best(self) -> int:
        """Rank of the best configuration by its mean objective after one epoch, from 1."""
        first = self._mean_gains[:, 0]
        return 1 + int((first > first[self._best[0]]).sum())

    def drawn_seeds(self, seed: int) -> NDArray[np.int64]:
        """Recorded seed of each configuration in one simulated search: the same for all methods."""
        return np.random.default_rng([seed, 17]).integers(self.seeds)


def available(folder: Path = FOLDER) -> list[str]:
    """Names of the tables in a folder."""
    return sorted(path.stem for path in folder.glob("*.npz"))
