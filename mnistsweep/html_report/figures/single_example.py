"""Figure of one example beside its prediction, with the range of the predictions over seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from mnistsweep.html_report.figures import style
from mnistsweep.html_report.figures.series import draw_series
from mnistsweep.html_report.shown_inputs import ShownInputs
from mnistsweep.text import shorten

# Maximum number of classes in the figure: of more, the most probable ones and the label are drawn.
MAX_CLASSES = 12

MAX_NAME_LENGTH = 16

# Letters in a line of a text, and lines, beside the predictions.
LINE_LENGTH, MAX_LINES = 34, 14


def draw_classes(
    inputs: ShownInputs,
    probabilities: NDArray[Any],
    label: int,
    class_names: Sequence[str],
    index: int,
    value_name: str = "probability",
) -> Figure:
    """Draw one example and its predicted class probabilities.

    A bar is the probability by the committee (the mean over seeds), a dot that by one seed; the line is from the
    minimum to the maximum over seeds.

    Args:
        inputs: Inputs of the test set.
        probabilities: Predicted probabilities of this example, ``(seeds, classes)``.
        label: Label of the example.
        class_names: Names of the classes.
        index: Index of the example in the test set.
        value_name: What the values are.

    Example:
        >>> inputs = ShownInputs.of_images(np.zeros((8, 28, 28)))
        >>> drawing = draw_classes(inputs, np.array([[0.75, 0.25], [0.5, 0.5]]), 0, ["cat", "dog"], 7)
        >>> drawing.get_suptitle()
        'image 7: label cat, prediction cat (62.50 %)'
    """
    mean = probabilities.mean(axis=0)
    guess, shown = int(mean.argmax()), classes_shown(mean, label)
    bars = {one: (_name(class_names[one]), _color(one, label, guess)) for one in shown.tolist()}
    names = [_name(class_names[one]) for one in (label, guess)]
    title = f"label {names[0]}, prediction {names[1]} ({100 * mean[guess]:.2f} %)"
    return _draw_bars_beside(inputs, index, probabilities, bars, title, _legend(label, guess), value_name)


def draw_labels(
    inputs: ShownInputs, probabilities: NDArray[Any], truth: NDArray[Any], label_names: Sequence[str], index: int
) -> Figure:
    """Draw one example and the predicted probabilities of its labels; true labels are green.

    Args:
        inputs: Inputs of the test set.
        probabilities: Predicted probabilities of this example, ``(seeds, labels)``.
        truth: Zeros and ones, ``(labels,)``.
        label_names: Names of the labels.
        index: Index of the example in the test set.
    """
    mean = probabilities.mean(axis=0)
    shown = np.sort(np.argsort(-(mean + truth), kind="stable")[: 2 * MAX_CLASSES])
    bars = {one: (_name(label_names[one]), style.GREEN if truth[one] else style.GREY) for one in shown.tolist()}
    entries = [Patch(color=style.GREEN, label="label"), Patch(color=style.GREY, label="no label")]
    return _draw_bars_beside(inputs, index, probabilities, bars, "predicted labels", entries)


def draw_numbers(
    inputs: ShownInputs, predictions: NDArray[Any], targets: NDArray[Any], target_names: Sequence[str], index: int
) -> Figure:
    """Draw one example and the predicted numbers beside the true ones.

    Args:
        inputs: Inputs of the test set.
        predictions: Predictions for this example, ``(seeds, k)``.
        targets: True values, ``(k,)``.
        target_names: Names of the targets.
        index: Index of the example in the test set.
    """
    shown = min(len(targets), MAX_CLASSES)
    places = np.arange(shown)
    with style.applied():
        figure, axes = _beside(inputs, index, shown)
        axes.hlines(places, predictions.min(axis=0)[:shown], predictions.max(axis=0)[:shown], color=style.INK)
        for one in predictions:
            axes.plot(one[:shown], places, "o", color=style.ORANGE, markersize=5)
        axes.plot(targets[:shown], places, "|", color=style.GREEN, markersize=16, markeredgewidth=3)
        axes.set_yticks(places, [_name(name) for name in target_names[:shown]])
        axes.set(ylim=(shown - 0.4, -0.6), xlabel="value")
        axes.grid(True, axis="x")
        text = f"{inputs.words.one} {index}"
        if len(targets) == 1:
            text += f": target {targets[0]:.4g}, prediction {predictions[:, 0].mean():.4g}"
        figure.suptitle(text, x=0.01, ha="left", fontsize=9.5)
        handles = [
            Line2D([], [], color=style.GREEN, marker="|", linestyle="", markersize=12, label="target"),
            Line2D([], [], color=style.ORANGE, marker="o", linestyle="", label="prediction of each seed"),
        ]
        figure.legend(handles=handles, loc="outside lower right", ncols=2, fontsize=8)
    return figure


def draw_input(axes: Axes, inputs: ShownInputs, index: int) -> None:
    """Draw one input as it is: an image, a series, a text, or the columns of a row.

    Args:
        axes: Axes of the drawing.
        inputs: Inputs of the test set.
        index: Index of the example in the test set.
    """
    if inputs.images is not None:
        axes.imshow(inputs.images[index], cmap="gray", vmin=0, vmax=1)
        axes.axis("off")
    elif inputs.series is not None:
        draw_series(axes, inputs.series[index])
        axes.set_xlabel("step")
    else:
        lines = [part for line in inputs.lines(index) for part in _wrapped(line)]
        text = "\n".join([*lines[:MAX_LINES], *(["…"] if len(lines) > MAX_LINES else [])])
        axes.text(0, 1, style.escape_math(text), va="top", ha="left", fontsize=8, transform=axes.transAxes)
        axes.axis("off")


def _wrapped(line: str) -> list[str]:
    import textwrap

    return textwrap.wrap(line, LINE_LENGTH) or [""]


def _beside(inputs: ShownInputs, index: int, rows: int) -> tuple[Figure, Axes]:
    """A figure with the example on the left, where it can be shown, and the axes on the right."""
    is_shown = inputs.images is not None or inputs.series is not None or bool(inputs.columns)
    ratios = [2, 3] if is_shown else [1]
    figure, axes = style.new_figure(1, len(ratios), height=max(2.4, 0.6 + 0.24 * rows), width_ratios=ratios)
    if is_shown:
        draw_input(axes[0], inputs, index)
    return figure, axes[-1]


def _draw_bars_beside(
    inputs: ShownInputs,
    index: int,
    probabilities: NDArray[Any],
    bars: Mapping[int, tuple[str, str]],
    title: str,
    entries: Sequence[Patch],
    value_name: str = "probability",
) -> Figure:
    """Draw one example and its probabilities: a bar with a name and a colour for each column that is shown."""
    names, colors = zip(*bars.values(), strict=True)
    with style.applied():
        figure, axes = _beside(inputs, index, len(bars))
        _draw_bars(axes, probabilities[:, list(bars)], colors)
        axes.set_xlabel(value_name)
        axes.set_yticks(range(len(bars)), names)
        figure.suptitle(f"{inputs.words.one} {index}: {title}", x=0.01, ha="left", fontsize=9.5)
        handles = [*entries, *_seeds_entry(len(probabilities))]
        figure.legend(handles=handles, loc="outside lower right", ncols=4, fontsize=8)
    return figure


def _draw_bars(axes: Axes, probabilities: NDArray[Any], colors: Sequence[str]) -> None:
    """Draw one bar for each class, its mean over seeds, with the values of the seeds if there are several."""
    count = probabilities.shape[1]
    axes.barh(range(count), probabilities.mean(axis=0), color=colors, height=0.7)
    if len(probabilities) > 1:
        _draw_seeds(axes, probabilities)
    axes.set(xlim=(0, 1.02), ylim=(count - 0.4, -0.6))


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


def _legend(label: int, guess: int) -> list[Patch]:
    entries = [Patch(color=style.GREEN, label="label" if label != guess else "label and prediction")]
    if label != guess:
        entries.append(Patch(color=style.VERMILION, label="prediction"))
    return entries


def _seeds_entry(seeds: int) -> list[Any]:
    if seeds < 2:
        return []
    line = Line2D([], [], color=style.INK, marker="o", linewidth=1.2, label=f"{seeds} seeds, minimum to maximum")
    line.set(markerfacecolor=style.ORANGE, markeredgewidth=0.6)
    return [line]
