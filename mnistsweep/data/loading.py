"""From the configuration to arrays: load, check, split, limit, scale."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistsweep.data import sources, structure
from mnistsweep.data.augmentation import Augmentation
from mnistsweep.data.class_checks import require_classes, validation_warning
from mnistsweep.data.class_weights import class_weights
from mnistsweep.data.dataset import Dataset, class_task
from mnistsweep.data.examples import Examples
from mnistsweep.data.folds import Folds, check_count, check_no_validation, warnings_of
from mnistsweep.data.held_out import HeldOut
from mnistsweep.data.parts import convert_part
from mnistsweep.data.scaling import Scaling
from mnistsweep.data.settings import FASHION_MNIST, FROM_FILES, MNIST, Settings, read
from mnistsweep.data.source_arrays import Loaded, call_loader, read_parts, read_source, require_memory
from mnistsweep.data.splitting import Split, split, validation_count
from mnistsweep.data.streams.opening import Streams, open_streams
from mnistsweep.data.streams.scan import read_all
from mnistsweep.data.streams.sources import is_dataset, open_source
from mnistsweep.data.structure import Structure, describe
from mnistsweep.data.task import Task, possible_tasks
from mnistsweep.errors import ConfigError, DataError

# Size of the training set, and number of classes. The check before training does not read Fashion-MNIST: that would
# import Keras.
FASHION_MNIST_SIZE = 60000
FASHION_MNIST_CLASSES = 10


def load(config: Mapping[str, Any]) -> Dataset:
    """Load the training and the validation data of a trial; the test set is not read.

    Args:
        config: The ``data`` group of the configuration.

    Returns:
        The training and the validation split, scaled by the statistics of the training split. With ``data.folds`` they
        are those of the first fold, and `Dataset.fold` returns the others. A loader
        that returns datasets gives streams, which are not scaled.

    Raises:
        ConfigError: A key of the configuration cannot be used.
        DataError: A file is missing or damaged, or the arrays do not fit together.

    Example:
        >>> dataset = load({"_target_": "mnistsweep.data.sources.load_mnist", "train_limit": 1000})
        >>> len(dataset.train), len(dataset.validation), dataset.input_shape, dataset.classes
        (1000, 10000, (28, 28, 1), 10)
    """
    settings = read(config)
    parts = call_loader(settings)
    if parts.is_stream:
        return _streaming(open_streams(parts, settings), settings)
    loaded = read_parts(parts, settings)
    if settings.folds is None:
        return _dataset(loaded, settings, _positions(loaded, settings))
    folds = _folds(loaded, settings)

    def load_fold(index: int) -> Dataset:
        return _dataset(loaded, settings, folds.split(index))

    return replace(load_fold(0), num_folds=settings.folds, load_fold=load_fold)


def _dataset(loaded: Loaded, settings: Settings, positions: Split) -> Dataset:
    """Data set of a split, scaled by the statistics of its training side."""
    train, validation = _splits(loaded, settings, positions)
    scaling = Scaling.fit(settings.scaling, train.inputs)
    return Dataset(
        train=_scaled(train, scaling),
        validation=_scaled(validation, scaling),
        tasks=loaded.tasks,
        checksum=loaded.train.checksum,
        augmentation=_augmentation(settings, scaling, train.inputs),
        columns=loaded.columns,
    )


def load_test(config: Mapping[str, Any]) -> HeldOut:
    """Load the test set. Only the report reads it, for the model that was selected on validation data.

    A test set that streams is read into memory, once, so that inputs and targets stay together.

    Args:
        config: The ``data`` group of the configuration.

    Returns:
        The test set, with the scaling of the training split.

    Raises:
        ConfigError: A key of the configuration cannot be used.
        DataError: A file is missing or damaged, or the arrays do not fit together.
    """
    settings = read(config)
    parts = call_loader(settings)
    if parts.test is None:
        raise DataError(
            f"data: a test set is needed here, and the loader returns none; return (train, validation, test) from it "
            f"({settings.source})"
        )
    if parts.is_stream:
        streams = open_streams(parts, settings)
        test = _other_part(streams.train.scan.first, parts.test, "test", settings)
        return HeldOut(test, streams.tasks, Scaling.unscaled(test.inputs))
    loaded = read_parts(parts, settings)
    test = _other_part(loaded.train, loaded.test, "test", settings)
    train, _ = _splits(loaded, settings, _positions(loaded, settings))
    scaling = Scaling.fit(settings.scaling, train.inputs)
    return HeldOut(test, loaded.tasks, scaling, loaded.columns, loaded.target_columns)


def training_positions(config: Mapping[str, Any]) -> NDArray[np.intp]:
    """Positions of the training split in the training set of the source, ``(n,)``, ascending; of the first fold.

    Args:
        config: The ``data`` group of the configuration.

    Raises:
        ConfigError: A key of the configuration cannot be used.
        DataError: A file is missing or damaged, or the arrays do not fit together.
    """
    settings = read(config)
    return _positions(read_source(settings), settings).train


def check(config: Mapping[str, Any], are_classes: bool = False, class_weight: Any = None) -> list[str]:
    """Check the data before anything is trained, without importing Keras.

    A user's files are read completely. For built-in data sets the split is checked. A user's function must exist.

    Args:
        config: The ``data`` group of the configuration.
        are_classes: Whether the model is a classifier, so that the targets must be classes with examples each.
        class_weight: Value of ``trainer.class_weight``; for a classifier it must fit the classes.

    Returns:
        Warnings about what is allowed but probably not intended.

    Raises:
        ConfigError: Names every key that cannot be used.
        DataError: A file is missing or damaged, or the arrays do not fit together.
    """
    settings = read(config)
    return [*warnings_of(settings), *_check_source(settings, are_classes and settings.target != "input", class_weight)]


def _check_source(settings: Settings, are_classes: bool, class_weight: Any) -> list[str]:
    """Check the data of a built-in source; those of a user's function are checked when they are loaded."""
    if settings.loader == MNIST:
        labels = sources.mnist_training_labels()
        tasks = possible_tasks(labels, "auto", "training targets", settings.source)
        positions = (
            split(labels, settings) if settings.folds is None else Folds.assign(labels, tasks, settings).split(0)
        )
        return _check_classes(labels, tasks, positions, settings, class_weight)
    if settings.loader == FASHION_MNIST:
        if settings.folds is not None:
            check_count(FASHION_MNIST_SIZE, settings)
        else:
            validation_count(FASHION_MNIST_SIZE, settings)
        if class_weight is not None:
            class_weights(class_weight, Task("classes", tuple(range(FASHION_MNIST_CLASSES))), None)
    if settings.loader in FROM_FILES:
        loaded = read_source(settings)
        test = _other_part(loaded.train, loaded.test, "test", settings)
        positions = _positions(loaded, settings)
        require_memory(settings, loaded.train.inputs, len(positions.train) + len(positions.validation))
        _require_images(settings, loaded.train.inputs)
        if are_classes:
            class_task(loaded.tasks).encode(test.targets, "test targets", settings.source)
            return _check_classes(loaded.train.targets, loaded.tasks, positions, settings, class_weight)
    return []


