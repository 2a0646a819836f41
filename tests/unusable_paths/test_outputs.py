"""Files that `export` and `show` cannot read or write."""

from __future__ import annotations

from pathlib import Path

import pytest
from refusals import LONG, Breaking, Capture, as_fifo, as_folder, command, refusal, thinned, without
from rights import ordinary_rights

from mnistsweep.path_checks import OUTPUT_FILE, path_fault


@pytest.mark.parametrize("damage", [as_folder, as_fifo, without(0o444)])
def test_a_best_configuration_that_cannot_be_read(damage: Breaking, finished: Path, capfd: Capture) -> None:
    damage(finished / "best.yaml")
    assert refusal(capfd, "export", "sweep").startswith("SWEEP: must name a file that can be read; received 'logs/sw")


OUTPUTS = [
    ("open", "it is a folder"),
    ("dangling", "it is a symbolic link to 'nowhere', which does not exist"),
    ("loop", "it is a symbolic link that leads to itself"),
    ("fifo", "it is a named pipe"),
    ("/dev/null", "it is a device"),
    ("file/x", "'file' above it: it is a file"),
    ("closed/x", "it does not exist, and 'closed' above it: no permission to write"),
    ("closed/file", "'closed' above it: no permission to write"),
    ("locked/x", "'locked' above it: no permission to enter"),
    (LONG, "a name in it is longer than 255 bytes"),
    ("a\nb", "'\\n' in it is a control character"),
    ("", "it is empty"),
]


@pytest.mark.parametrize(("value", "reason"), OUTPUTS, ids=[ascii(value)[:20] for value, _ in OUTPUTS])
def test_the_rule_of_an_output(value: str, reason: str) -> None:
    with ordinary_rights():
        assert path_fault(value, OUTPUT_FILE) == reason


@pytest.mark.parametrize(("output", "reason"), thinned(OUTPUTS, 4, lambda output, _: output[:20]))
@pytest.mark.parametrize("option", ["export --output", "export --model", "show --output"])
def test_an_output_that_cannot_be_written(
    option: str, output: str, reason: str, finished: Path, capfd: Capture
) -> None:
    name, flag = option.split()
    line = refusal(capfd, name, "sweep", *(["0"] if name == "show" else []), flag, output)
    assert line.startswith(f"{flag}: must name a file that can be written; received {repr(output)[:100]}")
    assert f": {reason}; name another one." in line


def test_an_export_with_the_longest_name(finished: Path, capfd: Capture) -> None:
    for name in ("é" * 127, f"a.{'b' * 253}"):
        assert command(capfd, "export", "sweep", "--output", name).code == 0
        assert Path(name).read_text(encoding="utf-8") == (finished / "best.yaml").read_text(encoding="utf-8")


def test_an_export_to_the_standard_output(finished: Path, capfd: Capture) -> None:
    answer = command(capfd, "export", "sweep", "--output", "-")
    assert answer.out == (finished / "best.yaml").read_text(encoding="utf-8")
    assert not Path("-").exists()
