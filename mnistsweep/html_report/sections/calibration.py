"""Can the models' confidence be believed, and how right are they where they answer only if they are sure?"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mnistsweep.analysis.accuracy import sample_std
from mnistsweep.analysis.calibration import Calibration, measure_calibration
from mnistsweep.analysis.coverage import Coverage, measure_coverage
from mnistsweep.analysis.temperature import MAX_TEMPERATURE, Temperature, apply_temperature, fit_temperature
from mnistsweep.html_report.coverage_blocks import (
    TARGETS,
    coverage_advice,
    coverage_figure,
    coverage_rows,
    coverage_table,
)
from mnistsweep.html_report.evidence import Checkpoint, Evidence
from mnistsweep.html_report.figures.reliability import draw_reliability
from mnistsweep.html_report.records import Block, Fact, Facts, Figure, Section, Table, Text
from mnistsweep.text import percent

CHECKPOINT_CAPTION = "The winner's own checkpoint on the test set: accuracy against confidence, and images in each bin."


def section(evidence: Evidence) -> Section | None:
    """Reliability of the report's models, temperature of the winner's checkpoint, accuracy against coverage."""
    labels = evidence.labels
    seeds = [measure_calibration(one, labels) for one in evidence.probabilities]
    together = measure_calibration(evidence.committee, labels)
    curves = [measure_coverage(one, labels) for one in evidence.probabilities]
    curve = measure_coverage(evidence.committee, labels)
    blocks: list[Block] = [Text(_introduction(evidence)), _facts(seeds, together, curve)]
    measured: dict[str, Calibration] = {}
    if evidence.winner.retrained or evidence.checkpoint is None:  # else the one model is the checkpoint, shown below
        measured |= {f"seed {number}": one for number, one in enumerate(seeds)}
        measured |= {"committee": together} if len(seeds) > 1 else {}
        blocks.append(_reliability(seeds, together))
    advice: list[str] = []
    if evidence.checkpoint is not None:
        scaled, fitted = _scaled(evidence.checkpoint)
        before, after = measure_calibration(evidence.checkpoint.test, labels), measure_calibration(scaled, labels)
        measured |= {"checkpoint": before} | ({"checkpoint with temperature": after} if fitted.determined else {})
        blocks += _temperature(fitted, before, after, len(evidence.checkpoint.validation_labels))
        advice += _temperature_advice(fitted, before, after)
    if evidence.winner.retrained:
        advice += _refit_advice(seeds)
    blocks += [coverage_figure(curves, curve), coverage_table(curve)]
    advice += coverage_advice(evidence, curve)
    files = {"reliability.csv": _reliability_rows(measured), "coverage.csv": coverage_rows(curve)}
    return Section(blocks, advice, files)


def _introduction(evidence: Evidence) -> str:
    text = (
        "A model is calibrated if, of the images of which it is 90 % sure, it is right in 90 %. The expected "
        "calibration error is how far accuracy and confidence are apart, on average over 15 bins of confidence. "
    )
    if evidence.winner.retrained:
        text += (
            "The retrained models have been trained on the validation data too, so no data are left to fit a "
            "temperature on for them: they are shown as they are. "
        )
    if evidence.checkpoint is None:
        return text + "The winner's own checkpoint is missing, so no temperature is fitted."
    return text + (
        "For the winner's own checkpoint a temperature is fitted on its validation side, which it was not trained on, "
        "though its epoch was chosen there; the test set only shows the result."
    )


def _facts(seeds: list[Calibration], together: Calibration, curve: Coverage) -> Facts:
    errors = np.array([one.expected_error for one in seeds])
    several = len(seeds) > 1
    spread = f" ± {100 * sample_std(errors):.2f}" if several else ""
    chance = f"a calibrated model would stay below {percent(float(np.mean([one.chance_error for one in seeds])))}"
    facts = [Fact("calibration error, one model", f"{100 * errors.mean():.2f}{spread} %", chance)]
    if several:
        chance = f"a calibrated one would stay below {percent(together.chance_error)}"
        facts.append(Fact("calibration error, committee", percent(together.expected_error), chance))
    facts.append(Fact("Brier score", f"{together.brier:.4f}", "0 is best, 2 is worst; " + _who(len(seeds))))
    for target in TARGETS:
        point = curve.largest_point_with(target)
        value = "none" if point is None else percent(curve.coverage[point])
        note = "" if point is None else f"those of which it is at least {percent(curve.thresholds[point])} sure"
        facts.append(Fact(f"answered at {100 * target:g} % accuracy", value, note))
    return Facts(facts)


def _reliability(seeds: list[Calibration], together: Calibration) -> Figure:
    panels = {"One model: a colour a seed": seeds, "Committee": [together]} if len(seeds) > 1 else {"The model": seeds}
    several, sure = len(seeds) > 1, together.counts[-1] / together.counts.sum()
    caption = (
        "Accuracy against confidence on the test set. On the dashed line a model is right as often as it says; above "
        "it more often, below it less often. Underneath: images in each bin (logarithmic). "
        f"{'For the committee, ' * several}{percent(sure)} of the images lie in the last bin, where confidence is "
        f"{percent(together.confidence[-1])} and accuracy {percent(together.accuracy[-1])}. "
        f"{'Its bars (the seeds have none)' if several else 'Bars'} are Wilson 95 % intervals: bins of few images say "
        "little."
    )
    alt = "Reliability diagram with the number of images in each bin of confidence."
    return Figure("calibration-reliability", draw_reliability(panels), caption, alt)


def _scaled(checkpoint: Checkpoint) -> tuple[NDArray[np.float64], Temperature]:
    """The checkpoint's test probabilities with the temperature of its validation side."""
    fitted = fit_temperature(checkpoint.validation, checkpoint.validation_labels)
    return (apply_temperature(checkpoint.test, fitted.value) if fitted.determined else checkpoint.test), fitted


