"""The resume file of a trial: the state of an interrupted training on disk.

The file is one ``.npy`` array of bytes: a checksum (CRC-32) of the rest, the length of the record, the record as JSON,
and the bytes of all arrays. Types that numpy cannot write, such as bfloat16, need no special case in this format.
"""

from __future__ import annotations

import json
import logging
import zlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistsweep.atomic import atomic_write
from mnistsweep.config.schema import Config
from mnistsweep.config.trial_file import fingerprint
from mnistsweep.training.packing import pack, unpack

LOGGER = logging.getLogger("mnistsweep")

# Version of the file format; a file of another version is not read.
FORMAT = 1

# Digits of the fingerprint in a resume file: the complete SHA-256.
FINGERPRINT_LENGTH = 64

# Key of the fingerprint in the file, as in every version before.
_FINGERPRINT_KEY = "identity"


@dataclass(frozen=True)
class TrainingState:
    """State of a training after an epoch, as stored in a resume file.

    Attributes:
        fingerprint: Fingerprint of the configuration, see `resume_fingerprint`.
        repeat: Index of the training that was interrupted, from 0: of the repeat, or of the fold of a repeat.
        runs: Results of the trainings before it, as dictionaries of `RepeatResult`.
        seconds: Duration of the training so far, over all attempts.
        phases: State after the last epoch of each phase, see `phase_state.capture_phase`; the last phase is the
            interrupted one. A phase is one call of `model.fit`. There is only one, unless a user's own `fit` calls
            `model.fit` several times.
    """

    fingerprint: str
    repeat: int = 0
    runs: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0
    phases: list[dict[str, Any]] = field(default_factory=list)

    def restarted(self) -> TrainingState:
        """Return the state of a training that restarts from scratch: it keeps the duration only."""
        return replace(self, repeat=0, runs=[], phases=[])


def resume_fingerprint(config: Config) -> str:
    """Return the fingerprint that a resume file must have to be used for a configuration.

    Args:
        config: Configuration of the trial.
    """
    return fingerprint(config, FINGERPRINT_LENGTH)


def write_resume_file(path: Path, state: TrainingState, durable: bool = False) -> None:
    """Write a resume file atomically.

    Args:
        path: Path of the file.
        state: State to write.
        durable: Whether to wait until the file is on the disk. Not needed while the training goes on: after a power
            failure it would restart.

    Raises:
        TypeError: The state contains something other than plain values and arrays.
    """
    arrays: list[NDArray[np.uint8]] = []
    values = {_FINGERPRINT_KEY if key == "fingerprint" else key: value for key, value in vars(state).items()}
    record = json.dumps({"format": FORMAT, **pack(values, arrays)}).encode()
    content = b"".join([len(record).to_bytes(8, "big"), record, *(array.data for array in arrays)])
    header = {"descr": "|u1", "fortran_order": False, "shape": (4 + len(content),)}
    with atomic_write(path, durable, create_folder=False) as part, part.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        file.write(zlib.crc32(content).to_bytes(4, "big"))
        file.write(content)  # `np.save` would raise an error that hides a full disk


def read_resume_file(path: Path, expected_fingerprint: str) -> TrainingState | None:
    """Read a resume file.

    Args:
        path: Path of the file.
        expected_fingerprint: Fingerprint of the training to resume, see `resume_fingerprint`.

    Returns:
        The stored state. None if there is no file, and None with a warning in the log if the file is damaged or
        belongs to another training.
    """
    if not path.is_file():
        return None
    try:
        record, data = _split(np.load(path, allow_pickle=False))
        if record.pop("format") != FORMAT:
            raise ValueError("another version of mnistsweep wrote it")
        state = TrainingState(record.pop(_FINGERPRINT_KEY), **unpack(record, data))
        if state.fingerprint != expected_fingerprint:
            raise ValueError("it was written for another configuration")
    except (OSError, ValueError, KeyError, TypeError, EOFError, AttributeError) as error:
        log_restart(path, error)
        return None
    return state


def log_restart(path: Path, reason: BaseException) -> None:
    """Log that a training restarts from scratch because its resume file cannot be used.

    Args:
        path: Path of the resume file.
        reason: Error that explains why.
    """
    LOGGER.warning("%s: cannot resume from this file: %s; the trial restarts from scratch", path, reason)


def log_lost_checkpoint(path: Path) -> None:
    """Log that a trial that was paused is trained from its first epoch, if its resume file is gone.

    Args:
        path: Path of the resume file.
    """
    if not path.exists():  # otherwise `log_restart` has said why it cannot be used
        LOGGER.warning("%s: the file is gone; the trial, which was paused, is trained from its first epoch", path)


def _split(content: NDArray[np.uint8]) -> tuple[dict[str, Any], NDArray[np.uint8]]:
    """Return the record and the bytes of the arrays.

    Raises:
        ValueError: The content is damaged.
    """
    if int.from_bytes(content[:4].tobytes(), "big") != zlib.crc32(content[4:].data):
        raise ValueError("its checksum is wrong")
    end = 12 + int.from_bytes(content[4:12].tobytes(), "big")
    return json.loads(content[12:end].tobytes()), content[end:]
