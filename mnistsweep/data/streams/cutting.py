"""Validation data taken from a training stream: the elements at one of its ends."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mnistsweep.data.settings import Settings
from mnistsweep.data.streams.scan import Scan, scan
from mnistsweep.data.streams.sources import Source
from mnistsweep.data.streams.stream import Stream
from mnistsweep.errors import ConfigError, DataError

RETURN_THREE = "return (train, validation, test) from the loader"
"""Advice of messages about a missing validation part."""


@dataclass(frozen=True)
class Cut:
    """Where a stream is cut in two. An element is a batch, or an example of a dataset without batches.

    Attributes:
        size: Number of elements of the stream.
        count: Number of validation elements.
        is_last: Whether they are the last ones.
    """

    size: int
    count: int
    is_last: bool

    def apply(self, source: Source) -> tuple[Source, Source]:
        """The training and the validation part of a dataset.

        Args:
            source: Dataset.

        Raises:
            DataError: The dataset has no order in which parts can be taken.
        """
        if self.is_last:
            return source.part(0, self.size - self.count), source.part(self.size - self.count, self.size)
        return source.part(self.count, self.size), source.part(0, self.count)


def cut_stream(source: Source, settings: Settings) -> tuple[Cut, Stream, Stream]:
    """Take the validation part from a training stream.

    It is allowed only where two complete passes deliver the same examples in the same order: otherwise an example would
    be in the training part of one epoch and in the validation part of another.

    Args:
        source: Dataset.
        settings: Settings, of which ``validation`` and ``validation_from`` are used.

    Returns:
        The cut, the training stream and the validation stream.

    Raises:
        ConfigError: ``data.validation`` leaves one part empty.
        DataError: The stream never ends, or has another order at each pass.
    """
    rule = f"data.validation: the loader returns no validation data, and its {source.kind} of training data"
    if source.is_infinite:
        raise DataError(f"{rule} never ends; {RETURN_THREE} ({settings.source})")
    whole = scan(source, "training", settings.source)
    cut = _find_cut(whole, source.is_batched, settings)
    first_part, second_part = cut.apply(source)
    train, validation = (
        Stream(part, scan(part, side, settings.source))
        for part, side in ((first_part, "training"), (second_part, "validation"))
    )
    in_order = [train, validation] if cut.is_last else [validation, train]
    if np.concatenate([stream.scan.digests for stream in in_order]).tolist() != whole.digests.tolist():
        raise DataError(
            f"{rule} has another order or other values at each pass, so that the two would mix; {RETURN_THREE}"
            f"{_advice(settings)} ({settings.source})"
        )
    return cut, train, validation


def _find_cut(whole: Scan, is_batched: bool, settings: Settings) -> Cut:
    size = whole.num_batches if is_batched else whole.num_examples
    wanted = settings.validation
    if isinstance(wanted, float):
        count = round(wanted * size)
    else:
        count = math.ceil(wanted / whole.batch_size) if is_batched else wanted
    if not 1 <= count < size:
        unit = f"batches of {whole.batch_size} examples" if is_batched else "examples"
        raise ConfigError(
            f"data.validation={wanted} leaves one side empty: {count} of the {size} {unit} would validate "
            f"({settings.source}); use a smaller number, or a fraction, or {RETURN_THREE}"
        )
    return Cut(size, count, settings.validation_from == "last")


def _advice(settings: Settings) -> str:
    is_folder = settings.loader.endswith("_dataset_from_directory")
    return ", or add +data.subset=both +data.validation_split=0.2 +data.seed=0" if is_folder else ""
