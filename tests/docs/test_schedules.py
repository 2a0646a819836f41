"""`docs/schedules.md`: its commands are commands of this program, and its tables are complete."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import textwrap
from pathlib import Path

import pytest
import yaml

from mnistsweep.command_parser import EXIT_CODES
from mnistsweep.config.recipe import Recipe
from mnistsweep.planning.planner import draft_sweep

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "schedules.md").read_text(encoding="utf-8")


def block_after(title: str, which: int = 0) -> str:
    """One of the indented blocks below a heading."""
    section = PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    return textwrap.dedent(re.findall(r"(?:^    .*\n|(?<=\n)\n(?=    ))+", section, re.MULTILINE)[which]).strip()


def manifest() -> dict[str, object]:
    found: dict[str, object] = yaml.safe_load(PAGE.partition("```yaml\n")[2].partition("```")[0])
    return found


def words_of_kubernetes() -> list[str]:
    (container,) = manifest()["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]  # type: ignore[index]
    return [*container["command"], *container["args"]]


def words_of_systemd() -> list[str]:
    (line,) = [line for line in block_after("systemd").splitlines() if line.startswith("ExecStart=")]
    return line.removeprefix("ExecStart=").replace("$$", "$").replace("%%", "%").split()


def words_of_cron() -> list[str]:
    return shlex.split(block_after("cron").splitlines()[-1].partition("&& ")[2].replace("\\%", "%").partition(" >>")[0])


def words_of_scrontab() -> list[str]:
    return shlex.split(block_after("scrontab (SLURM)").splitlines()[-1].replace("\\%", "%"))[5:]


@pytest.mark.parametrize("words", [words_of_kubernetes, words_of_systemd, words_of_cron, words_of_scrontab])
@pytest.mark.usefixtures("no_secrets")
def test_the_commands_start_a_sweep(words: object, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOOK", "https://example.org/hook")
    program, command, name, *overrides = words()  # type: ignore[operator]
    assert (program.rpartition("/")[2], command) == ("mnistsweep", "sweep")
    draft = draft_sweep(Recipe(overrides=(f"+sweeps={name}", *overrides)))
    assert not draft.faults.any
    config = draft.plan.config
    assert re.fullmatch(r"nightly-\d{4}-\d\d-\d\d", str(config.name))
    assert (config.hours, config.if_running) == (6, "skip")
    assert config.notify.url == ("https://example.org/hook" if words is words_of_kubernetes else None)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    program = tmp_path / "project/.venv/bin/mnistsweep"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    units = [tmp_path / "mnistsweep.service", tmp_path / "mnistsweep.timer"]
    for index, unit in enumerate(units):
        unit.write_text(block_after("systemd", index).replace("%h", str(tmp_path)) + "\n")
    command = ["systemd-analyze", "verify", "--man=no", *map(str, units)]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not [line for line in found.stderr.splitlines() if "mnistsweep" in line]


def test_kubernetes_accepts_the_manifest() -> None:
    kubernetes_validate = pytest.importorskip("kubernetes_validate")
    for version in ("1.29", kubernetes_validate.latest_version()):
        kubernetes_validate.validate(manifest(), version, strict=True)
    wrong = json.loads(json.dumps(manifest()).replace("backoffLimit", "backOffLimit"))
    with pytest.raises(kubernetes_validate.ValidationError, match="backOffLimit"):
        kubernetes_validate.validate(wrong, version, strict=True)


def test_the_tables_are_complete() -> None:
    schema = json.loads((ROOT / "mnistsweep/commands/status.schema.json").read_text(encoding="utf-8"))
    tables = "".join(line for line in PAGE.splitlines() if line.startswith("|"))
    assert [key for key in schema["properties"] if f"`{key}`" not in tables] == []
    codes = re.findall(r"\b\d+\b", " ".join(line[:10] for line in EXIT_CODES.splitlines()))
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for page in (PAGE, readme):
        listed = re.findall(r"^\| (\d+(?:, \d+)?) \|", page, re.MULTILINE)
        assert ", ".join(listed).split(", ") == codes
