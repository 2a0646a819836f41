"""Errors: predicted numbers against true ones, with the scores of each model."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mnistsweep.analysis.regression import Errors, Regression, measure_regression
from mnistsweep.html_report.figures.points import draw_predictions
from mnistsweep.html_report.outputs import NumbersEvidence
from mnistsweep.html_report.records import Block, Fact, Figure, Section, Table, Text

# Maximum number of targets with a panel of their own, of targets in a table, and of models in a table.
MAX_PANELS, MAX_TARGETS, MAX_MODELS = 9, 20, 12


def headline(evidence: NumbersEvidence) -> list[Fact]:
    """Return MAE, RMSE and R2 of the first targets, for the section on the best model."""
    found = measure_regression(evidence.predictions, evidence.targets)
    facts = []
    for target, name in enumerate(evidence.target_names[:3]):
        prefix = f"{name}: " if len(evidence.target_names) > 1 else ""
        facts += [_fact(found, error, target, f"{prefix}{error.upper()}", evidence) for error in ("mae", "rmse", "r2")]
    return facts


def _fact(found: Regression, error: str, target: int, label: str, evidence: NumbersEvidence) -> Fact:
    mean, spread = found.over_seeds(error, target)
    low, high = getattr(found.committee, f"{error}_interval")[:, target]
    several = len(found.seeds) > 1
    over = f"± {spread:.2g} (standard deviation over {len(found.seeds)} seeds); " if several else ""
    own = f"committee {getattr(found.committee, error)[target]:.4g}, " if several else ""
    note = f"{over}{own}bootstrap 95 %: {low:.4g} to {high:.4g}"
    if error == "rmse":
        note += f"; the mean of the targets has {found.spread[target]:.4g}"
    return Fact(f"test {label}", f"{mean:.4g}", note)


def section(evidence: NumbersEvidence) -> Section:
    """Show the errors of each model and of each target, and predictions against true values."""
    found = measure_regression(evidence.predictions, evidence.targets)
    models = _models(evidence, found)
    blocks: list[Block] = [Text(_reading(evidence)), _figure(evidence, found), _table_of_models(evidence, models)]
    if len(evidence.target_names) > 1:
        blocks.append(_table_of_targets(evidence, found))
    return Section(blocks, _advice(evidence, found), {"scores.csv": _file(evidence, models)})


def _reading(evidence: NumbersEvidence) -> str:
    return (
        "MAE is the mean absolute error, RMSE the root of the mean squared error, both in the unit of the target; "
        "smaller is better. R2 is 1 for perfect predictions and 0 for the mean of the test targets as prediction. The "
        f"intervals are 95 % percentile intervals of the bootstrap over {len(evidence.targets):,} test "
        f"{evidence.words.many} (Efron 1979); they do not account for the training seed."
    )


def _models(evidence: NumbersEvidence, found: Regression) -> dict[str, Errors]:
    """Errors of each model by its name: seeds, committee, the winner's checkpoint, and other trials."""
    several = len(found.seeds) > 1
    models = {f"seed {number}" if several else "the model": one for number, one in enumerate(found.seeds)}
    if several:
        models["committee"] = found.committee
    trials = dict(evidence.others)
    if evidence.checkpoint is not None and evidence.winner.retrained:  # otherwise the only model is the checkpoint
        trials = {evidence.winner.number: evidence.checkpoint, **trials}
    for number, predicted in trials.items():
        models[f"trial {number}"] = measure_regression(predicted[None], evidence.targets).committee
    return models


def _figure(evidence: NumbersEvidence, found: Regression) -> Figure:
    committee, names = evidence.committee, evidence.target_names
    order = np.argsort(np.nan_to_num(found.committee.r2, nan=np.inf), kind="stable")[:MAX_PANELS]
    order = np.sort(order)
    panels = [(names[one], evidence.targets[:, one], committee[:, one]) for one in order]
    which = (
        f" The {len(order)} targets with the lowest R2 of {len(names)} are shown." if len(order) < len(names) else ""
    )
    caption = (
        f"Predictions of {evidence.committee_name} against the targets of the test set. On the dashed line they are "
        f"equal.{which}"
    )
    alt = "Scatter plot of predictions against targets around a diagonal line."
    return Figure("regression-predictions", draw_predictions(panels), caption, alt)


def _table_of_models(evidence: NumbersEvidence, models: dict[str, Errors]) -> Table:
    several = len(evidence.target_names) > 1
    rows = [
        [name, *(_cell(one, error, None if several else 0) for error in ("mae", "rmse", "r2"))]
        for name, one in list(models.items())[:MAX_MODELS]
    ]
    columns = ("model", "MAE", "RMSE", "R2")
    which = "means over the targets" if several else "with 95 % intervals"
    more = f" scores.csv lists {len(models) - MAX_MODELS} more." if len(models) > MAX_MODELS else ""
    return Table(
        columns,
        rows,
        f"Errors of each model on the test set, {which}. Trials are their checkpoints.{more}",
        columns[1:],
    )


def _cell(found: Errors, error: str, target: int | None) -> str:
    values, ends = getattr(found, error), getattr(found, f"{error}_interval")
    if target is None:
        return f"{values.mean():.4g}"
    return f"{values[target]:.4g} ({ends[0, target]:.3g} to {ends[1, target]:.3g})"


def _table_of_targets(evidence: NumbersEvidence, found: Regression) -> Table:
    rows = [
        [name, *(_cell(found.committee, error, target) for error in ("mae", "rmse", "r2", "bias"))]
        for target, name in enumerate(evidence.target_names[:MAX_TARGETS])
    ]
    columns = ("target", "MAE", "RMSE", "R2", "bias")
    hidden = len(evidence.target_names) - MAX_TARGETS
    more = f" scores.csv lists {hidden} more targets." if hidden > 0 else ""
    caption = (
        f"Errors of {evidence.committee_name} for each target, with 95 % intervals. Bias is the mean of prediction - "
        f"target.{more}"
    )
    return Table(columns, rows, caption, columns[1:])


def _advice(evidence: NumbersEvidence, found: Regression) -> list[str]:
    advice = []
    for target, name in enumerate(evidence.target_names[:MAX_TARGETS]):
        subject = f" of {name}" if len(evidence.target_names) > 1 else ""
        low, high = found.committee.r2_interval[:, target]
        if high < 0:
            advice.append(
                f"Check data and model: the predictions{subject} are worse than the mean of the targets (R2 "
                f"{found.committee.r2[target]:.4g}, 95 %: {low:.4g} to {high:.4g})."
            )
            continue
        low, high = found.committee.bias_interval[:, target]
        bias = found.committee.bias[target]
        if (low > 0 or high < 0) and abs(bias) > found.committee.mae[target] / 4:
            side = "large" if bias > 0 else "small"
            advice.append(
                f"Look for a shift between training and test data: the predictions{subject} are too {side} by "
                f"{abs(bias):.4g} on average (95 %: {low:.4g} to {high:.4g})."
            )
    return advice


def _file(evidence: NumbersEvidence, models: dict[str, Errors]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "model": name,
                "target": target_name,
                **{
                    key: value
                    for error in ("mae", "rmse", "r2", "bias")
                    for key, value in zip(
                        (error, f"{error}_low", f"{error}_high"),
                        (getattr(one, error)[target], *getattr(one, f"{error}_interval")[:, target]),
                        strict=True,
                    )
                },
            }
            for name, one in models.items()
            for target, target_name in enumerate(evidence.target_names)
        ]
    )
