"""A working directory in which nothing is trained, and data that cannot be used."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data that cannot be used, and some that can."""
    folder = tmp_path_factory.mktemp("files à part")
    images, labels = np.zeros((40, 6, 6), np.uint8), (np.arange(40) % 4).astype(np.uint8)
    whole = {"x_train": images, "y_train": labels, "x_test": images, "y_test": labels}
    np.savez(folder / "right.npz", **whole)
    np.savez(folder / "other.npz", **(whole | {"x_train": images + 1}))
    np.savez(folder / "lengths.npz", **(whole | {"y_train": labels[:30]}))
    np.savez(folder / "gap.npz", **(whole | {"y_train": np.where(labels == 2, 3, labels).astype(np.uint8)}))
    (folder / "damaged.npz").write_bytes((folder / "right.npz").read_bytes()[:1000])
    idx = folder / "magic"
    idx.mkdir()
    for part in ("train", "t10k"):
        body = struct.pack(">4I", 0x804, 40, 6, 6) + images.tobytes()
        (idx / f"{part}-images-idx3-ubyte").write_bytes(body)
        content = struct.pack(">2I", 0x801, 40) + labels.tobytes()
        (idx / f"{part}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(content))
    return folder


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory in which nothing is trained."""

    def start(*arguments: Any, **keywords: Any) -> Any:
        raise AssertionError("it was not refused")

    monkeypatch.setattr("mnistsweep.workers.supervisor.run_workers", start)
    monkeypatch.setattr("mnistsweep.commands.train._train", start)
    monkeypatch.chdir(tmp_path)
    return tmp_path
