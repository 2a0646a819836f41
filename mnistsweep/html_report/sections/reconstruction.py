"""Reconstruction: errors of predicted arrays, such as the inputs of an autoencoder, with the worst examples."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mnistsweep.analysis.accuracy import sample_std
from mnistsweep.analysis.reconstruction import Reconstruction, measure_reconstruction
from mnistsweep.html_report.figures import style
from mnistsweep.html_report.figures.array_rows import (
    MAX_EXAMPLES,
    are_images,
    displayed,
    draw_curve_rows,
    draw_image_rows,
)
from mnistsweep.html_report.outputs import ArrayEvidence
from mnistsweep.html_report.records import Block, Fact, Figure, Section, Table, Text

# Maximum number of columns of a table with their own errors.
MAX_COLUMNS = 30


def headline(evidence: ArrayEvidence) -> list[Fact]:
    """Return the mean errors, for the section on the best model."""
    seeds = [measure_reconstruction(one, evidence.truth) for one in evidence.predictions]
    first = seeds[0]
    explained = np.array([one.explained for one in seeds])
    return [
        Fact(f"test {_what(evidence)} error (MSE)", *_over(seeds, "mse", first.mse_interval)),
        Fact("test MAE", *_over(seeds, "mae", first.mae_interval)),
        Fact(
            "explained variance",
            "–" if np.isnan(explained).any() else f"{100 * explained.mean():.2f} %",
            f"0 % is the error of the mean {evidence.words.one} as prediction",
        ),
    ]


def _over(seeds: list[Reconstruction], name: str, interval: np.ndarray) -> tuple[str, str]:
    values = np.array([getattr(one, name) for one in seeds])
    several = len(seeds) > 1
    over = f"± {sample_std(values):.2g} (standard deviation over {len(seeds)} seeds); seed 0: " if several else ""
    return f"{values.mean():.4g}", f"{over}bootstrap 95 %: {interval[0]:.4g} to {interval[1]:.4g}"


def _what(evidence: ArrayEvidence) -> str:
    return "reconstruction" if evidence.is_input else "mean squared"


def section(evidence: ArrayEvidence) -> Section:
    """Show the distribution of the errors, and the examples with the largest ones."""
    found = measure_reconstruction(evidence.predictions[0], evidence.truth)
    order = np.argsort(-found.mse_of_examples, kind="stable")
    blocks: list[Block] = [Text(_reading(evidence)), _histogram(evidence, found)]
    blocks.append(_worst(evidence, found, order))
    if evidence.truth.ndim == 2 and evidence.truth.shape[1] <= MAX_COLUMNS:
        blocks.append(_columns(evidence))
    frame = pd.DataFrame({"index": order, "mse": found.mse_of_examples[order]})
    return Section(blocks, files={"examples.csv": frame})


def _reading(evidence: ArrayEvidence) -> str:
    target = "its own input, so the error is a reconstruction error" if evidence.is_input else "an array"
    which = " Errors of single examples are those of seed 0." if evidence.several_seeds else ""
    scaled = " The inputs are scaled as the model gets them." if evidence.is_input else ""
    return (
        f"The model predicts {target}. MSE and MAE are the means of the squared and of the absolute error over all "
        f"elements.{scaled} The intervals are 95 % percentile intervals of the bootstrap over "
        f"{len(evidence.truth):,} test {evidence.words.many}.{which}"
    )


def _histogram(evidence: ArrayEvidence, found: Reconstruction) -> Figure:
    errors, many = found.mse_of_examples, evidence.words.many
    with style.applied():
        figure, (axes,) = style.new_figure(height=2.5)
        axes.hist(errors, 40, color=style.BLUE)
        axes.set(xlabel=f"mean squared error of one {evidence.words.one}", ylabel=many)
    caption = (
        f"Errors of the test {many}: median {np.median(errors):.4g}, 95 % are below {np.quantile(errors, 0.95):.4g}, "
        f"the largest is {errors.max():.4g}."
    )
    return Figure("reconstruction-errors", figure, caption, f"Histogram of the errors of {len(errors)} {many}.")


def _worst(evidence: ArrayEvidence, found: Reconstruction, order: np.ndarray) -> Figure:
    first = order[:MAX_EXAMPLES]
    truth, predicted = evidence.truth[first], evidence.predictions[0][first]
    titles = [f"{index}\n{found.mse_of_examples[index]:.3g}" for index in first.tolist()]
    if are_images(truth):
        rows = [("target", displayed(truth, truth), False), ("prediction", displayed(predicted, truth), False)]
        if not evidence.is_input and evidence.images is not None:
            rows = [("input", evidence.images[first], False), *rows]
        drawing = draw_image_rows(rows, titles)
    else:
        drawing = draw_curve_rows(truth.reshape(len(first), -1), predicted.reshape(len(first), -1), titles)
    caption = (
        f"The {len(first)} test {evidence.words.many} with the largest errors, largest first: target and prediction. "
        "Above each: its index and its error. examples.csv lists all of them."
    )
    return Figure("reconstruction-worst", drawing, caption, "Targets and predictions of the worst examples.")


def _columns(evidence: ArrayEvidence) -> Table:
    error = evidence.predictions[0].astype(np.float64) - evidence.truth
    names = list(evidence.inputs.columns) if evidence.is_input else []
    if len(names) != error.shape[1]:
        names = [str(one) for one in range(error.shape[1])]
    spread = evidence.truth.astype(np.float64).std(axis=0)
    order = np.argsort(-(error**2).mean(axis=0), kind="stable")
    rows = [
        [
            names[one],
            f"{(error[:, one] ** 2).mean() ** 0.5:.4g}",
            f"{np.abs(error[:, one]).mean():.4g}",
            f"{spread[one]:.4g}",
        ]
        for one in order.tolist()
    ]
    columns = ("column", "RMSE", "MAE", "standard deviation")
    caption = "Errors of each column, the largest first, beside the standard deviation of its values."
    return Table(columns, rows, caption, columns[1:])
