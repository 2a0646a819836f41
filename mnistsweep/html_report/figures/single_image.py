"""Figure of one image beside its predicted probabilities, with their range over seeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from mnistsweep.html_report.figures import style
from mnistsweep.text import shorten

# Maximum number of classes in the figure: of more, the most probable ones and the label are drawn.
MAX_CLASSES = 12

MAX_NAME_LENGTH = 16


def draw_image(
    image: NDArray[Any] | None, probabilities: NDArray[Any], label: int, class_names: Sequence[str], index: int
) -> Figure:
    """Draw one image and its predicted probabilities.

    A bar is the probability by the committee (the mean over seeds), a dot that by one seed; the line is from the
    minimum to the maximum over seeds.

    Args:
        image: Image from 0 to 1, ``(height, width)`` or ``(height, width, 3)``; None where the input is no image.
        probabilities: Predicted probabilities of this image, ``(seeds, classes)``.
        label: Label of the image.
        class_names: Names of the classes.
        index: Index of the image in the test set, for the title.

    Example:
        >>> drawing = draw_image(np.zeros((28, 28)), np.array([[0.75, 0.25], [0.5, 0.5]]), 0, ["cat", "dog"], 7)
        >>> drawing.get_suptitle()
        'image 7: label cat, prediction cat (62.50 %)'
    """
    mean = probabilities.mean(axis=0)
    guess, shown = int(mean.argmax()), classes_shown(mean, label)
    ratios = [1] if image is None else [2, 3]
    with style.applied():
        figure, all_axes = style.new_figure(
            1, len(ratios), height=max(2.4, 0.6 + 0.24 * len(shown)), width_ratios=ratios
        )
        if image is not None:
            all_axes[0].imshow(image, cmap="gray", vmin=0, vmax=1)
            all_axes[0].axis("off")
        _draw_bars(all_axes[-1], probabilities[:, shown], [_color(one, label, guess) for one in shown])
        all_axes[-1].set_yticks(range(len(shown)), [_name(class_names[one]) for one in shown])
        names = [_name(class_names[one]) for one in (label, guess)]
        title = f"image {index}: label {names[0]}, prediction {names[1]} ({100 * mean[guess]:.2f} %)"
        figure.suptitle(title, x=0.01, ha="left", fontsize=9.5)
        figure.legend(handles=_legend(label, guess, len(probabilities)), loc="outside lower right", ncols=4, fontsize=8)
    return figure


def _draw_bars(axes: Axes, probabilities: NDArray[Any], colors: Sequence[str]) -> None:
    """Draw one bar for each class, its mean over seeds, with the values of the seeds if there are several."""
    count = probabilities.shape[1]
    axes.barh(range(count), probabilities.mean(axis=0), color=colors, height=0.7)
    if len(probabilities) > 1:
        _draw_seeds(axes, probabilities)
    axes.set(xlim=(0, 1.02), ylim=(count - 0.4, -0.6), xlabel="probability")


def classes_shown(mean: NDArray[Any], label: int) -> NDArray[np.int64]:
    """Return the classes to draw: all in their order, or of many the most probable ones and the label.

    Example:
        >>> classes_shown(np.array([0.0] * 20 + [0.25, 0.75]), 15)[[0, 1, -1]].tolist()
        [21, 20, 15]
    """
    if len(mean) <= MAX_CLASSES:
        return np.arange(len(mean))
    best = np.argsort(-mean, kind="stable")[:MAX_CLASSES]
    return best if label in best else np.append(best[:-1], label)


def _name(class_name: str) -> str:
    return style.escape_math(shorten(class_name, MAX_NAME_LENGTH))


def _color(one: int, label: int, guess: int) -> str:
    return style.GREEN if one == label else style.VERMILION if one == guess else style.GREY


def _draw_seeds(axes: Axes, probabilities: NDArray[Any]) -> None:
    places = np.arange(probabilities.shape[1])
    axes.hlines(places, probabilities.min(axis=0), probabilities.max(axis=0), color=style.INK, linewidth=1.2)
    # Dots of different seeds have different heights, so that equal probabilities can be counted.
    offsets = np.linspace(-0.2, 0.2, len(probabilities))[:, np.newaxis]
    x, y = probabilities.ravel(), (places + offsets).ravel()
    axes.scatter(x, y, s=14, facecolor=style.ORANGE, edgecolor=style.INK, linewidth=0.6, zorder=3, clip_on=False)


def _legend(label: int, guess: int, seeds: int) -> list[Any]:
    entries: list[Any] = [Patch(color=style.GREEN, label="label" if label != guess else "label and prediction")]
    if label != guess:
        entries.append(Patch(color=style.VERMILION, label="prediction"))
    if seeds > 1:
        label_text = f"{seeds} seeds, minimum to maximum"
        line = Line2D([], [], color=style.INK, marker="o", linewidth=1.2, label=label_text)
        line.set(markerfacecolor=style.ORANGE, markeredgewidth=0.6)
        entries.append(line)
    return entries
