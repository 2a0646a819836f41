"""Losses by name, and the form of labels that each expects. Imports no Keras."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistsweep import target_source, targets
from mnistsweep.errors import ConfigError, DataError, suggest

KEY = "trainer.loss"

KNOWN = (
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_hinge",
    "cosine_similarity",
    "hinge",
    "huber",
    "kl_divergence",
    "log_cosh",
    "mean_absolute_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "poisson",
    "sparse_categorical_crossentropy",
    "squared_hinge",
)
"""Keras's losses that compare a row of class probabilities with one label. Not included are losses for sequences (ctc),
embeddings (circle) and segmentation (dice, tversky), and the percentage error, which divides by the zeros of one-hot
labels. Any other loss is given by its dotted path, for example `keras.losses.CategoricalGeneralizedCrossEntropy`."""


def is_path(loss: str) -> bool:
    """Whether a loss is given by its dotted path (``package.module:function``), not by the name of a Keras loss."""
    return "." in loss or ":" in loss


def needs_one_hot(loss: str) -> bool:
    """Whether a loss expects one-hot rows; otherwise it expects class numbers.

    Keras's convention decides, for a user's own loss too: a loss whose name begins with ``sparse`` takes integers.

    Example:
        >>> needs_one_hot("poisson"), needs_one_hot("sparse_categorical_crossentropy")
        (True, False)
    """
    name = loss.replace(":", ".").rpartition(".")[2]
    return not name.lower().startswith("sparse")


def check(loss: Any) -> list[str]:
    """Check the name or the dotted path of a loss; imports neither Keras nor the user's module.

    Returns:
        Messages that name the key and the nearest known loss; empty where no fault was found.
    """
    if not isinstance(loss, str):
        return [f"{KEY} must be the name of a loss or a dotted path; received {loss!r}"]
    if is_path(loss):
        return target_source.check(loss, KEY)
    if loss in KNOWN:
        return []
    return [f"{KEY}: no Keras loss for classification is called {loss!r}; {suggest(loss, KNOWN)}"]


def check_loss(loss: Any) -> None:
    """Raise `ConfigError` with the messages of `check`, where there are any.

    Raises:
        ConfigError: The name is unknown, or the dotted path leads nowhere.
    """
    faults = check(loss)
    if faults:
        raise ConfigError("\n".join(faults))


def build_loss(loss: str) -> Any:
    """Build the argument `loss` of `keras.Model.compile`.

    Args:
        loss: A name in `KNOWN`, or the dotted path of a function ``f(y_true, y_pred)``, of a `keras.losses.Loss` or of
            an instance of one. A class is called without arguments.

    Raises:
        ConfigError: The name is unknown, or the object at the dotted path is not callable.
    """
    check_loss(loss)
    if not is_path(loss):
        return loss
    found = targets.resolve(loss, KEY)
    if inspect.isclass(found):
        found = found()
    if not callable(found):
        raise ConfigError(f"{KEY}: a loss must be callable with labels and predictions; {loss!r} is {found!r}")
    return found


def encode(labels: NDArray[Any], classes: int, loss: str) -> NDArray[Any]:
    """Convert class numbers to the form of labels that a loss expects.

    Args:
        labels: Class numbers 0 to `classes` - 1, of shape (n,).
        classes: Number of classes.
        loss: Name or dotted path of the loss.

    Returns:
        One-hot rows of shape (n, classes), float32, or the class numbers of shape (n,), int32, as `needs_one_hot` says.

    Raises:
        DataError: The labels are not a vector of whole numbers from 0 to `classes` - 1.

    Example:
        >>> encode(np.array([1, 0]), 3, "poisson").tolist()
        [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]
    """
    labels = np.asarray(labels)
    if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer):
        raise DataError(f"labels must be a vector of whole numbers; received {labels.dtype} of shape {labels.shape}")
    if labels.size and not 0 <= int(labels.min()) <= int(labels.max()) < classes:
        received = f"{labels.min()} to {labels.max()}"
        raise DataError(f"labels of {classes} classes must lie from 0 to {classes - 1}; received {received}")
    numbers = labels.astype(np.int32)
    return np.eye(classes, dtype=np.float32)[numbers] if needs_one_hot(loss) else numbers
