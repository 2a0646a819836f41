"""The file sweep.yaml."""

from __future__ import annotations

import pytest

from mnistsweep.atomic import write_yaml
from mnistsweep.errors import StudyError
from mnistsweep.paths import SweepPaths
from mnistsweep.study.sweep_file import FORMAT, read_sweep_file

DAMAGED = [
    (b"a: [1", "not valid YAML"),
    (b"\xff\xfe", "not valid YAML|not a text in UTF-8"),
    (b"- a list", "must contain keys with values; received list; restore it"),
    (b"", "must contain keys with values; received nothing; restore it"),
]


@pytest.mark.parametrize(("damage", "reason"), DAMAGED)
def test_a_damaged_sweep_file_is_an_error_that_names_it(paths: SweepPaths, damage: bytes, reason: str) -> None:
    paths.folder.mkdir(parents=True)
    paths.sweep.write_bytes(damage)
    with pytest.raises(StudyError, match=rf"sweep\.yaml: ({reason})"):
        read_sweep_file(paths)


def test_a_folder_of_a_newer_version_is_refused(paths: SweepPaths) -> None:
    write_yaml(paths.sweep, {"mnistsweep": "9.1.0", "format": FORMAT + 1, "plan": {"not": "understood"}})
    before = paths.sweep.read_bytes()
    message = rf"made by a newer mnistsweep \(9\.1\.0, format {FORMAT + 1}\); this one, .* Nothing was changed"
    with pytest.raises(StudyError, match=message):
        read_sweep_file(paths)
    assert paths.sweep.read_bytes() == before
    write_yaml(paths.sweep, {"mnistsweep": "0.1.0", "plan": {}})  # written before formats had numbers
    assert read_sweep_file(paths) == {"mnistsweep": "0.1.0", "plan": {}}
