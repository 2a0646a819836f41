"""One image beside the probabilities of its classes, with their spread over seeds."""

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

# With more classes only the most probable ones are drawn, and the label.
MAX_CLASSES = 12


def draw_image(
    image: NDArray[Any] | None, probabilities: NDArray[Any], label: int, class_names: Sequence[str], index: int
) -> Figure:
    """Draw one image and what the models say of it.

    A bar is the committee's probability (the mean over seeds), a dot is one seed's, the line goes from the least to
    the most.

    Args:
        image: ``(height, width)``, gray, or ``(height, width, 3)``, from 0 to 1; None where the input is no image.
        probabilities: Of this image, ``(seeds, classes)``.
        label: Its class.
        class_names: One a class.
        index: Its position in the test set, for the title.

    Returns:
        The drawing.

    Example:
        >>> drawing = draw_image(np.zeros((28, 28)), np.array([[0.75, 0.25], [0.5, 0.5]]), 0, ["cat", "dog"], 7)
        >>> drawing.get_suptitle()
        'image 7: label cat, prediction cat (62.50 %)'
    """
    mean = probabilities.mean(axis=0)
    guess, shown = int(mean.argmax()), classes_shown(mean, label)
    columns = 1 if image is None else 2
    ratios = [1] if image is None else [2, 3]
    with style.applied():
        figure, all_axes = style.new_figure(1, columns, height=max(2.4, 0.6 + 0.24 * len(shown)), width_ratios=ratios)
        if image is not None:
            all_axes[0].imshow(image, cmap="gray", vmin=0, vmax=1)
            all_axes[0].axis("off")
        axes = all_axes[-1]
        colors = [_color(one, label, guess) for one in shown]
        axes.barh(range(len(shown)), mean[shown], color=colors, height=0.7)
        if len(probabilities) > 1:
            _draw_seeds(axes, probabilities[:, shown])
        axes.set_yticks(range(len(shown)), [style.escape_math(shorten(class_names[one], 16)) for one in shown])
        axes.set(xlim=(0, 1.02), ylim=(len(shown) - 0.4, -0.6), xlabel="probability")
        names = [style.escape_math(shorten(class_names[one], 16)) for one in (label, guess)]
        title = f"image {index}: label {names[0]}, prediction {names[1]} ({100 * mean[guess]:.2f} %)"
        figure.suptitle(title, x=0.01, ha="left", fontsize=9.5)
        figure.legend(handles=_legend(label, guess, len(probabilities)), loc="outside lower right", ncols=4, fontsize=8)
    return figure


def classes_shown(mean: NDArray[Any], label: int) -> NDArray[np.int64]:
    """Which classes a drawing has room for: all in their order, or of many the most probable ones and the label.

    Example:
        >>> classes_shown(np.array([0.0] * 20 + [0.25, 0.75]), 15)[[0, 1, -1]].tolist()
        [21, 20, 15]
    """
    if len(mean) <= MAX_CLASSES:
        return np.arange(len(mean))
    best = np.argsort(-mean, kind="stable")[:MAX_CLASSES]
    return best if label in best else np.append(best[:-1], label)


def _color(one: int, label: int, guess: int) -> str:
    return style.GREEN if one == label else style.VERMILION if one == guess else style.GREY


def _draw_seeds(axes: Axes, probabilities: NDArray[Any]) -> None:
    places = np.arange(probabilities.shape[1])
    axes.hlines(places, probabilities.min(axis=0), probabilities.max(axis=0), color=style.INK, linewidth=1.2)
    # Seeds stand a little apart, so that equal ones can be counted.
    offsets = np.linspace(-0.2, 0.2, len(probabilities))[:, np.newaxis]
    x, y = probabilities.ravel(), (places + offsets).ravel()
    axes.scatter(x, y, s=14, facecolor=style.ORANGE, edgecolor=style.INK, linewidth=0.6, zorder=3, clip_on=False)


def _legend(label: int, guess: int, seeds: int) -> list[Any]:
    entries: list[Any] = [Patch(color=style.GREEN, label="label" if label != guess else "label and prediction")]
    if label != guess:
        entries.append(Patch(color=style.VERMILION, label="prediction"))
    if seeds > 1:
        label_text = f"each of {seeds} seeds, least to most"
        line = Line2D([], [], color=style.INK, marker="o", linewidth=1.2, label=label_text)
        line.set(markerfacecolor=style.ORANGE, markeredgewidth=0.6)
        entries.append(line)
    return entries
