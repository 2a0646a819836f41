"""Mistakes in the configuration files of users."""

from __future__ import annotations

from pathlib import Path

import pytest
from bad_input import Capture, matches, refused


def test_a_sweep_of_ones_own_with_mistakes(elsewhere: Path, capfd: Capture) -> None:
    (elsewhere / "sweeps").mkdir()
    (elsewhere / "sweeps" / "mine.yaml").write_text(
        "trainr: {epochs: 1}\ntrainer: {epoch: 2, repeats: 1.5}\nhydra: {sweeper: {params: {model.drpout: '0,0.1'}}}\n",
        encoding="utf-8",
    )
    (elsewhere / "sweeps" / "broken.yaml").write_text("trainer: {epochs: 1\n", encoding="utf-8")
    matches(
        refused(capfd, "sweep", "mine"),
        (
            r"^model\.drpout: .*'model\.dropout'\?",
            r"^trainr: .*'trainer'\?",
            r"^trainer\.epoch: .*'trainer\.epochs'\?",
            r"^trainer\.repeats: must be a whole number; received 1\.5\.$",
        ),
    )
    matches(
        refused(capfd, "sweep", "broken"),
        (r"sweeps/broken\.yaml: not valid YAML: line 1, column 10: a bracket is closed",),
    )


@pytest.mark.parametrize("content", [b"a: [1", b"a: \xff", b"only a text", b""])
def test_a_damaged_preset_does_not_hide_the_fault_of_another_key(
    content: bytes, tmp_path: Path, capfd: Capture
) -> None:
    """The presets of the group are read for a hint."""
    folder = tmp_path / "own" / "model"
    folder.mkdir(parents=True)
    (folder / "damaged.yaml").write_bytes(content)
    found = refused(capfd, "train", "--config-dir", str(folder.parent), "model.text=1")
    matches(found, (r"^model\.text: there is no such key; .*",))


def test_a_primary_configuration_of_ones_own_with_mistakes(elsewhere: Path, capfd: Capture) -> None:
    (elsewhere / "mine.yaml").write_text("defaults: [config, {override model: percepton}, _self_]\n", encoding="utf-8")
    lines = refused(capfd, "train", "--config-dir", ".", "--config-name", "mine")
    matches(lines, (r"^model: there is no 'percepton'; did you mean 'perceptron'\?",))
    matches(refused(capfd, "train", "--config-dir", ".", "--config-name", "mien"), (r"^--config-name: .*'mine'\?",))
