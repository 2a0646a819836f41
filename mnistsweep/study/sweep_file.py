"""The file ``sweep.yaml``: its format number, and how it is read."""

from __future__ import annotations

from typing import Any

import yaml

from mnistsweep.atomic import read_yaml
from mnistsweep.errors import StudyError
from mnistsweep.paths import SweepPaths
from mnistsweep.version import __version__
from mnistsweep.yaml_errors import describe_yaml_error

FORMAT = 2
"""Format number of the files in a sweep's folder.

A program reads folders of its own format and of older ones. The number is raised when an older program would misread
the files. Format 2: the ledger holds the running time of the sweep, and with each result its position in the order of
results.
"""


def read_sweep_file(paths: SweepPaths) -> dict[str, Any]:
    """Read ``sweep.yaml``: the plan of the sweep, versions, git revision, data checksum.

    Args:
        paths: Paths of the sweep's files.

    Raises:
        StudyError: The file cannot be read, or a newer version of this program wrote it.
    """
    try:
        record = read_yaml(paths.sweep)
        if not isinstance(record, dict):
            received = "nothing" if record is None else type(record).__name__
            raise StudyError(f"{paths.sweep}: must contain keys with values; received {received}; restore it.")
        found = int(record.get("format", FORMAT))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise StudyError(describe_yaml_error(error, paths.sweep)) from error
    except (OSError, ValueError, TypeError) as error:
        raise StudyError(f"{paths.sweep}: cannot be read: {error}") from error
    if found > FORMAT:
        raise StudyError(
            f"{paths.folder}: made by a newer mnistsweep ({record.get('mnistsweep')}, format {found}); this one, "
            f"{__version__}, reads formats up to {FORMAT}. Nothing was changed; pip install --upgrade mnistsweep."
        )
    return record