def checksum(config: Mapping[str, Any]) -> str:
    """Compute the checksum of the training data. Results store it, to identify the data that they were measured on.

    It covers the whole training set before split and scaling; the same images in another file format have the same
    checksum.

    Args:
        config: The ``data`` group of the configuration.

    Returns:
        The first 16 hexadecimal digits of a SHA-256 over dtype, shape and bytes.

    Raises:
        ConfigError: A key of the configuration cannot be used.
        DataError: A file is missing or damaged, or the arrays do not fit together.
    """
    settings = read(config)
    parts = call_loader(settings)
    return open_streams(parts, settings).checksum if parts.is_stream else read_parts(parts, settings).train.checksum


def _streaming(streams: Streams, settings: Settings) -> Dataset:
    """A data set whose training split streams."""
    return Dataset(
        train=streams.train,
        validation=streams.validation,
        tasks=streams.tasks,
        checksum=streams.checksum,
        reopen=lambda: _streaming(streams.reopened(call_loader(settings), settings), settings),
    )


def _other_part(train: Examples, returned: Any, side: str, settings: Settings) -> Examples:
    """Convert the validation or the test part, and check it against examples of the training set."""
    if is_dataset(returned):
        part = read_all(open_source(returned), side, settings.source)
    else:
        part = convert_part(returned, side, settings.source, settings.target == "input")
    for name in ("inputs", "targets"):
        here, there = (structure.example_shapes(getattr(one, name)) for one in (train, part))
        if here != there:
            raise DataError(
                f"training and {side} {name} must have the same shape; received {here} and {there} ({settings.source})"
            )
    return part


