"""Parts, joins and conversions of a `keras.utils.PyDataset`. Imports Keras."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras


class _Wrapper(keras.utils.PyDataset):  # type: ignore[misc]
    """A dataset made of others; it loads batches with as many threads or processes as the first of them."""

    def __init__(self, *datasets: Any) -> None:
        first = datasets[0]
        super().__init__(first.workers, first.use_multiprocessing, first.max_queue_size)
        self._datasets = datasets

    def on_epoch_begin(self) -> None:
        """Forward the event."""
        for dataset in self._datasets:
            dataset.on_epoch_begin()

    def on_epoch_end(self) -> None:
        """Forward the event."""
        for dataset in self._datasets:
            dataset.on_epoch_end()


class Part(_Wrapper):
    """Consecutive batches of a dataset.

    Args:
        dataset: Dataset.
        start: Number of the first batch.
        stop: Number after the last batch.
    """

    def __init__(self, dataset: Any, start: int, stop: int) -> None:
        super().__init__(dataset)
        self._start, self._stop = start, stop

    @property
    def num_batches(self) -> int:
        """Number of batches."""
        return self._stop - self._start

    def __getitem__(self, index: int) -> Any:
        return self._datasets[0][self._start + index]


class Joined(_Wrapper):
    """The batches of one dataset, then those of another.

    Args:
        first: Dataset.
        second: Another one.
    """

    def __init__(self, first: Any, second: Any) -> None:
        super().__init__(first, second)

    @property
    def num_batches(self) -> int:
        """Number of batches."""
        return int(self._datasets[0].num_batches + self._datasets[1].num_batches)

    def __getitem__(self, index: int) -> Any:
        first, second = self._datasets
        return first[index] if index < first.num_batches else second[index - first.num_batches]


class Converted(_Wrapper):
    """A dataset with a conversion of each batch.

    Args:
        dataset: Dataset.
        convert: Function from a batch to a batch.
    """

    def __init__(self, dataset: Any, convert: Callable[[Any], Any]) -> None:
        super().__init__(dataset)
        self._convert = convert

    @property
    def num_batches(self) -> int | None:
        """Number of batches; None: infinite."""
        count: int | None = self._datasets[0].num_batches
        return count

    def __getitem__(self, index: int) -> Any:
        return self._convert(self._datasets[0][index])
