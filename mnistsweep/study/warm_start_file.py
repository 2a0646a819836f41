"""The file ``warm_start.json`` of a sweep: the trials of former sweeps from which it starts warm.

The trials are copied once, before the first trial. So the search stays the same if a former sweep grows or is deleted.
``sweep.yaml`` holds the checksum of the file, under the key `warm_start`.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from mnistsweep.atomic import atomic_write
from mnistsweep.errors import StudyError
from mnistsweep.paths import SweepPaths
from mnistsweep.search.former import FormerTrial
from mnistsweep.study.sweep_file import read_sweep_file

CHECKSUM = "warm_start"
"""Key of ``sweep.yaml`` that holds the checksum."""


@dataclass(frozen=True)
class WarmStart:
    """What a sweep takes over from former sweeps.

    Attributes:
        trials: Trials of the former sweeps that hold for this one.
        notes: What was taken over and what was not, one sentence each, for the user.
    """

    trials: tuple[FormerTrial, ...]
    notes: tuple[str, ...]

    @cached_property
    def text(self) -> str:
        """Content of the file."""
        record = {"notes": self.notes, "trials": [trial.to_json() for trial in self.trials]}
        return json.dumps(record, indent=0)

    @property
    def checksum(self) -> str:
        """SHA-256 of the content, 64 hexadecimal digits."""
        return _checksum(self.text)

    def write(self, file: Path) -> None:
        """Write the file in one step."""
        with atomic_write(file) as part:
            part.write_text(self.text, encoding="utf-8")


def read_warm_start(paths: SweepPaths) -> WarmStart:
    """Read the former trials of a sweep that was started with some.

    Args:
        paths: Paths of the sweep's files.

    Raises:
        StudyError: The file is missing, or is not the one that was written when the sweep was started.
    """
    expected = read_sweep_file(paths).get(CHECKSUM)
    try:
        text = paths.warm_start.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no text in UTF-8"
        raise StudyError(f"{paths.warm_start}: must hold the trials of former sweeps; {reason}; restore it.") from error
    if _checksum(text) != expected:
        rule = "must be the file that was written when the sweep was started"
        raise StudyError(f"{paths.warm_start}: {rule}; its checksum differs from that in sweep.yaml; restore it.")
    record = json.loads(text)
    return WarmStart(tuple(map(FormerTrial.from_json, record["trials"])), tuple(record["notes"]))


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