def _temperature(fitted: Temperature, before: Calibration, after: Calibration, examples: int) -> list[Block]:
    if not fitted.determined:
        why = "it makes too few mistakes there"
        if np.isclose(fitted.high, MAX_TEMPERATURE):  # however unsure it is made, it is as good
            why = "its confidence says nothing about being right there"
        text = f"The validation side does not say which temperature fits the checkpoint: {why}."
        alt = "Reliability diagram of the checkpoint."
        drawing = draw_reliability({"Checkpoint": [before]})
        return [Text(text), Figure("calibration-checkpoint", drawing, CHECKPOINT_CAPTION, alt)]
    title = f"With temperature {fitted.value:.2f}"
    caption = (
        "The winner's own checkpoint on the test set, as it is (left) and with its logits divided by "
        f"{fitted.value:.2f} (right; 95 %: {fitted.low:.2f} to {fitted.high:.2f}), fitted on {examples} validation "
        f"images. The expected calibration error goes from {percent(before.expected_error)} to "
        f"{percent(after.expected_error)}, the log loss from {before.log_loss:.4f} to {after.log_loss:.4f}. "
        "No prediction changes."
    )
    drawing = draw_reliability({"Checkpoint as it is": [before], title: [after]})
    alt = "Two reliability diagrams of the checkpoint: before and after temperature scaling."
    figure = Figure("calibration-temperature", drawing, caption, alt)
    names = (
        "expected calibration error",
        "what chance explains of it",
        "largest error of a bin",
        "Brier score",
        "log loss",
    )
    rows = [
        [name, *(f"{one:.4f}" if name in names[3:] else percent(one) for one in pair)]
        for name, pair in zip(names, zip(_numbers(before), _numbers(after), strict=True), strict=True)
    ]
    caption = "The same in numbers. Smaller is better, but for what chance explains: hold the first row against it."
    table = Table(("on the test set", "as it is", title.lower()), rows, caption, ("as it is", title.lower()))
    return [figure, table]


def _numbers(found: Calibration) -> tuple[float, ...]:
    return found.expected_error, found.chance_error, found.maximum_error, found.brier, found.log_loss


def _temperature_advice(fitted: Temperature, before: Calibration, after: Calibration) -> list[str]:
    better = after.expected_error < before.expected_error and after.log_loss < before.log_loss
    if not (fitted.is_significant and before.miscalibrated and better):
        return []
    state = "over-confident" if fitted.value > 1 else "under-confident"
    return [
        f"The winner's checkpoint is {state}: divide its logits by T = {fitted.value:.2f}, which takes its calibration "
        f"error on the test set from {percent(before.expected_error)} to {percent(after.expected_error)}."
    ]


def _refit_advice(seeds: list[Calibration]) -> list[str]:
    if not all(one.miscalibrated for one in seeds):
        return []
    error, chance = (np.mean([getattr(one, name) for one in seeds]) for name in ("expected_error", "chance_error"))
    over = np.mean([one.overconfident for one in seeds]) > 0.5
    return [
        f"The retrained models are {'over' if over else 'under'}-confident: calibration error {percent(error)}, where "
        f"chance explains {percent(chance)}. Where their confidence matters, keep the validation data out of the "
        "training (`report.refit=false`), so that a temperature can be fitted."
    ]


def _reliability_rows(measured: Mapping[str, Calibration]) -> pd.DataFrame:
    return pd.concat(
        pd.DataFrame(
            {
                "model": name,
                "above": one.edges[:-1],
                "up_to": one.edges[1:],
                "count": one.counts,
                "confidence": one.confidence,
                "accuracy": one.accuracy,
                "accuracy_low": one.low,
                "accuracy_high": one.high,
            }
        )
        for name, one in measured.items()
    ).reset_index(drop=True)


def _who(seeds: int) -> str:
    return "of the committee" if seeds > 1 else "of the model"
