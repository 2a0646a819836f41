"""The data set that a worker keeps in memory from one trial to the next."""

from __future__ import annotations

from typing import Any

from mnistsweep import data
from mnistsweep.data import Dataset
from mnistsweep.json_values import sorted_text


class DatasetCache:
    """Keeps the data set of the last trial: in most sweeps all trials use the same one."""

    def __init__(self) -> None:
        self._key: str | None = None
        self._dataset: Dataset | None = None

    def load(self, config: dict[str, Any]) -> Dataset:
        """Return the data set of a configuration; it is read only if the last one had another configuration.

        Args:
            config: Config group `data`.
        """
        key = sorted_text(config)
        if self._dataset is None or key != self._key:
            self._dataset = None  # frees the memory of the last data set before the next one is read
            self._dataset, self._key = data.load(config), key
        return self._dataset
