"""Atomic writing of files."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
import yaml
from omegaconf import OmegaConf

from mnistsweep.atomic import atomic_write, read_yaml, write_yaml


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "Räume & co/été (2)"


def test_a_file_is_replaced_in_one_step(folder: Path) -> None:
    target = folder / "best.yaml"
    with atomic_write(target) as part:
        part.write_text("first")
        assert not target.exists()
        assert (part.parent, part.suffix) == (folder, ".yaml")
    with atomic_write(target, durable=False) as part:
        part.write_text("second")
        assert target.read_text() == "first"
    assert target.read_text() == "second"
    assert [path.name for path in folder.iterdir()] == ["best.yaml"]


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_an_exception_leaves_the_old_file_and_nothing_else(folder: Path, error: BaseException) -> None:
    target = folder / "best.keras"
    with atomic_write(target) as part:
        part.write_text("old")

    def interrupted() -> None:
        with atomic_write(target) as part:
            part.write_text("half")
            raise error

    with pytest.raises(type(error)):
        interrupted()
    assert target.read_text() == "old"
    assert [path.name for path in folder.iterdir()] == ["best.keras"]


def test_the_permissions_of_a_new_file_follow_the_umask(folder: Path) -> None:
    before = os.umask(0o027)
    try:
        with atomic_write(folder / "a.csv") as part:
            part.write_text("1")
    finally:
        os.umask(before)
    assert stat.S_IMODE((folder / "a.csv").stat().st_mode) == 0o640


def test_yaml_keeps_the_order_of_keys_and_all_letters(folder: Path) -> None:
    record = {"z": 1, "a": [1, 2], "name": "größer 漢", "none": None, "float": 1e-05}
    write_yaml(folder / "a.yaml", record)
    text = (folder / "a.yaml").read_text(encoding="utf-8")
    assert text.startswith("z: 1\n")
    assert "größer 漢" in text
    assert yaml.safe_load(text) == record


@pytest.mark.parametrize(
    "text", ["1e-3", "1e5", "+1E3", ".5", "007", "1_000", "12:30:45", "2024-01-31", "true", "", "x"]
)
def test_a_text_stays_a_text_for_every_reader(folder: Path, text: str) -> None:
    write_yaml(folder / "best.yaml", {"key": text, text: [text]})
    assert OmegaConf.to_container(OmegaConf.load(folder / "best.yaml")) == {"key": text, text: [text]}
    assert read_yaml(folder / "best.yaml") == {"key": text, text: [text]}
