"""From what a loader returned to the streams of a data set."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Any

from mnistsweep.data.augmentation import Augmentation
from mnistsweep.data.examples import Examples
from mnistsweep.data.parts import Parts, convert_part
from mnistsweep.data.settings import Settings
from mnistsweep.data.streams.cutting import RETURN_THREE, Cut, cut_stream
from mnistsweep.data.streams.scan import scan
from mnistsweep.data.streams.sources import is_dataset, open_source
from mnistsweep.data.streams.stream import Stream
from mnistsweep.data.structure import Structure, example_shapes, map_leaves
from mnistsweep.data.task import PossibleTasks, possible_tasks
from mnistsweep.errors import ConfigError, DataError

_IN_LOADER = "do it in the loader (dataset.map), or with a layer of the model"


@dataclass(frozen=True, eq=False)
class Streams:
    """The training stream, and the validation part, which streams or is in memory.

    Attributes:
        train: Training stream.
        validation: Validation part.
        cut: Where the validation part was cut off the training stream; None: the loader returned it.
        tasks: What the targets are possible for, see `Dataset.tasks`.
        checksum: What identifies the data, 16 hexadecimal digits.
    """

    train: Stream
    validation: Stream | Examples
    cut: Cut | None
    tasks: Structure
    checksum: str

    def reopened(self, parts: Parts, settings: Settings) -> Streams:
        """The same data from datasets that the loader returned again, at their beginning.

        Args:
            parts: What the loader returned.
            settings: Settings of the data.

        Raises:
            DataError: The loader returned something else than before.
        """
        returned = parts.train, None if self.cut else parts.validation
        if [is_dataset(part) for part in returned] != [True, not self.cut and isinstance(self.validation, Stream)]:
            raise DataError(f"the loader returned other kinds of data than before ({settings.source})")
        source, validation = open_source(parts.train), self.validation
        if self.cut is not None:
            source, cut_off = self.cut.apply(source)
            validation = replace(validation, source=cut_off) if isinstance(validation, Stream) else validation
        elif isinstance(validation, Stream):
            validation = replace(validation, source=open_source(parts.validation))
        return replace(self, train=replace(self.train, source=source), validation=validation)


def open_streams(parts: Parts, settings: Settings) -> Streams:
    """Check and read the datasets that a loader returned.

    Args:
        parts: What the loader returned; the training part is a dataset.
        settings: Settings of the data.

    Raises:
        ConfigError: A setting of the data cannot be used with a stream.
        DataError: A dataset cannot be read, or the validation part is missing and cannot be taken.
    """
    source, cut = open_source(parts.train), None
    _check_settings(settings, source.kind)
    validation: Stream | Examples
    if parts.validation is None:
        cut, train, validation = cut_stream(source, settings)
    else:
        train = Stream(source, scan(source, "training", settings.source))
        validation = _open_validation(parts.validation, settings)
        _require_same_form(train.scan.first, validation, settings)
    tasks = _tasks(train, parts.train, settings)
    other = validation.scan.identity if isinstance(validation, Stream) else validation.checksum.encode()
    checksum = hashlib.sha256(train.scan.identity + other).hexdigest()[:16]
    return Streams(train, validation, cut, tasks, checksum)


def _check_settings(settings: Settings, kind: str) -> None:
    """Refuse the settings that need arrays.

    Raises:
        ConfigError: Names each of them.
    """
    rules = (
        (settings.scaling not in ("auto", "none"), "scaling", settings.scaling, _IN_LOADER),
        (settings.augmentation != Augmentation(), "augmentation", "distortions", _IN_LOADER),
        (settings.train_limit is not None, "train_limit", settings.train_limit, "use dataset.take(n) in the loader"),
        (settings.stratify, "stratify", True, RETURN_THREE),
        (settings.folds is not None, "folds", settings.folds, "leave it out"),
        (settings.target == "input", "target", settings.target, "let the dataset deliver (inputs, inputs)"),
    )
    faults = [
        f"data.{key} needs arrays, and {settings.loader} returns a {kind}; received {value}; {advice}"
        for is_wrong, key, value, advice in rules
        if is_wrong
    ]
    if faults:
        raise ConfigError("\n".join(faults))


def _open_validation(raw: Any, settings: Settings) -> Stream | Examples:
    if not is_dataset(raw):
        return convert_part(raw, "validation", settings.source)
    source = open_source(raw)
    if source.is_infinite:
        raise DataError(f"the validation data must end; received an infinite {source.kind} ({settings.source})")
    return Stream(source, scan(source, "validation", settings.source))


def _require_same_form(first: Examples, validation: Stream | Examples, settings: Settings) -> None:
    """Check that training and validation data have the same structures of arrays, with the same numbers of axes."""
    other = validation.scan.first if isinstance(validation, Stream) else validation
    for name in ("inputs", "targets"):
        here, there = (example_shapes(getattr(one, name)) for one in (first, other))
        if _ranks(here) != _ranks(there):
            raise DataError(
                f"training and validation {name} must have the same form; received {here} and {there} "
                f"({settings.source})"
            )


def _ranks(shapes: Any) -> Any:
    if isinstance(shapes, dict):
        return {key: _ranks(value) for key, value in shapes.items()}
    return [_ranks(value) for value in shapes] if isinstance(shapes, list) else len(shapes)


def _tasks(train: Stream, raw: Any, settings: Settings) -> Structure:
    """What the targets are possible for, with the names of classes that the dataset has."""

    def find(array: Any) -> PossibleTasks:
        return possible_tasks(array, settings.target, "training targets", settings.source)

    tasks = map_leaves(find, train.targets)
    names = getattr(raw, "class_names", None)
    return tasks.with_names([str(name) for name in names]) if names and isinstance(tasks, PossibleTasks) else tasks
