"""Accuracy and confidence of models on distorted images."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mnistsweep.analysis import arrays
from mnistsweep.analysis.distortions import DISTORTIONS, Distortion, check_images
from mnistsweep.errors import DataError

# Maximum number of images, and maximum number of bytes, that are distorted and predicted at once: limits the memory.
MAX_IMAGES, MAX_BYTES = 4096, 2**26

# Images (n, height, width, channels), float32 from 0 to 1 -> probabilities (seeds, n, classes), or (n, classes) of one
# model.
Predict: TypeAlias = Callable[[NDArray[np.float32]], Any]

# Called after each strength, with the number of finished strengths and their total number.
OnStep: TypeAlias = Callable[[int, int], Any]


@dataclass(frozen=True, eq=False)
class DistortionResponse:
    """Accuracy and confidence of models under one distortion.

    Attributes:
        name: Name of the distortion, such as ``noise``.
        unit: Unit of the strength, such as ``amplitude`` or ``degrees``.
        strengths: Strengths, ``(strengths,)``, ascending; the first is 0, the undistorted image.
        accuracy: Accuracy, ``(seeds, strengths)``, from 0 to 1.
        confidence: Mean of the largest probability, ``(seeds, strengths)``, from 0 to 1.
        description: Sentence that describes the distortion.
    """

    name: str
    unit: str
    strengths: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    confidence: NDArray[np.float64]
    description: str = ""

    def falls_below(self, accuracy: float) -> float | None:
        """Strength at which the mean accuracy over seeds falls below a value, by linear interpolation.

        Args:
            accuracy: Accuracy, 0 to 1.

        Returns:
            The strength; 0 if the accuracy on undistorted images is below the value already; None if it is not below
            the value at any measured strength.

        Example:
            >>> strengths, accuracy = np.array([0.0, 1.0]), np.array([[1.0, 0.6]])
            >>> half = DistortionResponse("blur", "pixels", strengths, accuracy, confidence=np.ones((1, 2)))
            >>> round(half.falls_below(0.8), 3), half.falls_below(0.5)
            (0.5, None)
        """
        mean = self.accuracy.mean(axis=0)
        below = np.flatnonzero(mean < accuracy)
        if not len(below):
            return None
        first = int(below[0])
        if first == 0:
            return 0.0
        share = (mean[first - 1] - accuracy) / (mean[first - 1] - mean[first])
        return float(self.strengths[first - 1] + share * (self.strengths[first] - self.strengths[first - 1]))


@dataclass(frozen=True, eq=False)
class Robustness:
    """Accuracy and confidence of models under several distortions.

    Attributes:
        responses: Response to each distortion.
        examples: One image at each strength, by name of the distortion: ``(strengths, height, width[, 3])``, 0 to 1.
        num_images: Number of images behind each accuracy.
    """

    responses: Sequence[DistortionResponse]
    examples: dict[str, NDArray[np.float64]]
    num_images: int

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Convert to plain arrays for `numpy.savez`, without pickled objects. Files store them by these names."""
        saved: dict[str, NDArray[Any]] = {
            "num_images": np.array(self.num_images),
            "names": np.array([response.name for response in self.responses], dtype=np.str_),
            "units": np.array([response.unit for response in self.responses], dtype=np.str_),
            "words": np.array([response.description for response in self.responses], dtype=np.str_),
        }
        for response in self.responses:
            saved[f"{response.name}.strengths"] = response.strengths
            saved[f"{response.name}.accuracy"] = response.accuracy
            saved[f"{response.name}.confidence"] = response.confidence
            saved[f"{response.name}.examples"] = self.examples[response.name]
        return saved

    @classmethod
    def from_arrays(cls, saved: Mapping[str, NDArray[Any]]) -> Robustness:
        """Convert from the arrays of `to_arrays`.

        Args:
            saved: Arrays by name, for example an opened ``.npz`` file.

        Raises:
            DataError: An array is missing.
        """
        try:
            texts = zip(saved["names"].tolist(), saved["units"].tolist(), saved["words"].tolist(), strict=True)
            responses = [
                DistortionResponse(
                    name,
                    unit,
                    saved[f"{name}.strengths"],
                    saved[f"{name}.accuracy"],
                    saved[f"{name}.confidence"],
                    description,
                )
                for name, unit, description in texts
            ]
            examples = {response.name: saved[f"{response.name}.examples"] for response in responses}
            return cls(responses, examples, int(saved["num_images"]))
        except KeyError as error:
            raise DataError(f"robustness: an array is missing from the file: {error}; measure again.") from error


