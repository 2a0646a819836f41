"""Checks of the arrays that a loader returned."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistsweep.data.scaling import chunks
from mnistsweep.errors import DataError


def four_arrays(loaded: Any, source: str) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """Unpack the result of a loader.

    Args:
        loaded: Result of the loader; should be ``((x_train, y_train), (x_test, y_test))``.
        source: Description of the source, for the message.

    Returns:
        The two pairs.

    Raises:
        DataError: The result has another form.
    """
    try:
        (x_train, y_train), (x_test, y_test) = loaded
    except (TypeError, ValueError) as error:
        raise DataError(
            f"a loader must return ((x_train, y_train), (x_test, y_test)) ({source}); "
            f"received {type(loaded).__name__}: {error}"
        ) from error
    return (x_train, y_train), (x_test, y_test)


def checked(images: Any, labels: Any, side: str, source: str) -> tuple[NDArray[Any], NDArray[np.int32]]:
    """Convert images and labels to arrays, and check them.

    Args:
        images: ``(n, height, width)`` or ``(n, ...)``, numbers.
        labels: ``(n,)`` or ``(n, 1)``, integers from 0.
        side: ``training`` or ``test``, for messages.
        source: Description of the source, for messages.

    Returns:
        Images in their own dtype, with a channel axis added to ``(n, height, width)``; labels ``(n,)``.

    Raises:
        DataError: The two do not match, or hold values that cannot be trained on.
    """
    inputs, classes = _array(images, f"{side} images", source), _array(labels, f"{side} labels", source)
    if classes.ndim == 2 and classes.shape[1] == 1:
        classes = classes[:, 0]
    if len(inputs) != len(classes):
        raise DataError(f"every image needs one label: {len(inputs)} {side} images, {len(classes)} labels ({source})")
    if inputs.size == 0:
        raise DataError(f"there are no {side} images: shape {inputs.shape} ({source})")
    _check_labels(classes, side, source)
    _check_images(inputs, side, source)
    return inputs[..., np.newaxis] if inputs.ndim == 3 else inputs, classes.astype(np.int32)


def _array(values: Any, name: str, source: str) -> NDArray[Any]:
    try:
        array = np.asarray(values)
    except (TypeError, ValueError) as error:
        raise DataError(f"{name} must be one array: {error} ({source})") from error
    if array.ndim == 0:
        raise DataError(f"{name} must be one array, an entry for each example; received {values!r} ({source})")
    return array


def _check_labels(labels: NDArray[Any], side: str, source: str) -> None:
    if labels.ndim != 1:
        raise DataError(
            f"{side} labels must be class numbers, (n,) or (n, 1); received shape {labels.shape} ({source}); "
            "convert one-hot labels with numpy.argmax(labels, axis=1)"
        )
    if labels.dtype.kind not in "iu":
        raise DataError(f"{side} labels must be integers; received dtype {labels.dtype} ({source})")
    if labels.min() < 0:
        position = int(np.argmax(labels < 0))
        raise DataError(f"{side} labels must be 0 or more; label {position} is {labels[position]} ({source})")
    if labels.max() > np.iinfo(np.int32).max:
        raise DataError(f"{side} labels must be class numbers from 0; the largest is {labels.max()} ({source})")


def _check_images(images: NDArray[Any], side: str, source: str) -> None:
    if images.dtype.kind not in "buif":
        raise DataError(f"{side} images must be numbers; received dtype {images.dtype} ({source})")
    if images.ndim == 1:
        raise DataError(f"{side} images must be (n, height, width) or (n, ...); received {images.shape} ({source})")
    if images.dtype.kind != "f":
        return
    for part in chunks(images):
        # Checked as float32, the type used in training: 1e300 is finite only before the conversion.
        with np.errstate(over="ignore"):
            bad = ~np.isfinite(images[part].astype(np.float32))
        if bad.any():
            place = np.argwhere(bad)[0]
            value = images[part][tuple(place)]
            raise DataError(
                f"{side} images must be finite float32 numbers; image {part.start + int(place[0])} "
                f"holds {value} ({source})"
            )


def count_classes(labels: NDArray[Any], where: str, source: str) -> int:
    """Number of classes, after a check that each has an example.

    Args:
        labels: ``(n,)``, at least one.
        where: Part of the data, for messages, such as ``the training set``.
        source: Description of the source, for messages.

    Returns:
        K, for labels 0 .. K-1.

    Raises:
        DataError: A class below the largest has no example.
    """
    classes = int(labels.max()) + 1
    require_classes(labels, classes, where, source)
    return classes


def require_classes(labels: NDArray[Any], classes: int, where: str, source: str) -> None:
    """Check that every class has an example.

    Args:
        labels: ``(n,)``.
        classes: Number of classes K.
        where: Part of the data, for messages.
        source: Description of the source, for messages.

    Raises:
        DataError: A class has no example; the message names the first.
    """
    present = np.unique(labels)
    if len(present) == classes:
        return
    gaps = np.flatnonzero(present != np.arange(len(present)))
    first = int(gaps[0]) if len(gaps) else len(present)
    others = classes - len(present) - 1
    also = f" (nor have {others} others)" if others > 1 else " (nor has one other)" if others else ""
    raise DataError(
        f"class {first} has no example in {where}{also}; classes must be 0 to {classes - 1}, "
        f"each with an example ({source})"
    )
