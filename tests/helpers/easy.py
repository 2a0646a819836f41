"""Data that are so easy to learn that a trained model finds planted wrong labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def write_easy_data(folder: Path) -> Path:
    """Write an `.npz` file like `tiny_file`, with more examples (300 and 20) and less noise."""
    rng = np.random.default_rng(12)
    labels = (np.arange(320) % 4).astype(np.uint8)
    images = rng.integers(0, 120, (320, 6, 6))
    for image, label in zip(images, labels, strict=True):
        row, column = 3 * (label // 2), 3 * (label % 2)
        image[row : row + 3, column : column + 3] += 60
    images = images.astype(np.uint8)
    np.savez(folder / "easy.npz", x_train=images[:300], y_train=labels[:300], x_test=images[300:], y_test=labels[300:])
    return folder / "easy.npz"
