"""Whether a start asks for the same as an earlier start of the sweep, found out without its data and its models.

So a complete sweep that is started again is recognized in a fraction of a second. ``sweep.yaml`` keeps a checksum of
what was asked for. Where it differs, or is missing, the sweep is planned as usual, which reads the data, builds the
models, and decides whether the search is the same.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mnistsweep.checksums import file_checksum
from mnistsweep.config.schema import CONTINUABLE_KEYS
from mnistsweep.json_values import sorted_text
from mnistsweep.path_texts import expanded, text_fault
from mnistsweep.planning.plan import Plan
from mnistsweep.planning.plan_file import plan_from_json
from mnistsweep.planning.same_search import fingerprint
from mnistsweep.study.sweep_file import read_sweep_file
from mnistsweep.target_source import source_file
from mnistsweep.version import __version__

REQUEST = "request"
"""Key of ``sweep.yaml`` with the checksum of what was asked for at the last start."""


# Maximum number of files of the data that are looked at; with more, the data themselves are read.
MAX_FILES = 10_000


def request_checksum(draft: Plan) -> str:
    """Compute the checksum of what is asked for.

    It covers the keys that define the search, as they are written, the version of this program, size and time of the
    files that the data names, and the content of the modules with the user's loader and model.

    Args:
        draft: Plan without what only the data and the models can tell.

    Returns:
        64 hexadecimal digits; empty where a repetition cannot be recognized: there are too many files, or one cannot be
        read.
    """
    config = draft.config
    named = [group.get("_target_") for group in (config.data, config.model) if isinstance(group, Mapping)]
    try:
        files = {str(path): _state(path) for path in itertools.islice(_data_files(config.data), MAX_FILES + 1)}
        code = {str(path): file_checksum(path) for path in map(source_file, map(str, filter(None, named))) if path}
    except OSError:  # the checks of the data and the model explain it
        return ""
    if len(files) > MAX_FILES:
        return ""
    return hashlib.sha256(sorted_text([fingerprint(draft), __version__, files, code]).encode()).hexdigest()


def repeated_plan(draft: Plan) -> Plan | None:
    """Find the plan of the sweep that a draft asks for, with the budgets and the other free keys of the draft.

    Args:
        draft: Plan without what only the data and the models can tell.

    Returns:
        The plan; None if the sweep does not exist, or if it is not known that it was asked for in the same way.

    Raises:
        StudyError: ``sweep.yaml`` cannot be read.
    """
    if not draft.request or not draft.paths.sweep.is_file():
        return None
    record = read_sweep_file(draft.paths)
    if record.get(REQUEST) != draft.request:
        return None
    stored = plan_from_json(record["plan"])
    free = {key: getattr(draft.config, key) for key in (*CONTINUABLE_KEYS, "storage") if "." not in key}
    return replace(stored, config=replace(stored.config, **free), hydra=draft.hydra, request=draft.request)


def _data_files(value: Any) -> Iterator[Path]:
    """Files and folders that the values of the data name, and everything below such a folder."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for item in value:
            yield from _data_files(item)
    elif isinstance(value, str) and text_fault(value) is None and expanded(value).exists():
        yield (path := expanded(value))
        yield from path.rglob("*") if path.is_dir() else ()


def _state(path: Path) -> list[int]:
    found = path.stat()
    return [found.st_size, found.st_mtime_ns]
