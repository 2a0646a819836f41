"""Drawings of inputs, targets and predictions that are images or series, in rows below each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mnistsweep.html_report.figures import style
from mnistsweep.html_report.shown_inputs import ShownInputs

# Number of examples in a drawing.
MAX_EXAMPLES = 8


def draw_image_rows(rows: Sequence[tuple[str, NDArray[Any], bool]], titles: Sequence[str]) -> Figure:
    """Draw images of several examples, a row for each kind: input, target, prediction.

    Args:
        rows: Name of the row, images ``(n, height, width)`` or with three colours, and whether they are class numbers.
        titles: Title of each example.
    """
    count = len(titles)
    with style.applied():
        height = 0.3 + len(rows) * 7.0 / max(count, 4)
        figure, axes = style.new_figure(len(rows), count, height=height)
        for row, (name, images, are_classes) in enumerate(rows):
            low, high = _range(images)
            for column, image in enumerate(images):
                place = axes[row * count + column]
                options: dict[str, Any] = {"vmin": low, "vmax": high} if image.ndim == 2 else {}
                place.imshow(image, cmap=style.COLORMAP if are_classes else "gray", interpolation="nearest", **options)
                place.set(xticks=[], yticks=[])
                place.spines[:].set_visible(False)
                if column == 0:
                    place.set_ylabel(name)
                if row == 0:
                    place.set_title(style.escape_math(titles[column]), fontsize=8)
    return figure


def draw_curve_rows(truth: NDArray[Any], predicted: NDArray[Any], titles: Sequence[str]) -> Figure:
    """Draw target and prediction of several examples as curves over their elements.

    Args:
        truth: ``(n, elements)``.
        predicted: ``(n, elements)``.
        titles: Title of each example.
    """
    columns = min(4, len(titles))
    rows = -(-len(titles) // columns)
    with style.applied():
        figure, axes = style.new_figure(rows, columns, height=0.4 + 1.7 * rows, sharey=True)
        for place, true, guess, title in zip(axes, truth, predicted, titles, strict=False):
            place.plot(true, color=style.GREEN, linewidth=1.2, label="target")
            place.plot(guess, color=style.ORANGE, linewidth=1.2, label="prediction")
            place.set_title(style.escape_math(title), fontsize=8)
            place.tick_params(labelsize=7)
        for empty in axes[len(titles) :]:
            empty.axis("off")
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper right", ncols=2, fontsize=8)
    return figure


def draw_array(
    inputs: ShownInputs, predicted: NDArray[Any], truth: NDArray[Any], are_classes: bool, index: int
) -> Figure:
    """Draw one predicted array beside its target: as images where they are, otherwise as curves over their elements.

    Args:
        inputs: Inputs of the test set.
        predicted: Predicted array of this example.
        truth: Target of this example.
        are_classes: Whether both hold class numbers.
        index: Index of the example in the test set.
    """
    title = f"{inputs.words.one} {index}"
    pair = [one[np.newaxis] for one in (truth, predicted)]
    if are_classes and truth.ndim == 2:
        rows = [("target", pair[0], True), ("prediction", pair[1], True)]
    elif are_images(pair[0]):
        rows = [(name, displayed(one, truth), False) for name, one in zip(("target", "prediction"), pair, strict=True)]
    else:
        return draw_curve_rows(truth.reshape(1, -1), predicted.reshape(1, -1), [title])
    if inputs.images is not None:
        rows.insert(0, ("input", inputs.images[index : index + 1], False))
    return draw_image_rows(rows, [title])


def are_images(arrays: NDArray[Any]) -> bool:
    """Return whether arrays can be drawn as images: ``(n, height, width)`` with one or three channels."""
    return arrays.ndim == 4 and arrays.shape[-1] in (1, 3) and min(arrays.shape[1:3]) > 1


def displayed(images: NDArray[Any], truth: NDArray[Any]) -> NDArray[Any]:
    """Return images from 0 to 1 by the range of their targets, gray ones without a channel axis.

    Args:
        images: ``(n, height, width, channels)``.
        truth: Targets in any shape.
    """
    low, high = float(truth.min()), float(truth.max())
    shown = ((images.astype(np.float64) - low) / max(high - low, 1e-12)).clip(0, 1)
    return np.asarray(shown[..., 0] if shown.shape[-1] == 1 else shown)


def _range(images: NDArray[Any]) -> tuple[float, float]:
    low, high = float(np.min(images)), float(np.max(images))
    return low, high if high > low else low + 1
