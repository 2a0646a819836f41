"""The built-in loaders, one for each preset in ``conf/data/``.

A loader is any function that returns ``((x_train, y_train), (x_test, y_test))``, as ``keras.datasets.*.load_data``
does; all keys of the group that do not concern splitting, scaling or augmentation are its arguments.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from numpy.typing import NDArray

from mnistsweep.data import idx, npz
from mnistsweep.data.files import existing_file, existing_folder
from mnistsweep.errors import DataError

Loaded: TypeAlias = tuple[tuple[NDArray[Any], NDArray[Any]], tuple[NDArray[Any], NDArray[Any]]]

MNIST_FILE = Path(__file__).parent / "mnist.npz"

# SHA-256 of the bytes of each array of the original MNIST files.
MNIST_SHA256 = {
    "x_train": "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
    "y_train": "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
    "x_test": "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
    "y_test": "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
}


def load_mnist() -> Loaded:
    """Read the packaged copy of MNIST, verified by checksum, without a download.

    Returns:
        ``x_train`` (60000, 28, 28), ``y_train`` (60000,), ``x_test`` (10000, 28, 28), ``y_test`` (10000,), all uint8.

    Raises:
        DataError: The packaged file is missing or damaged.

    Example:
        >>> (x_train, y_train), _ = load_mnist()
        >>> x_train.shape, int(y_train[0])
        ((60000, 28, 28), 5)
    """
    return _as_pairs(npz.read_verified(MNIST_FILE, MNIST_SHA256))


def mnist_training_labels() -> NDArray[Any]:
    """Read only the training labels of MNIST. It takes milliseconds and is enough to check a split.

    Returns:
        ``(60000,)`` uint8.

    Raises:
        DataError: The packaged file is missing or damaged.
    """
    return npz.read_verified(MNIST_FILE, {"y_train": MNIST_SHA256["y_train"]})["y_train"]


def load_fashion_mnist() -> Loaded:
    """Load Fashion-MNIST with Keras, which downloads it once and caches it.

    Returns:
        Arrays of the same shapes as those of MNIST.

    Raises:
        DataError: The download fails and nothing is cached, or a cached file is damaged.
    """
    import keras

    try:
        loaded: Loaded = keras.datasets.fashion_mnist.load_data()
    except Exception as error:  # Keras raises a bare Exception where the download fails
        raise DataError(
            f"data=fashion_mnist could not be loaded by Keras: {type(error).__name__}: {error}. Without a network use "
            "data=idx data.path=FOLDER with the four files; after a broken download delete datasets/fashion-mnist in "
            "Keras's cache (~/.keras, or $KERAS_HOME)"
        ) from error
    return loaded


def load_idx(path: str) -> Loaded:
    """Read the four IDX files of a folder, gzipped or not.

    Args:
        path: Path of the folder.

    Returns:
        Images ``(n, height, width)`` and labels ``(n,)``, uint8.

    Raises:
        DataError: A file is missing or damaged.
    """
    folder = existing_folder(path)
    with _naming(path):
        return _as_pairs(idx.read_folder(folder))


def load_npz(path: str) -> Loaded:
    """Read ``x_train``, ``y_train``, ``x_test`` and ``y_test`` from an ``.npz`` file.

    Args:
        path: Path of the file.

    Returns:
        Arrays as they were saved.

    Raises:
        DataError: The file or an array is missing or damaged, or holds pickled objects.
    """
    file = existing_file(path)
    with _naming(path):
        return _as_pairs(npz.read_file(file))


@contextmanager
def _naming(path: str) -> Iterator[None]:
    """Prefix the message about a damaged file with the key that named it."""
    try:
        yield
    except DataError as error:
        raise DataError(f"data.path={str(path)!r}: {error}") from error


def _as_pairs(arrays: dict[str, NDArray[Any]]) -> Loaded:
    return (arrays["x_train"], arrays["y_train"]), (arrays["x_test"], arrays["y_test"])
