"""The recipes of `containers/`: both install the same files, and these are all that a wheel is built from."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "containers" / "Dockerfile").read_text(encoding="utf-8")
APPTAINER = (ROOT / "containers" / "mnistsweep.def").read_text(encoding="utf-8")


def copied_by_docker() -> set[str]:
    lines = [line.split()[1:-1] for line in DOCKERFILE.splitlines() if line.startswith("COPY ")]
    return {name for names in lines for name in names}


def section(name: str) -> list[str]:
    """Lines of a section of the recipe for Apptainer."""
    found = re.search(rf"^%{name}\n(.*?)(?=^%|\Z)", APPTAINER, re.MULTILINE | re.DOTALL)
    assert found is not None
    return [line.strip() for line in found[1].splitlines() if line.strip()]


def build_wheel(source: Path, target: Path) -> list[str]:
    program = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(target)]
    subprocess.run(program, cwd=source, check=True, capture_output=True)
    (file,) = target.iterdir()
    return sorted(zipfile.ZipFile(file).namelist())


def test_both_recipes_install_the_same_files_in_the_same_way() -> None:
    pairs = [line.split() for line in section("files")]
    assert {source for source, _ in pairs} == copied_by_docker()
    assert all(target == f"/src/{source}" for source, target in pairs)
    (base,) = re.findall(r"^FROM (\S+)$", DOCKERFILE, re.MULTILINE)
    assert f"\nFrom: {base}\n" in APPTAINER
    (extras,) = re.findall(r"^ARG (EXTRAS=\S+)$", DOCKERFILE, re.MULTILINE)
    assert section("arguments") == [extras]
    install = section("post")[0]
    assert f"RUN {install.replace('{{ EXTRAS }}', '$EXTRAS')} && " in DOCKERFILE


@pytest.mark.slow
def test_the_files_suffice_for_the_wheel(tmp_path: Path) -> None:
    for name in copied_by_docker():
        source, target = ROOT / name, tmp_path / "src" / name
        target.parent.mkdir(exist_ok=True)
        shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
    assert build_wheel(tmp_path / "src", tmp_path / "few") == build_wheel(ROOT, tmp_path / "all")
