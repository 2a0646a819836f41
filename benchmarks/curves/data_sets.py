"""The data of the recorded tables, as ``.npz`` files that ``data=npz`` reads.

Images are averaged over blocks of 2 x 2 pixels, to 14 x 14: a quarter of the cost of an epoch.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Folder of the Debian package dataset-fashion-mnist (`apt-get install dataset-fashion-mnist`).
DEBIAN_FASHION_MNIST = Path("/usr/share/datasets/fashion-mnist")

Arrays = dict[str, NDArray[Any]]


def mnist(examples: int, test: int) -> Arrays:
    """First images of MNIST, from the copy in the package."""
    from mnistsweep.data.sources import load_mnist

    return _images(load_mnist(), examples, test)


def fashion_mnist(examples: int, test: int) -> Arrays:
    """First images of Fashion-MNIST, from Debian's package if it is installed, else downloaded by Keras."""
    from mnistsweep.data.sources import load_fashion_mnist, load_idx

    loaded = load_idx(str(DEBIAN_FASHION_MNIST)) if DEBIAN_FASHION_MNIST.is_dir() else load_fashion_mnist()
    return _images(loaded, examples, test)


def friedman(examples: int, test: int) -> Arrays:
    """The regression problem Friedman 1 (Friedman, 1991), ten inputs of which five matter.

    The noise has the standard deviation 1, the target without it about 4.9. Targets are standardized by these. The
    test set has no noise, so its error is that of the learned function alone.
    """
    from sklearn.datasets import make_friedman1

    x_train, y_train = make_friedman1(examples, noise=1.0, random_state=0)
    x_test, y_test = make_friedman1(test, noise=0.0, random_state=1)
    mean, scale = float(np.mean(y_train)), float(np.std(y_train))
    inputs = {"x_train": 2 * x_train - 1, "x_test": 2 * x_test - 1}
    targets = {"y_train": (y_train - mean) / scale, "y_test": (y_test - mean) / scale}
    return {name: array.astype(np.float32) for name, array in (inputs | targets).items()}


SOURCES = {"mnist": mnist, "fashion_mnist": fashion_mnist, "friedman": friedman}


def _images(loaded: Any, examples: int, test: int) -> Arrays:
    (x_train, y_train), (x_test, y_test) = loaded
    return {
        "x_train": _shrink(x_train[:examples]),
        "y_train": y_train[:examples],
        "x_test": _shrink(x_test[:test]),
        "y_test": y_test[:test],
    }


def _shrink(images: NDArray[Any]) -> NDArray[np.float32]:
    """Average blocks of 2 x 2 pixels, and scale to [0, 1]."""
    count, height, width = images.shape
    blocks = images.reshape(count, height // 2, 2, width // 2, 2)
    return (blocks.mean(axis=(2, 4)) / 255).astype(np.float32)
