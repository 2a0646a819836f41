"""How do accuracy and confidence fall when the images are distorted?"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from mnistsweep.analysis.arrays import Floats
from mnistsweep.analysis.robustness import DistortionResponse, Robustness
from mnistsweep.html_report.evidence import Evidence, Winner
from mnistsweep.html_report.figures import style
from mnistsweep.html_report.figures.mosaic import draw_mosaic
from mnistsweep.html_report.records import Block, Figure, Section, Table
from mnistsweep.text import percent

# Accuracies whose loss the table dates.
LEVELS = (0.95, 0.9, 0.5)

# The distortions that augmentation can teach, and up to which strength labels are still beyond doubt.
REMEDIES = {"rotation": 20.0, "shift": 0.1}

# Accuracy that must be lost, in shares, before anything is advised; and confidence that is not covered by accuracy.
MIN_LOSS = 0.01
MIN_EXCESS = 0.1

MAX_IN_A_ROW = 6


def section(evidence: Evidence) -> Section | None:
    """Curves, pictures and a table of each distortion; None where nothing was distorted."""
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
    advice = _remedies(found, evidence.winner) + _overconfidence(found)
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
        f"Accuracy and confidence against uniform noise, on {found.num_images:,} test images. {response.description} "
        f"Accuracy is {percent(accuracy[0])} without noise and {percent(accuracy[-1])} at {response.strengths[-1]:g}."
    )
    if confidence[worst] > accuracy[worst]:
        caption += (
            f" Confidence is furthest above accuracy at {response.strengths[worst]:g}: {percent(confidence[worst])} "
            f"sure, {percent(accuracy[worst])} right."
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
        f"Accuracy and confidence against the other distortions, on {found.num_images:,} test images. At the strongest "
        f"that was tried, {worst} costs most: {100 * drops[worst]:.2f} points of accuracy." + _band(responses[0])
    )
    alt = "Small charts of accuracy and confidence, one for each distortion: " + ", ".join(drops) + "."
    return Figure("robustness-distortions", drawing, caption, alt)


def _draw(axes: Axes, response: DistortionResponse) -> None:
    """Accuracy and confidence: the mean over seeds, and the band from the least to the most."""
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
    drawing = draw_mosaic(images, titles, columns=min(len(images), MAX_IN_A_ROW))
    caption = f"{response.name.capitalize()}: one image at each strength ({response.unit}), with the accuracy there."
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
        "The strength at which mean accuracy falls below a level, by straight lines between the strengths that were "
        "tried. A dash: not up to the strongest. As they are: undistorted images are below already."
    )
    return Table(["distortion", "strength", *headings], rows, caption, headings)


def _fall(response: DistortionResponse, level: float) -> str:
    strength = response.falls_below(level)
    if strength is None:
        return "–"
    return f"{strength:.3g}" if strength > 0 else "as they are"


def _remedies(found: Robustness, winner: Winner) -> list[str]:
    """Augmentation, for what training can teach: at the least strength whose cost is beyond doubt."""
    advice = []
    for response in found.responses:
        if response.name not in REMEDIES:
            continue
        accuracy, _ = _mean(response)
        for strength, share in zip(response.strengths[1:], accuracy[1:], strict=True):
            if strength > REMEDIES[response.name] or winner.augmentation.get(response.name, 0.0) >= strength:
                continue
            doubt = 2 * np.sqrt((accuracy[0] * (1 - accuracy[0]) + share * (1 - share)) / found.num_images)
            if accuracy[0] - share > max(MIN_LOSS, doubt):
                unit = " degrees" if response.unit == "degrees" else " of the side"
                advice.append(
                    f"A {response.name} by {strength:g}{unit} costs {100 * (accuracy[0] - share):.2f} points of "
                    f"accuracy: if such images are to be expected, try "
                    f"`data.augmentation.{response.name}={strength:g}`."
                )
                break
    return advice


def _overconfidence(found: Robustness) -> list[str]:
    """Where the models are surest without cause."""
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
        f"Do not trust the confidence on distorted images: with {response.name} of {response.strengths[worst]:g} "
        f"({response.unit}) the models are {percent(confidence[worst])} sure and {percent(accuracy[worst])} right."
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
    return f" Lines are means over {seeds} seeds, bands reach from the least to the most." if seeds > 1 else ""
