"""From the configuration to arrays: load, check, split, limit, scale."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistsweep import memory, targets
from mnistsweep.checksums import array_checksum
from mnistsweep.data import sources
from mnistsweep.data.arrays import checked, count_classes, four_arrays, require_classes
from mnistsweep.data.augmentation import Augmentation
from mnistsweep.data.examples import Dataset, Examples, HeldOut
from mnistsweep.data.scaling import Scaling
from mnistsweep.data.settings import FASHION_MNIST, FROM_FILES, MNIST, TARGET, Settings, read
from mnistsweep.data.splitting import Split, split, validation_count
from mnistsweep.errors import ConfigError, DataError
from mnistsweep.user_code import explained

# Size of the training set. The check before training does not read Fashion-MNIST: that would import Keras.
FASHION_MNIST_SIZE = 60000


@dataclass(frozen=True, eq=False)
class _Loaded:
    """Result of a loader: the training set is checked, the test set is not."""

    images: NDArray[Any]
    labels: NDArray[np.int32]
    test: tuple[Any, Any]


def load(config: Mapping[str, Any]) -> Dataset:
    """Load the training and the validation data of a trial; the test set is not read.

    Args:
        config: The ``data`` group of the configuration.

    Returns:
        The training and the validation side, scaled by the statistics of the training side.

    Raises:
        ConfigError: A key of the configuration cannot be used.
        DataError: A file is missing or damaged, or the arrays do not fit together.

    Example:
        >>> dataset = load({"_target_": "mnistsweep.data.sources.load_mnist", "train_limit": 1000})
        >>> len(dataset.train), len(dataset.validation), dataset.input_shape, dataset.classes
        (1000, 10000, (28, 28, 1), 10)
    """
    settings = read(config)
    loaded = _load(settings)
    sides, classes = _split(loaded.labels, settings)
    _require_memory(settings, loaded, sides)
    images = loaded.images[sides.train]
    scaling = Scaling.fit(settings.scaling, images)
    return Dataset(
        train=Examples(_constant(scaling.apply(images)), loaded.labels[sides.train]),
        validation=Examples(_constant(scaling.apply(loaded.images[sides.validation])), loaded.labels[sides.validation]),
        classes=classes,
        augmentation=_augmentation(settings, scaling, images.shape[1:]),
    )


def _constant(images: NDArray[Any]) -> NDArray[Any]:
    """Images made read-only, so that a copy on the device stays valid from one trial to the next."""
    base: Any = images
    while isinstance(base, np.ndarray):
        base.setflags(write=False)
        base = base.base
    return images


def load_test(config: Mapping[str, Any]) -> HeldOut:
    """Load the test set. Only the report reads it, for the model that was selected on validation data.

    Args:
        config: The ``data`` group of the configuration.

    Returns:
        The test set, with the scaling of the training side.

    Raises:
        ConfigError: A key of the configuration cannot be used.
        DataError: A file is missing or damaged, or the arrays do not fit together.
    """
    settings = read(config)
    loaded = _load(settings)
    sides, classes = _split(loaded.labels, settings)
    images, labels = _test(loaded, classes, settings)
    return HeldOut(images, labels, Scaling.fit(settings.scaling, loaded.images[sides.train]))


def training_positions(config: Mapping[str, Any]) -> NDArray[np.intp]:
    """Positions of the training side in the training set of the source, ``(n,)``, ascending.

    Args:
        config: The ``data`` group of the configuration.

    Raises:
        ConfigError: A key of the configuration cannot be used.
        DataError: A file is missing or damaged, or the arrays do not fit together.
    """
    settings = read(config)
    return _split(_load(settings).labels, settings)[0].train


def check(config: Mapping[str, Any]) -> None:
    """Check the data before anything is trained, without importing Keras.

    A user's files are read completely. For built-in data sets the split is checked. A user's function must exist.

    Args:
        config: The ``data`` group of the configuration.

    Raises:
        ConfigError: Names every key that cannot be used.
        DataError: A file is missing or damaged, or the arrays do not fit together.
    """
    settings = read(config)
    if settings.target == MNIST:
        _split(sources.mnist_training_labels(), settings)
    elif settings.target == FASHION_MNIST:
        validation_count(FASHION_MNIST_SIZE, settings)
    elif settings.target in FROM_FILES:
        loaded = _load(settings)
        sides, classes = _split(loaded.labels, settings)
        _require_memory(settings, loaded, sides)
        _test(loaded, classes, settings)
        _require_images(settings, loaded.images.shape[1:])


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
    loaded = _load(read(config))
    return array_checksum(loaded.images, loaded.labels)


def _load(settings: Settings) -> _Loaded:
    """Call the loader, then check the training set."""
    loader = targets.resolve(settings.target, TARGET)
    if not callable(loader):
        raise ConfigError(f"{TARGET} must name a function; {settings.target!r} is a {type(loader).__name__}")
    with explained(functools.partial(_loading_failed, settings)):
        returned = targets.call("data", loader, {"_target_": settings.target, **settings.arguments}, {})
    (images, labels), test = four_arrays(returned, settings.source)
    return _Loaded(*checked(images, labels, "training", settings.source), test)


def _loading_failed(settings: Settings, reason: str) -> DataError:
    if "MemoryError" in reason:
        reason += f"; {memory.format_bytes(memory.available_bytes())} of memory are free"
    return DataError(f"the loader failed with {reason} ({settings.source})")


def _require_memory(settings: Settings, loaded: _Loaded, sides: Split) -> None:
    """Check that the memory suffices for what `load` makes of the images: a copy of each side, and it as float32."""
    count = len(sides.train) + len(sides.validation)
    num_bytes = loaded.images[:1].nbytes + np.dtype(np.float32).itemsize * loaded.images[:1].size
    purpose = (
        f"the {count} examples for training and validation need {memory.format_bytes(count * num_bytes)} as float32"
    )
    shape = f"shape {loaded.images.shape}, dtype {loaded.images.dtype}"
    memory.require_memory(count * num_bytes, f"{purpose} and in their own dtype ({shape}; {settings.source})")


def _split(labels: NDArray[Any], settings: Settings) -> tuple[Split, int]:
    """Split, then check that the training side has examples of every class."""
    classes = count_classes(labels, "the training set", settings.source)
    sides = split(labels, settings)
    limit = "" if settings.train_limit is None else f" and data.train_limit={settings.train_limit}"
    where = f"the training side after data.validation={settings.validation}{limit}"
    require_classes(labels[sides.train], classes, where, settings.source)
    return sides, classes


def _test(loaded: _Loaded, classes: int, settings: Settings) -> tuple[NDArray[Any], NDArray[np.int32]]:
    """Check the test set, also against the training set."""
    images, labels = checked(*loaded.test, "test", settings.source)
    if images.shape[1:] != loaded.images.shape[1:]:
        raise DataError(
            f"training and test images must have the same shape; received {loaded.images.shape[1:]} and "
            f"{images.shape[1:]} ({settings.source})"
        )
    if labels.max() >= classes:
        raise DataError(
            f"the test set has a class {labels.max()}, the training set only 0 to {classes - 1} ({settings.source})"
        )
    return images, labels


def _augmentation(settings: Settings, scaling: Scaling, shape: tuple[int, ...]) -> Augmentation | None:
    _require_images(settings, shape)
    if settings.augmentation == Augmentation():
        return None
    return replace(settings.augmentation, background=scaling.background(shape))


def _require_images(settings: Settings, shape: tuple[int, ...]) -> None:
    """Refuse augmentation of inputs that are not images."""
    if settings.augmentation != Augmentation() and len(shape) != 3:
        raise ConfigError(
            f"data.augmentation needs images, (height, width, channels); received inputs of shape {shape} "
            f"({settings.source})"
        )
