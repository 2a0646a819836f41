"""A private SLURM for all tests of this folder, and sweeps of which the epochs take time without computing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from private_slurm import running_slurm
from running_sweeps import Folder

PACED = """
import os, time
import keras

class Paced(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        time.sleep(float(os.environ.get("PACE_SECONDS", "0")))
"""


@pytest.fixture(scope="session")
def slurm() -> Iterator[Path]:
    """A private SLURM: the folder of its files."""
    with running_slurm() as folder:
        yield folder


@pytest.fixture
def sweeps(slurm: Path, tmp_path: Path, tiny_data: list[str]) -> Folder:
    """A working directory with a space and an apostrophe."""
    folder = tmp_path / "anyone's runs"
    folder.mkdir()
    (folder / "paced_for_tests.py").write_text(PACED)
    return Folder(folder, [*tiny_data, "trainer.callbacks=[{_target_: paced_for_tests.Paced}]", "trainer.threads=1"])
