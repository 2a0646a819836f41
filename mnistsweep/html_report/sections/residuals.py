"""Residuals: errors of predicted numbers against the prediction and against each numeric input."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mnistsweep.analysis.residuals import ResidualTrend, residual_trend
from mnistsweep.html_report.figures.points import MAX_POINTS, draw_residuals
from mnistsweep.html_report.outputs import NumbersEvidence
from mnistsweep.html_report.records import Block, Figure, Section, Text

# Maximum number of targets with residuals, and of numeric inputs: of wider tables the inputs are left out.
MAX_TARGETS, MAX_INPUTS = 4, 20

# Advice on an input needs this rank correlation with the residuals, and this probability by chance for all together.
MIN_CORRELATION, MAX_PROBABILITY = 0.2, 0.01


def section(evidence: NumbersEvidence) -> Section:
    """Show residuals against the prediction and, for tables, against each numeric input."""
    blocks: list[Block] = [Text(_reading(evidence))]
    advice: list[str] = []
    rows = []
    inputs = evidence.inputs.numeric_columns
    shown = inputs if 0 < len(inputs) <= MAX_INPUTS else {}
    for target, name in enumerate(evidence.target_names[:MAX_TARGETS]):
        predicted = evidence.committee[:, target]
        residuals = predicted - evidence.targets[:, target]
        against = residual_trend(predicted, residuals)
        trends = {one: residual_trend(values, residuals) for one, values in shown.items()}
        blocks.append(_against_prediction(evidence, target, residuals, against))
        if trends:
            blocks.append(_against_inputs(evidence, target, residuals, trends))
        advice += _advice(evidence, name, trends)
        rows += [_row(name, one, trend) for one, trend in {"prediction": against, **trends}.items()]
    return Section(blocks, advice, {"residuals.csv": pd.DataFrame(rows)})


def _reading(evidence: NumbersEvidence) -> str:
    inputs, text = evidence.inputs.numeric_columns, ""
    if len(inputs) > MAX_INPUTS:
        text = f" Residuals against the {len(inputs)} inputs are left out: more than {MAX_INPUTS}."
    hidden = len(evidence.target_names) - MAX_TARGETS
    if hidden > 0:
        text += f" The first {MAX_TARGETS} of {len(evidence.target_names)} targets are shown."
    if len(evidence.targets) > MAX_POINTS:
        text += f" The points are a random choice of {MAX_POINTS:,} {evidence.words.many}; the means use all."
    return (
        "A residual is the prediction minus the target: above zero, the prediction is too large. The line is the mean "
        "residual in bins with about the same number of points, with 95 % intervals. Where the line leaves zero, the "
        f"errors depend on the variable, so the model can be improved there.{text}"
    )


def _against_prediction(
    evidence: NumbersEvidence, target: int, residuals: NDArray[np.float64], trend: ResidualTrend
) -> Figure:
    what = _of(evidence, target)
    caption = (
        f"Residuals{what} of {evidence.committee_name} against the prediction. Mean {residuals.mean():.4g}, standard "
        f"deviation {residuals.std():.4g}; {_correlation(trend)}."
    )
    drawing = draw_residuals([("prediction", evidence.committee[:, target], residuals, trend)])
    alt = "Scatter plot of residuals against predictions around a line at zero."
    return Figure(f"residuals-prediction{_suffix(evidence, target)}", drawing, caption, alt)


def _against_inputs(
    evidence: NumbersEvidence, target: int, residuals: NDArray[np.float64], trends: dict[str, ResidualTrend]
) -> Figure:
    columns = evidence.inputs.numeric_columns
    drawing = draw_residuals([(name, columns[name], residuals, trend) for name, trend in trends.items()])
    known = {name: trend for name, trend in trends.items() if np.isfinite(trend.correlation)}
    most = max(known, key=lambda name: abs(known[name].correlation), default=None)
    strongest = "" if most is None else f" The strongest dependence: {most}, {_correlation(known[most])}."
    caption = f"Residuals{_of(evidence, target)} against each numeric input.{strongest}"
    alt = f"Scatter plots of residuals against {len(trends)} inputs around a line at zero."
    return Figure(f"residuals-inputs{_suffix(evidence, target)}", drawing, caption, alt)


def _advice(evidence: NumbersEvidence, name: str, trends: dict[str, ResidualTrend]) -> list[str]:
    level = MAX_PROBABILITY / max(len(trends), 1)
    clear = [
        one
        for one, trend in trends.items()
        if abs(trend.correlation) >= MIN_CORRELATION and trend.p_value < level  # False for NaN
    ]
    if not clear:
        return []
    most = max(clear, key=lambda one: abs(trends[one].correlation))
    subject = f" of {name}" if len(evidence.target_names) > 1 else ""
    return [
        f"Let the model use {most} better, for example with more units, more epochs or another scale of this input: "
        f"the errors{subject} depend on it ({_correlation(trends[most])})."
    ]


def _correlation(trend: ResidualTrend) -> str:
    if not np.isfinite(trend.correlation):
        return "no rank correlation, because all values are equal"
    chance = f"p = {trend.p_value:.2g}" if trend.p_value >= 1e-4 else "p < 0.0001"
    return f"rank correlation {trend.correlation:+.2f} ({chance})"


def _of(evidence: NumbersEvidence, target: int) -> str:
    return f" for {evidence.target_names[target]}" if len(evidence.target_names) > 1 else ""


def _suffix(evidence: NumbersEvidence, target: int) -> str:
    return f"-{target}" if len(evidence.target_names) > 1 else ""


def _row(target: str, variable: str, trend: ResidualTrend) -> dict[str, object]:
    return {
        "target": target,
        "variable": variable,
        "rank_correlation": trend.correlation,
        "p_value": trend.p_value,
        "largest_mean_residual": float(trend.mean[np.argmax(np.abs(trend.mean))]),
    }