def measure_robustness(
    predict: Predict,
    images: Any,
    labels: Any,
    distortions: Mapping[str, Distortion] = DISTORTIONS,
    seed: int = 0,
    on_step: OnStep = lambda _done, _total: None,
    example: int = 0,
) -> Robustness:
    """Measure accuracy and confidence on distorted images; all models predict the same images.

    The undistorted images are predicted once; they are strength 0 of every distortion. A distortion uses the same
    random numbers at each strength.

    Args:
        predict: Function from images to probabilities, see `Predict`; each call gets a few thousand images at most.
        images: ``(n, height, width[, channels])``, 0 to 1.
        labels: ``(n,)``, integers from 0 to classes - 1.
        distortions: Distortions by name; `seed` is their seed.
        on_step: Function that is called after each strength, see `OnStep`.
        example: Position of the image that is stored at each strength, for display.

    Raises:
        DataError: The arrays do not fit together, or hold invalid images, probabilities or labels.

    Example:
        >>> measured = measure_robustness(lambda images: np.full((len(images), 2), 0.5), np.zeros((3, 4, 4)), [0, 0, 0])
        >>> measured.responses[0].accuracy[0, 0].item()
        1.0
    """
    given, classes = _check(images, labels)
    steps = [(one, strength) for one in distortions.values() for strength in one.strengths[1:]]
    undistorted = _score(predict, _parts(given), classes)
    scores = {one.name: [undistorted] for one in distortions.values()}
    on_step(1, 1 + len(steps))
    for num_done, (one, strength) in enumerate(steps, 2):
        scores[one.name].append(_score(predict, _parts(given, one, strength, seed), classes))
        on_step(num_done, 1 + len(steps))
    examples = {one.name: _at_each_strength(one, given[[example]], seed) for one in distortions.values()}
    return Robustness([_response(one, scores[one.name]) for one in distortions.values()], examples, len(given))


def _check(images: Any, labels: Any) -> tuple[NDArray[np.float32], NDArray[Any]]:
    """Images with a channel axis, and their labels."""
    given, classes = check_images(images), np.asarray(labels)
    if classes.shape != given.shape[:1]:
        raise DataError(f"labels: must have the shape ({len(given)},), one for each image, received {classes.shape}.")
    return given[..., np.newaxis] if given.ndim == 3 else given, classes


def _at_each_strength(distortion: Distortion, image: NDArray[np.float32], seed: int) -> NDArray[np.float64]:
    """One image at each strength of a distortion, ``(strengths, height, width[, 3])``."""
    distorted = [distortion.apply(image, strength, seed)[0] for strength in distortion.strengths[1:]]
    images = np.stack([image[0], *distorted]).astype(np.float64)
    return images[..., 0] if images.shape[-1] == 1 else images


def _parts(
    images: NDArray[np.float32], distortion: Distortion | None = None, strength: float = 0.0, seed: int = 0
) -> Iterator[NDArray[np.float32]]:
    """Distorted images, a few thousand at a time."""
    size = max(1, min(MAX_IMAGES, MAX_BYTES // max(1, images[:1].nbytes)))
    for start in range(0, len(images), size):
        part = images[start : start + size]
        yield part if distortion is None else distortion.apply(part, strength, (seed, start))


def _score(predict: Predict, parts: Iterable[NDArray[np.float32]], labels: NDArray[Any]) -> NDArray[np.float64]:
    """Accuracy and confidence of each seed, ``(2, seeds)``."""
    sums, start = [], 0
    for part in parts:
        probabilities, classes = arrays.check_seeds(predict(part), labels[start : start + len(part)])
        hits = (probabilities.argmax(axis=2) == classes).sum(axis=1)
        sums.append(np.stack([hits, probabilities.max(axis=2).sum(axis=1)]))
        start += len(part)
    return np.asarray(np.sum(sums, axis=0) / len(labels))


def _response(distortion: Distortion, scores: Sequence[NDArray[np.float64]]) -> DistortionResponse:
    accuracy, confidence = np.stack(scores, axis=-1)
    strengths = np.array(distortion.strengths, dtype=np.float64)
    return DistortionResponse(distortion.name, distortion.unit, strengths, accuracy, confidence, distortion.description)
