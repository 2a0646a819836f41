"""Where is the model unsure? The images that the committee is least confident of."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Drawing

from mnistsweep.analysis.confidence import SCORES, Ambiguity, rank_ambiguous
from mnistsweep.analysis.label_quality import rank_suspects
from mnistsweep.html_report.evidence import Evidence
from mnistsweep.html_report.figures import mosaic, style
from mnistsweep.html_report.records import Block, Fact, Facts, Figure, Formulas, Section, Table, Text

COLUMNS = ("rank", "index", "label", "prediction", "confidence", "second guess", "right of seeds")


def section(evidence: Evidence) -> Section | None:
    """Rank the test images by the committee's confidence."""
    ranking = rank_ambiguous(evidence.probabilities, evidence.labels)
    first = ranking.order[: evidence.top]
    wrong = ranking.prediction != evidence.labels
    reviewed = ranking.order[: max(len(first), len(ranking.order) // 100)]
    return Section(
        blocks=[
            Text(_two_questions(evidence, first)),
            _facts(ranking, first, wrong, reviewed),
            *_gallery(evidence, ranking, first),
            _histogram(ranking, wrong, _who(evidence)),
            _table(evidence, ranking, first),
            Formulas("How ambiguity is scored", list(SCORES.values())),
            *([Text("There is one seed, so variation ratio and BALD are 0.")] if ranking.seeds == 1 else []),
        ],
        advice=_advice(wrong, reviewed),
        files={"ambiguous.csv": _frame(evidence, ranking)},
        pictures=_pictures(evidence, ranking, first),
    )


def _two_questions(evidence: Evidence, first: np.ndarray) -> str:
    suspects = rank_suspects(evidence.committee, evidence.labels).order[: len(first)]
    return (
        "Ambiguous and wrongly labelled are two questions. This ranking does not look at the labels: it asks which "
        f"images {_who(evidence, ', the mean over seeds,')} is unsure of. Of the {len(first)} most ambiguous images, "
        f"{np.isin(first, suspects).sum()} are also among the {len(first)} labels that are suspected most."
    )


def _facts(ranking: Ambiguity, first: np.ndarray, wrong: np.ndarray, reviewed: np.ndarray) -> Facts:
    share, held = len(reviewed) / len(wrong), int(wrong[reviewed].sum())
    return Facts(
        [
            Fact("median confidence", f"{np.median(ranking.confidence):.4f}", f"of {len(wrong):,} test images"),
            Fact(
                f"right among the {len(first)} most ambiguous",
                f"{len(first) - int(wrong[first].sum())} of {len(first)}",
                f"confidence {ranking.confidence[first].min():.2f} to {ranking.confidence[first].max():.2f}",
            ),
            Fact(
                f"mistakes in the least confident {100 * share:.2f} %",
                f"{held} of {int(wrong.sum())}",
                f"{len(reviewed):,} images of {len(wrong):,}",
            ),
        ]
    )


def _advice(wrong: np.ndarray, reviewed: np.ndarray) -> list[str]:
    mistakes, held, share = int(wrong.sum()), int(wrong[reviewed].sum()), len(reviewed) / len(wrong)
    if held < 5 or held / mistakes < 3 * share:
        return []
    return [
        f"Where a person can look at a few images, let it be the least confident ones: the {len(reviewed):,} least "
        f"confident of {len(wrong):,} ({100 * share:.2f} %) hold {held} of the {mistakes} mistakes "
        f"({100 * held / mistakes:.2f} %)."
    ]


def _gallery(evidence: Evidence, ranking: Ambiguity, first: np.ndarray) -> list[Block]:
    if evidence.images is None:
        return []
    names = evidence.class_names
    titles = [
        f"{rank}. index {index}\n{ranking.confidence[index]:.2f} for {names[ranking.prediction[index]]}\n"
        f"label {names[evidence.labels[index]]}"
        for rank, index in enumerate(first, 1)
    ]
    right = int((ranking.prediction[first] == evidence.labels[first]).sum())
    caption = (
        f"The {len(first)} test images that {_who(evidence)} is least confident of, most ambiguous first. Above each: "
        f"rank and index, {_who(evidence)}'s confidence and its prediction, the label. It is right about "
        f"{right} of {len(first)}."
    )
    drawing = mosaic.draw_mosaic(evidence.images[first], titles, columns=5)
    alt = f"The {len(first)} most ambiguous test images with prediction, confidence and label."
    return [Figure("ambiguous-images", drawing, caption, alt)]


def _histogram(ranking: Ambiguity, wrong: np.ndarray, who: str) -> Figure:
    low = float(np.floor(ranking.confidence.min() * 20) / 20)
    bins = np.linspace(min(low, 0.95), 1, 21)
    with style.applied():
        figure, (axes,) = style.new_figure(height=2.6)
        values = [ranking.confidence[~wrong], ranking.confidence[wrong]]
        axes.hist(values, bins.tolist(), color=[style.BLUE, style.VERMILION], label=["right", "wrong"], log=True)
        axes.set(xlabel=f"confidence of {who}", ylabel="images", xlim=(bins[0], 1), ylim=(0.7, None))
        axes.legend(loc="upper left")
    sure, unsure = ranking.confidence >= 0.99, ranking.confidence < 0.9
    caption = (
        f"How confident {who} is where it is right and where it is wrong; the scale of the counts is "
        f"logarithmic. {100 * sure.mean():.2f} % of the images have a confidence of 0.99 or more, and "
        f"{int(wrong[sure].sum())} of these are wrong; {int(unsure.sum())} images are below 0.9, and "
        f"{int(wrong[unsure].sum())} of these are wrong."
    )
    alt = f"Histogram of {who}'s confidence, right and wrong images beside each other."
    return Figure("ambiguous-confidence", figure, caption, alt)


def _table(evidence: Evidence, ranking: Ambiguity, first: np.ndarray) -> Table:
    names = evidence.class_names
    rows = [
        (
            str(rank),
            str(index),
            names[evidence.labels[index]],
            names[ranking.prediction[index]],
            f"{ranking.confidence[index]:.4f}",
            names[ranking.second_guess[index]],
            f"{ranking.num_right[index]} of {ranking.seeds}",
        )
        for rank, index in enumerate(first[:10], 1)
    ]
    caption = f"The {len(rows)} most ambiguous images; ambiguous.csv has all {len(ranking.order):,}, with every score."
    return Table(COLUMNS, rows, caption, numbers=("rank", "index", "confidence"))


def _frame(evidence: Evidence, ranking: Ambiguity) -> pd.DataFrame:
    columns = {
        "index": np.arange(len(ranking.order)),
        "label": evidence.labels,
        "prediction": ranking.prediction,
        "confidence": ranking.confidence,
        "second_guess": ranking.second_guess,
        "right_of_seeds": ranking.num_right,
        "seeds": ranking.seeds,
        **ranking.scores,
    }
    return pd.DataFrame(columns).iloc[ranking.order].reset_index(drop=True)


def _pictures(evidence: Evidence, ranking: Ambiguity, first: np.ndarray) -> dict[str, Drawing]:
    if evidence.images is None:
        return {}
    pictures = {}
    for rank, index in enumerate(first.tolist(), 1):
        predicted = evidence.class_names[ranking.prediction[index]]
        confidence = f"{ranking.confidence[index]:.2f}"
        name = mosaic.picture_path("ambiguous", rank, index, predicted=predicted, confidence=confidence)
        label = evidence.class_names[evidence.labels[index]]
        title = f"{rank}. index {index}, label {label}\npredicted {predicted}, confidence {confidence}"
        pictures[name] = mosaic.draw_single(evidence.images[index], title)
    return pictures


def _who(evidence: Evidence, explained: str = "") -> str:
    return f"the committee{explained}" if len(evidence.probabilities) > 1 else "the model"
