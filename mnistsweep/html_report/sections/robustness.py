"""Robustness: accuracy and confidence on distorted test images."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from mnistsweep.analysis.arrays import Floats
from mnistsweep.analysis.robustness import DistortionResponse, Robustness
from mnistsweep.html_report.evidence import Winner
from mnistsweep.html_report.figures import style
from mnistsweep.html_report.figures.mosaic import draw_mosaic
from mnistsweep.html_report.outputs import ClassEvidence
from mnistsweep.html_report.records import Block, Figure, Section, Table
from mnistsweep.text import percent

# Accuracies in the table: the strength at which the accuracy falls below each of them.
LEVELS = (0.95, 0.9, 0.5)

# Distortions that have an augmentation (`data.augmentation`), with the maximum strength at which labels stay valid.
AUGMENTATIONS = {"rotation": 20.0, "shift": 0.1}

# Minimum loss of accuracy for advice on augmentation, and minimum excess of confidence over accuracy for advice on
# confidence; both are shares.
MIN_LOSS = 0.01
MIN_EXCESS = 0.1

MAX_COLUMNS = 6


def section(evidence: ClassEvidence) -> Section | None:
    """Show curves, pictures and a table of all distortions; None where no distortion was measured."""
    found = evidence.robustness
    if found is None or not found.responses:
        return None
    blocks: list[Block] = []
    noise = [response for response in found.responses if response.name == "noise"]
    others = [response for response in found.responses if response.name != "noise"]
    if noise:
        blocks += [_curve(noise[0], found), _pictures(noise[0], found)]
    if others:
        blocks += [_small_multiples(others, found), *(_pictures(response, found) for response in others)]
    blocks.append(_table(found))
    advice = _augmentation_advice(found, evidence.winner) + _confidence_advice(found)
    return Section(blocks, advice, {"robustness.csv": _rows(found)})


def _curve(response: DistortionResponse, found: Robustness) -> Figure:
    with style.applied():
        drawing, (axes,) = style.new_figure(height=3.0)
        _draw(axes, response)
        axes.set_xlabel(f"{response.name}: {response.unit}")
        axes.legend(loc="upper right")
    accuracy, confidence = _mean(response)
    worst = int(np.argmax(confidence - accuracy))
    caption = (
        f"Accuracy and confidence under uniform noise, on {found.num_images:,} test images. {response.description} "
        f"Accuracy is {percent(accuracy[0])} without noise and {percent(accuracy[-1])} at {response.strengths[-1]:g}."
    )
    if confidence[worst] > accuracy[worst]:
        caption += (
            f" The excess of confidence over accuracy is largest at {response.strengths[worst]:g}: "
            f"{percent(confidence[worst])} confidence, {percent(accuracy[worst])} accuracy."
        )
    alt = "Lines of accuracy and mean confidence that change as the amplitude of the noise grows from left to right."
    return Figure("robustness-noise", drawing, caption + _band(response), alt)


def _small_multiples(responses: list[DistortionResponse], found: Robustness) -> Figure:
    rows = -(-len(responses) // 2)
    with style.applied():
        drawing, axes = style.new_figure(rows, 2, width=6.5, height=2.1 * rows + 0.3, sharey=True)
        for one, response in zip(axes, responses, strict=False):
            _draw(one, response)
            one.set_title(response.name)
            one.set_xlabel(response.unit)
        for empty in axes[len(responses) :]:
            empty.axis("off")
        handles, labels = axes[0].get_legend_handles_labels()
        if len(axes) > len(responses):
            axes[-1].legend(handles, labels, loc="center")
        else:
            axes[0].legend(loc="lower left")
    drops = {response.name: float(_mean(response)[0][0] - _mean(response)[0][-1]) for response in responses}
    worst = max(drops, key=lambda name: drops[name])
    caption = (
        f"Accuracy and confidence under the other distortions, on {found.num_images:,} test images. At the maximum "
        f"strength, {worst} reduces the accuracy most, by {100 * drops[worst]:.2f} points." + _band(responses[0])
    )
    alt = "Small charts of accuracy and confidence, one for each distortion: " + ", ".join(drops) + "."
    return Figure("robustness-distortions", drawing, caption, alt)


def _draw(axes: Axes, response: DistortionResponse) -> None:
    """Draw accuracy and confidence: the mean over seeds, and a band from the minimum to the maximum."""
    for name, values, colour in (
        ("accuracy", response.accuracy, style.BLUE),
        ("confidence", response.confidence, style.ORANGE),
    ):
        axes.plot(response.strengths, 100 * values.mean(axis=0), "o-", color=colour, label=name)
        axes.fill_between(
            response.strengths,
            100 * values.min(axis=0),
            100 * values.max(axis=0),
            color=colour,
            alpha=0.25,
            linewidth=0,
        )
    axes.set(ylim=(0, 103), ylabel="%")
    axes.grid(True)


def _pictures(response: DistortionResponse, found: Robustness) -> Figure:
    accuracy, _ = _mean(response)
    titles = [
        f"{strength:g}\n{percent(share, 1)}" for strength, share in zip(response.strengths, accuracy, strict=True)
    ]
    images = found.examples[response.name]
    drawing = draw_mosaic(images, titles, columns=min(len(images), MAX_COLUMNS))
    name = response.name.capitalize()
    caption = f"{name}: one image at each strength ({response.unit}), with the accuracy at this strength."
    if response.name != "noise" and response.description:
        caption += f" {response.description}"
    alt = f"One test image at {len(images)} strengths of {response.name}, from {response.strengths[0]:g} up."
    return Figure(f"robustness-{response.name.replace('_', '-')}-pictures", drawing, caption, alt)


def _table(found: Robustness) -> Table:
    headings = [f"below {100 * level:g} %" for level in LEVELS]
    rows = [
        [response.name, response.unit, *(_fall(response, level) for level in LEVELS)] for response in found.responses
    ]
    caption = (
        "Strength at which the mean accuracy falls below a level, interpolated linearly between the measured "
        "strengths. –: not below the level at the maximum strength. undistorted: below the level without distortion."
    )
    return Table(["distortion", "strength", *headings], rows, caption, headings)


def _fall(response: DistortionResponse, level: float) -> str:
    strength = response.falls_below(level)
    if strength is None:
        return "–"
    return f"{strength:.3g}" if strength > 0 else "undistorted"


def _augmentation_advice(found: Robustness, winner: Winner) -> list[str]:
    """Return advice on augmentation, at the smallest strength with a significant loss of accuracy."""
    advice = []
    for response in found.responses:
        if response.name not in AUGMENTATIONS:
            continue
        accuracy, _ = _mean(response)
        for strength, share in zip(response.strengths[1:], accuracy[1:], strict=True):
            if strength > AUGMENTATIONS[response.name] or winner.augmentation.get(response.name, 0.0) >= strength:
                continue
            margin = 2 * np.sqrt((accuracy[0] * (1 - accuracy[0]) + share * (1 - share)) / found.num_images)
            if accuracy[0] - share > max(MIN_LOSS, margin):
                unit = " degrees" if response.unit == "degrees" else " of the side"
                advice.append(
                    f"Try `data.augmentation.{response.name}={strength:g}` if you expect such images: a "
                    f"{response.name} by {strength:g}{unit} costs {100 * (accuracy[0] - share):.2f} points of accuracy."
                )
                break
    return advice


def _confidence_advice(found: Robustness) -> list[str]:
    """Return advice on the distortion with the largest excess of confidence over accuracy."""
    excess = {
        response.name: (float((_mean(response)[1] - _mean(response)[0]).max()), response)
        for response in found.responses
    }
    _, response = max(excess.values(), key=lambda pair: pair[0])
    accuracy, confidence = _mean(response)
    worst = int(np.argmax(confidence - accuracy))
    if confidence[worst] - accuracy[worst] < MIN_EXCESS:
        return []
    return [
        f"Do not rely on the confidence for distorted images: with {response.name} of {response.strengths[worst]:g} "
        f"({response.unit}), the mean confidence is {percent(confidence[worst])} and the accuracy "
        f"{percent(accuracy[worst])}."
    ]


def _rows(found: Robustness) -> pd.DataFrame:
    return pd.DataFrame(
        [
            (response.name, response.unit, strength, seed, response.accuracy[seed, at], response.confidence[seed, at])
            for response in found.responses
            for at, strength in enumerate(response.strengths)
            for seed in range(len(response.accuracy))
        ],
        columns=["distortion", "unit", "strength", "seed", "accuracy", "confidence"],
    )


def _mean(response: DistortionResponse) -> tuple[Floats, Floats]:
    return response.accuracy.mean(axis=0), response.confidence.mean(axis=0)


def _band(response: DistortionResponse) -> str:
    seeds = len(response.accuracy)
    return f" Lines are means over {seeds} seeds; bands are from the minimum to the maximum." if seeds > 1 else ""