def _splits(loaded: Loaded, settings: Settings, positions: Split) -> tuple[Examples, Examples]:
    """The training and the validation split, not scaled."""
    require_memory(settings, loaded.train.inputs, len(positions.train) + len(positions.validation))
    train = loaded.train.take(positions.train)
    if loaded.validation is not None:
        return train, _other_part(loaded.train, loaded.validation, "validation", settings)
    return train, loaded.train.take(positions.validation)


def _folds(loaded: Loaded, settings: Settings) -> Folds:
    check_no_validation(loaded.validation, settings)
    return Folds.assign(loaded.train.targets, loaded.tasks, settings)


def _positions(loaded: Loaded, settings: Settings) -> Split:
    """Positions of both splits; with folds those of the first one."""
    if settings.folds is not None:
        return _folds(loaded, settings).split(0)
    count = structure.num_examples(loaded.train.targets)
    labels: NDArray[Any] = np.zeros(count, np.int32)
    if settings.stratify:
        labels = class_task(loaded.tasks).encode(loaded.train.targets, "training targets", settings.source)
    return split(labels, settings, has_validation=loaded.validation is not None)


def _scaled(examples: Examples, scaling: Scaling) -> Examples:
    """Scaled examples, read-only, so that a copy on the device stays valid from one trial to the next."""
    inputs = structure.read_only(scaling.apply(examples.inputs))
    return replace(examples, inputs=inputs, targets=inputs if examples.is_autoencoded else examples.targets)


def _check_classes(
    training_targets: NDArray[Any], tasks: Structure, positions: Split, settings: Settings, class_weight: Any
) -> list[str]:
    """Check that the training split has examples of every class; returns a warning if the validation split has not."""
    task = class_task(tasks)
    if class_weight is not None:
        class_weights(class_weight, task, None)
    labels = task.encode(training_targets, "training targets", settings.source)
    limit = "" if settings.train_limit is None else f" and data.train_limit={settings.train_limit}"
    divided = f"validation={settings.validation}" if settings.folds is None else f"folds={settings.folds}"
    where = f"the training split after data.{divided}{limit}"
    require_classes(labels[positions.train], task, where, settings.source)
    warning = (
        validation_warning(labels[positions.validation], task, settings.source) if len(positions.validation) else None
    )
    return [] if warning is None else [warning]


def _augmentation(settings: Settings, scaling: Scaling, inputs: Structure) -> Augmentation | None:
    _require_images(settings, inputs)
    if settings.augmentation == Augmentation():
        return None
    return replace(settings.augmentation, background=scaling.arrays.background(inputs.shape[-1]))


def _require_images(settings: Settings, inputs: Structure) -> None:
    """Refuse augmentation of inputs that are not images."""
    if settings.augmentation != Augmentation() and getattr(inputs, "ndim", 0) != 4:
        raise ConfigError(
            f"data.augmentation needs images, (n, height, width, channels); received {describe(inputs)} "
            f"({settings.source})"
        )
