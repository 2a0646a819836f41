"""The command that ``sweep.yaml`` and the report page show."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from mnistsweep.planning.provenance import mask_command, provenance

pytestmark = pytest.mark.usefixtures("no_secrets")


def test_the_command_has_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/bin/mnistsweep", "sweep", "+data.token=a b", "name='a b'", "storage=x://u:p@h"])
    command = provenance()["command"]
    assert command == "mnistsweep sweep '+data.token=***' 'name='\"'\"'a b'\"'\"'' 'storage=x://u:***@h'"
    assert mask_command(command) == command


@pytest.mark.parametrize(
    ("command", "masked"),
    [
        ("mnistsweep sweep +data.token='a b' x=1", "mnistsweep sweep '+data.token=***' x=1"),
        ('mnistsweep sweep "a=1"', 'mnistsweep sweep "a=1"'),
        ("mnistsweep sweep +data.token='abc", "mnistsweep sweep +data.token=***"),
    ],
)
def test_commands_of_earlier_versions(command: str, masked: str) -> None:
    assert mask_command(command) == masked


def test_a_sweep_can_start_on_a_machine_without_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert provenance("mnistsweep sweep")["git"] is None
