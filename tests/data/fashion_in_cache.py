"""Run by test_sources in a process of its own: fills Keras's cache, then loads Fashion-MNIST from it."""

from __future__ import annotations

import gzip
import json
import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np

from mnistsweep import data
from mnistsweep.data import settings
from mnistsweep.errors import DataError

NAMES = {"train": (40, "train"), "test": (12, "t10k")}


def fill(folder: Path) -> dict[str, Any]:
    rng, arrays = np.random.default_rng(1), {}
    folder.mkdir(parents=True)
    for side, (count, stem) in NAMES.items():
        images = arrays[f"x_{side}"] = rng.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        labels = arrays[f"y_{side}"] = (np.arange(count) % 4).astype(np.uint8)
        header = struct.pack(">4I", 2051, count, 28, 28)
        (folder / f"{stem}-images-idx3-ubyte.gz").write_bytes(gzip.compress(header + images.tobytes()))
        header = struct.pack(">2I", 2049, count)
        (folder / f"{stem}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(header + labels.tobytes()))
    return arrays


def main() -> None:
    folder = Path(sys.argv[1]) / "datasets" / "fashion-mnist"
    arrays = fill(folder)
    config = {"_target_": settings.FASHION_MNIST, "validation": 8}
    data.check(config)
    outcome: dict[str, Any] = {"check_imports_keras": "keras" in sys.modules}
    dataset, test = data.load(config), data.load_test(config)
    outcome["sizes"] = [len(dataset.train), len(dataset.validation), len(test)]
    outcome["input_shape"] = dataset.input_shape
    outcome["equal"] = bool(
        np.array_equal(dataset.train.inputs[..., 0], arrays["x_train"][:32].astype("float32") / 255)
        and np.array_equal(dataset.validation.targets, arrays["y_train"][32:])
        and np.array_equal(test.inputs[..., 0], arrays["x_test"].astype("float32") / 255)
    )
    outcome["checksum"] = data.checksum(config)
    outcome["by_target"] = data.checksum(config | {"_target_": "keras.datasets.fashion_mnist.load_data"})
    file = folder / "train-images-idx3-ubyte.gz"
    file.write_bytes(file.read_bytes()[:1000])
    try:
        data.load(config)
    except DataError as error:
        outcome["damaged"] = str(error)
    print(json.dumps(outcome))


main()
