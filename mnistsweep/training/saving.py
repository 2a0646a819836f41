"""Writing of a model to a file: as a whole where Keras can, else its weights."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mnistsweep.atomic import atomic_write
from mnistsweep.checksums import file_checksum
from mnistsweep.error_descriptions import describe_error
from mnistsweep.errors import MnistSweepError
from mnistsweep.paths import weights_of

LOGGER = logging.getLogger("mnistsweep")


def save_model(
    model: Any, file: Path, check: Callable[[], None] = lambda: None, create_folder: bool = True
) -> tuple[Path, str]:
    """Write a model to a file that takes the place of an earlier one.

    Keras writes the architecture beside the weights, so that `keras.saving.load_model` opens the file. It cannot do
    that with every model, for example with a layer of a user that has objects among its arguments and no `get_config`.
    Of such a model the weights are written, to the file that `paths.weights_of` names, and the log says why.
    `evaluation.reading` reads both kinds of files.

    Args:
        model: A Keras model with its variables.
        file: Path of the ``.keras`` file.
        check: Function that is called before a file takes its place, which it prevents by an exception.
        create_folder: Whether to create the folder of the file.

    Returns:
        Path and SHA-256 of the file that was written.

    Raises:
        OSError: The disk refuses the file.
        Exception: Keras cannot write the weights either.
    """
    weights = weights_of(file)
    try:
        checksum = _write(model.save, file, check, create_folder)
    except (MnistSweepError, OSError):
        raise
    except Exception as error:  # whatever the methods of users' layers, losses and metrics raise
        reason = describe_error(error)
        checksum = _write(model.save_weights, weights, check, create_folder)
        file.unlink(missing_ok=True)
        LOGGER.warning(
            "%s: Keras cannot write this model as a whole, so this file has its weights: %s", weights, reason
        )
        return weights, checksum
    weights.unlink(missing_ok=True)
    return file, checksum


def _write(save: Callable[[Path], None], file: Path, check: Callable[[], None], create_folder: bool) -> str:
    with atomic_write(file, create_folder=create_folder) as part:
        save(part)
        checksum = file_checksum(part)
        check()
    return checksum
