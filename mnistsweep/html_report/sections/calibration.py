"""Calibration: confidence against accuracy, temperature scaling, and accuracy at limited coverage."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from mnistsweep.analysis.accuracy import sample_std
from mnistsweep.analysis.arrays import Floats
from mnistsweep.analysis.calibration import Calibration, measure_calibration
from mnistsweep.analysis.coverage import Coverage, measure_coverage
from mnistsweep.analysis.log_loss import loss_change_interval
from mnistsweep.analysis.temperature import MAX_TEMPERATURE, Temperature, apply_temperature, fit_temperature
from mnistsweep.html_report.coverage_blocks import (
    TARGETS,
    coverage_advice,
    coverage_figure,
    coverage_rows,
    coverage_table,
)
from mnistsweep.html_report.figures.reliability import draw_reliability
from mnistsweep.html_report.outputs import Checkpoint, ClassEvidence
from mnistsweep.html_report.records import Block, Fact, Facts, Figure, Section, Table, Text
from mnistsweep.html_report.shown_inputs import Words
from mnistsweep.text import percent

# Advice on a temperature needs this reduction of the calibration error on the test set, as a share of the error.
MIN_ERROR_REDUCTION = 0.1


def section(evidence: ClassEvidence) -> Section | None:
    """Show the calibration of the models, temperature scaling of the winner's checkpoint, and the coverage curve."""
    labels = evidence.labels
    seeds = [measure_calibration(one, labels) for one in evidence.probabilities]
    together = measure_calibration(evidence.committee, labels)
    curves = [measure_coverage(one, labels) for one in evidence.probabilities]
    curve = measure_coverage(evidence.committee, labels)
    blocks: list[Block] = [Text(_introduction(evidence)), _facts(seeds, together, curve)]
    measured: dict[str, Calibration] = {}
    if evidence.winner.retrained or evidence.checkpoint is None:  # otherwise the only model is the checkpoint
        measured |= {f"seed {number}": one for number, one in enumerate(seeds)}
        measured |= {"committee": together} if len(seeds) > 1 else {}
        blocks.append(_reliability(seeds, together, evidence.words.many))
    advice: list[str] = []
    if evidence.checkpoint is not None:
        scaled, fitted = _scaled(evidence.checkpoint)
        before, after = measure_calibration(evidence.checkpoint.test, labels), measure_calibration(scaled, labels)
        measured |= {"checkpoint": before} | ({"checkpoint with temperature": after} if fitted.determined else {})
        blocks += _temperature(fitted, before, after, len(evidence.checkpoint.validation_labels), evidence.words)
        change = loss_change_interval(evidence.checkpoint.test, scaled, labels)
        advice += _temperature_advice(fitted, before, after, change)
    if evidence.winner.retrained:
        advice += _retraining_advice(seeds)
    blocks += [coverage_figure(curves, curve), coverage_table(curve, evidence.words)]
    advice += coverage_advice(evidence, curve)
    files = {"reliability.csv": _reliability_rows(measured), "coverage.csv": coverage_rows(curve)}
    return Section(blocks, advice, files)


def _introduction(evidence: ClassEvidence) -> str:
    many = evidence.words.many
    text = (
        f"A model is calibrated if its accuracy equals its confidence: of the {many} with a confidence of 90 %, it "
        "classifies 90 % correctly. The expected calibration error is the mean difference between accuracy and "
        f"confidence, over 15 bins of confidence weighted by their {many}. "
    )
    if evidence.winner.retrained:
        text += (
            "The retrained models were trained on the validation data too, so no data are left to fit a temperature "
            "for them; they are shown without temperature scaling. "
        )
    if evidence.checkpoint is None:
        return text + "The winner's checkpoint is missing, so no temperature is fitted."
    return text + (
        "For the winner's checkpoint, a temperature is fitted on the validation data. The checkpoint was not trained "
        "on them, but its epoch was selected with them. The test set only shows the result."
    )


def _facts(seeds: list[Calibration], together: Calibration, curve: Coverage) -> Facts:
    errors = np.array([one.expected_error for one in seeds])
    several = len(seeds) > 1
    spread = f" ± {100 * sample_std(errors):.2f}" if several else ""
    chance = f"a calibrated model is below {percent(float(np.mean([one.chance_error for one in seeds])))} by chance"
    facts = [Fact("calibration error, one model", f"{100 * errors.mean():.2f}{spread} %", chance)]
    if several:
        chance = f"a calibrated one is below {percent(together.chance_error)} by chance"
        facts.append(Fact("calibration error, committee", percent(together.expected_error), chance))
    facts.append(Fact("Brier score", f"{together.brier:.4f}", "0 is best, 2 is worst; " + _who(len(seeds))))
    for target in TARGETS:
        point = curve.largest_point_with(target)
        value = "none" if point is None else percent(curve.coverage[point])
        note = "" if point is None else f"minimum confidence {percent(curve.thresholds[point])}"
        facts.append(Fact(f"coverage at {100 * target:g} % accuracy", value, note))
    return Facts(facts)


