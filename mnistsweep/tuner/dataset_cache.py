"""The data set that a worker keeps in memory from one trial to the next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mnistsweep import data
from mnistsweep.data import Dataset
from mnistsweep.data.settings import have_same_source
from mnistsweep.errors import StudyError
from mnistsweep.json_values import exact_text


class DatasetCache:
    """Keeps the data set of the last trial: in most sweeps all trials use the same one.

    Args:
        sweep_data: Config group `data` of the sweep; None: nothing is compared.
        checksum: Checksum of its training data at the start of the sweep.
    """

    def __init__(self, sweep_data: Mapping[str, Any] | None = None, checksum: str = "") -> None:
        self._sweep_data = sweep_data
        self._checksum = checksum
        self._key: str | None = None
        self._dataset: Dataset | None = None

    def load(self, config: dict[str, Any]) -> Dataset:
        """Return the data set of a configuration; it is read only if the last one had another configuration.

        Args:
            config: Config group `data`.

        Raises:
            StudyError: The source returned other training data than at the start of the sweep.
        """
        key = exact_text(config)
        if not self.holds(config):
            self._dataset = None  # frees the memory of the last data set before the next one is read
            dataset = data.load(config)
            self._check(config, dataset)
            self._dataset, self._key = dataset, key
        assert self._dataset is not None
        return self._dataset

    def holds(self, config: dict[str, Any]) -> bool:
        """Whether `load` returns the data set of a configuration without reading it.

        Args:
            config: Config group `data`.
        """
        return self._dataset is not None and exact_text(config) == self._key

    def _check(self, config: Mapping[str, Any], dataset: Dataset) -> None:
        if self._sweep_data is None or not have_same_source(config, self._sweep_data):
            return
        if dataset.checksum != self._checksum:
            raise StudyError(
                f"data: {config.get('_target_')} returned other training data than at the start of the sweep (checksum "
                f"{self._checksum} then, {dataset.checksum} now). Trials on different data cannot be compared; a "
                "loader that shuffles or splits at random needs a fixed seed."
            )
