"""Random distortions of training images: rotation, shift, shear and zoom as one affine map per image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistsweep.seeds import epoch_generator

# Exclusive upper limits: at the limit an image can leave the frame or collapse to a line.
LIMITS = {"rotation": 360.0, "shift": 1.0, "shear": 90.0, "zoom": 1.0}

# Number of images per call; it bounds the memory of a call to some tens of megabytes for MNIST.
CHUNK = 8192


@dataclass(frozen=True)
class Augmentation:
    """Maximum distortions. Each image of each epoch draws its own, uniformly between minus and plus these values.

    Attributes:
        rotation: Degrees, about the centre of the image, in both directions.
        shift: Fraction of the side, along the width and along the height independently.
        shear: Degrees by which vertical lines lean, in both directions.
        zoom: Fraction: 0.1 draws a magnification from 0.9 to 1.1, the same for width and height.
        background: Value of a black pixel after scaling, one per channel or one for all. It fills the corners that
            a distortion uncovers.
    """

    rotation: float = 0.0
    shift: float = 0.0
    shear: float = 0.0
    zoom: float = 0.0
    background: tuple[float, ...] = (0.0,)

    def apply(self, images: NDArray[Any], seed: int, epoch: int) -> NDArray[Any]:
        """Distort each image by a different random map.

        A pure function of its arguments, so that a resumed training sees the same images as an uninterrupted one. The
        map of an image depends on its position, not on the number of images.

        Args:
            images: ``(n, height, width, channels)``, scaled.
            seed: The trial's seed, at least 0.
            epoch: Epoch that the images are for, at least 0.

        Returns:
            A new array of the same shape and dtype.

        Example:
            >>> images = np.zeros((2, 28, 28, 1), np.float32)
            >>> Augmentation(rotation=10, shift=0.1).apply(images, seed=1, epoch=0).shape
            (2, 28, 28, 1)
        """
        import keras

        transforms = self.transforms(images.shape, seed, epoch)
        background = np.asarray(self.background, images.dtype)
        distorted = np.empty_like(images)
        for start in range(0, len(images), CHUNK):
            part = slice(start, start + CHUNK)
            # Keras fills all channels with one constant. After subtracting the background that constant is 0.
            moved = keras.ops.image.affine_transform(
                images[part] - background,
                transforms[part],
                interpolation="bilinear",
                fill_mode="constant",
                fill_value=0.0,
                data_format="channels_last",
            )
            distorted[part] = keras.ops.convert_to_numpy(moved) + background
        return distorted

    def transforms(self, shape: tuple[int, ...], seed: int, epoch: int) -> NDArray[np.float32]:
        """Draw the maps in the form of ``keras.ops.image.affine_transform``: from output to input coordinates.

        With x to the right, y downwards and the centre of the image as origin, a pixel goes to
        ``R(angle) @ S(lean) @ (magnification * p) + shift``, where R rotates and S adds ``tan(lean) * y`` to x.

        Args:
            shape: ``(n, height, width, channels)``.
            seed: The trial's seed.
            epoch: The epoch.

        Returns:
            ``(n, 8)``: the rows ``[a0, a1, a2, b0, b1, b2, 0, 0]`` of the inverse maps.
        """
        count, height, width = shape[:3]
        # Always five draws per image: enabling one distortion does not change the others.
        draws = epoch_generator(seed, epoch).uniform(-1.0, 1.0, size=(count, 5))
        forward = self._linear(draws[:, 0], draws[:, 1], draws[:, 2])
        shift = self.shift * draws[:, 3:5] * (width, height)
        centre = np.array([(width - 1) / 2, (height - 1) / 2])
        inverse = np.linalg.inv(forward)
        offset = centre - np.einsum("nij,nj->ni", inverse, centre + shift)
        return np.column_stack(
            [inverse[:, 0], offset[:, 0], inverse[:, 1], offset[:, 1], np.zeros((count, 2))],
        ).astype(np.float32)

    def _linear(
        self, turn: NDArray[np.float64], lean: NDArray[np.float64], grow: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Rotation after shear after zoom, ``(n, 2, 2)``, from draws between -1 and 1."""
        angle = np.radians(self.rotation) * turn
        slope = np.tan(np.radians(self.shear) * lean)
        cosine, sine = np.cos(angle), np.sin(angle)
        rows = [[cosine, cosine * slope - sine], [sine, sine * slope + cosine]]
        return np.moveaxis(np.array(rows), -1, 0) * (1.0 + self.zoom * grow)[:, None, None]