def _reliability(seeds: list[Calibration], together: Calibration, many: str) -> Figure:
    panels = (
        {"One model: one colour per seed": seeds, "Committee": [together]} if len(seeds) > 1 else {"The model": seeds}
    )
    several, last = len(seeds) > 1, together.counts[-1] / together.counts.sum()
    caption = (
        "Accuracy against confidence on the test set. On the dashed line, accuracy equals confidence; above it, the "
        f"model is underconfident, below it overconfident. Bottom: number of {many} in each bin (logarithmic). "
        f"{'For the committee, ' * several}{percent(last)} of the {many} are in the last bin, with a confidence of "
        f"{percent(together.confidence[-1])} and an accuracy of {percent(together.accuracy[-1])}. Bars are 95 % Wilson "
        f"intervals{' (committee only)' * several}; they are wide for bins with few {many}."
    )
    alt = f"Reliability diagram with the number of {many} in each bin of confidence."
    return Figure("calibration-reliability", draw_reliability(panels, many), caption, alt)


def _scaled(checkpoint: Checkpoint) -> tuple[Floats, Temperature]:
    """Return the checkpoint's test probabilities after temperature scaling, and the temperature.

    The temperature is fitted on the validation data.
    """
    fitted = fit_temperature(checkpoint.validation, checkpoint.validation_labels)
    return (apply_temperature(checkpoint.test, fitted.value) if fitted.determined else checkpoint.test), fitted


def _temperature(
    fitted: Temperature, before: Calibration, after: Calibration, examples: int, words: Words
) -> list[Block]:
    if not fitted.determined:
        return _undetermined(fitted, before, words)
    title = f"With temperature {fitted.value:.2f}"
    caption = (
        "The winner's checkpoint on the test set, before (left) and after temperature scaling (right): its logits are "
        f"divided by {fitted.value:.2f} (95 % interval: {fitted.low:.2f} to {fitted.high:.2f}), fitted on "
        f"{examples:,} validation {words.many}. The expected calibration error changes from "
        f"{percent(before.expected_error)} to {percent(after.expected_error)}, the log loss from "
        f"{before.log_loss:.4f} to {after.log_loss:.4f}. No predicted class changes."
    )
    drawing = draw_reliability({"Without temperature scaling": [before], title: [after]}, words.many)
    alt = "Two reliability diagrams of the checkpoint: before and after temperature scaling."
    figure = Figure("calibration-temperature", drawing, caption, alt)
    return [figure, _temperature_table(before, after, title.lower())]


def _undetermined(fitted: Temperature, before: Calibration, words: Words) -> list[Block]:
    """Why there is no temperature, and the reliability diagram without one."""
    why = "the checkpoint makes too few mistakes on them"
    if np.isclose(fitted.high, MAX_TEMPERATURE):  # the loss does not increase towards the maximum
        why = "the confidence of the checkpoint is unrelated to its mistakes on them"
    caption = (
        f"The winner's checkpoint on the test set: accuracy against confidence, and number of {words.many} in each bin."
    )
    drawing = draw_reliability({"Checkpoint": [before]}, words.many)
    return [
        Text(f"The validation data do not determine a temperature: {why}."),
        Figure("calibration-checkpoint", drawing, caption, "Reliability diagram of the checkpoint."),
    ]


def _temperature_table(before: Calibration, after: Calibration, title: str) -> Table:
    scores: dict[str, Callable[[Calibration], str]] = {
        "expected calibration error": lambda one: percent(one.expected_error),
        "calibration error by chance": lambda one: percent(one.chance_error),
        "largest error of a bin": lambda one: percent(one.maximum_error),
        "Brier score": lambda one: f"{one.brier:.4f}",
        "log loss": lambda one: f"{one.log_loss:.4f}",
    }
    columns = ("on the test set", "without temperature", title)
    caption = (
        "Scores without and with temperature scaling; smaller is better. The calibration error by chance is a "
        "reference: a calibrated model is below it in 95 % of test sets of this size."
    )
    rows = [[name, score(before), score(after)] for name, score in scores.items()]
    return Table(columns, rows, caption, columns[1:])


def _temperature_advice(fitted: Temperature, before: Calibration, after: Calibration, loss_change: Floats) -> list[str]:
    """Return advice on a temperature that clearly reduces the log loss, and noticeably the calibration error.

    `loss_change` is the interval of the change of the log loss on the test set.
    """
    is_better_calibrated = after.expected_error <= (1 - MIN_ERROR_REDUCTION) * before.expected_error
    is_worth_it = is_better_calibrated and loss_change[1] < 0
    if not (fitted.is_significant and before.miscalibrated and is_worth_it):
        return []
    state = "overconfident" if fitted.value > 1 else "underconfident"
    return [
        f"Divide the logits of the winner's checkpoint by T = {fitted.value:.2f}, because it is {state}: its "
        f"log loss on the test set changes from {before.log_loss:.4f} to {after.log_loss:.4f}, and its calibration "
        f"error from {percent(before.expected_error)} to {percent(after.expected_error)}."
    ]


def _retraining_advice(seeds: list[Calibration]) -> list[str]:
    if not all(one.miscalibrated for one in seeds):
        return []
    error, chance = (np.mean([getattr(one, name) for one in seeds]) for name in ("expected_error", "chance_error"))
    over = np.mean([one.overconfident for one in seeds]) > 0.5
    return [
        "If you need calibrated probabilities, set `report.refit=false`, which keeps the validation data out of the "
        "training so that a temperature can be fitted: the retrained models are "
        f"{'over' if over else 'under'}confident, with a calibration error of {percent(error)} where chance explains "
        f"{percent(chance)}."
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
