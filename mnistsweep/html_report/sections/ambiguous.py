"""Ambiguous images: the test images with the lowest confidence."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mnistsweep.analysis.confidence import SCORES, Ambiguity, rank_ambiguous
from mnistsweep.analysis.label_quality import rank_suspects
from mnistsweep.html_report.evidence import Evidence
from mnistsweep.html_report.figures import style
from mnistsweep.html_report.ranked_images import RankedImages
from mnistsweep.html_report.records import Fact, Facts, Figure, Formulas, Section, Table, Text

# Advice on a review of the least confident images needs this number of mistakes among them, and this multiple of the
# share of mistakes among all images.
MIN_MISTAKES, MIN_RATIO = 5, 3


def section(evidence: Evidence) -> Section | None:
    """Rank the test images by the confidence of the committee."""
    ranking = rank_ambiguous(evidence.probabilities, evidence.labels)
    images = RankedImages(evidence, "ambiguous", ranking.order)
    wrong = ranking.prediction != evidence.labels
    reviewed = ranking.order[: max(len(images.first), len(ranking.order) // 100)]
    return Section(
        blocks=[
            Text(_introduction(evidence, images.first)),
            _facts(ranking, images.first, wrong, reviewed),
            *_gallery(evidence, ranking, images),
            _histogram(ranking, wrong, evidence.committee_name),
            _table(evidence, ranking, images),
            Formulas("Definitions of the ambiguity scores", list(SCORES.values())),
            *([Text("With one seed, variation ratio and BALD are 0.")] if ranking.seeds == 1 else []),
        ],
        advice=_advice(wrong, reviewed),
        files={"ambiguous.csv": images.frame(_columns(evidence, ranking))},
        pictures=images.pictures(
            lambda index: {
                "predicted": evidence.class_names[ranking.prediction[index]],
                "confidence": f"{ranking.confidence[index]:.2f}",
            },
            lambda index: (
                f", label {images.label(index)}\npredicted {evidence.class_names[ranking.prediction[index]]}, "
                f"confidence {ranking.confidence[index]:.2f}"
            ),
        ),
    )


def _introduction(evidence: Evidence, first: NDArray[np.int64]) -> str:
    suspects = rank_suspects(evidence.committee, evidence.labels).order[: len(first)]
    return (
        f"The images are ranked by the confidence of {evidence.committee_name}, which is the probability of the "
        "predicted class. The ranking does not use the labels, so an ambiguous image is not necessarily mislabeled: of "
        f"the {len(first)} most ambiguous images, {np.isin(first, suspects).sum()} are also among the {len(first)} "
        "most probable label errors (next section)."
    )


def _facts(
    ranking: Ambiguity, first: NDArray[np.int64], wrong: NDArray[np.bool_], reviewed: NDArray[np.int64]
) -> Facts:
    share, found = len(reviewed) / len(wrong), int(wrong[reviewed].sum())
    return Facts(
        [
            Fact("median confidence", f"{np.median(ranking.confidence):.4f}", f"over {len(wrong):,} test images"),
            Fact(
                f"correct among the {len(first)} most ambiguous",
                f"{len(first) - int(wrong[first].sum())} of {len(first)}",
                f"confidence {ranking.confidence[first].min():.2f} to {ranking.confidence[first].max():.2f}",
            ),
            Fact(
                f"mistakes among the least confident {100 * share:.2f} %",
                f"{found} of {int(wrong.sum())}",
                f"{len(reviewed):,} of {len(wrong):,} images",
            ),
        ]
    )


def _advice(wrong: NDArray[np.bool_], reviewed: NDArray[np.int64]) -> list[str]:
    mistakes, found, share = int(wrong.sum()), int(wrong[reviewed].sum()), len(reviewed) / len(wrong)
    if found < MIN_MISTAKES or found / mistakes < MIN_RATIO * share:
        return []
    return [
        f"If a person can check some predictions, check the least confident ones: the {len(reviewed):,} least "
        f"confident of {len(wrong):,} images ({100 * share:.2f} %) contain {found} of the {mistakes} mistakes "
        f"({100 * found / mistakes:.2f} %)."
    ]


def _gallery(evidence: Evidence, ranking: Ambiguity, images: RankedImages) -> list[Figure]:
    names, first = evidence.class_names, images.first
    correct = int((ranking.prediction[first] == evidence.labels[first]).sum())
    models = evidence.committee_name
    return images.gallery(
        lambda index: (
            f"{ranking.confidence[index]:.2f} for {names[ranking.prediction[index]]}\nlabel {images.label(index)}"
        ),
        f"The {len(first)} test images with the lowest confidence of {models}, lowest first. Above each image: its "
        f"rank and index, the confidence and the predicted class, and the label. {correct} of {len(first)} predictions "
        "are correct.",
        f"The {len(first)} most ambiguous test images with prediction, confidence and label.",
    )


def _histogram(ranking: Ambiguity, wrong: NDArray[np.bool_], models: str) -> Figure:
    low = float(np.floor(ranking.confidence.min() * 20) / 20)
    bins = np.linspace(min(low, 0.95), 1, 21)
    with style.applied():
        figure, (axes,) = style.new_figure(height=2.6)
        values = [ranking.confidence[~wrong], ranking.confidence[wrong]]
        axes.hist(values, bins.tolist(), color=[style.BLUE, style.VERMILION], label=["correct", "wrong"], log=True)
        axes.set(xlabel=f"confidence of {models}", ylabel="images", xlim=(bins[0], 1), ylim=(0.7, None))
        axes.legend(loc="upper left")
    high, lower = ranking.confidence >= 0.99, ranking.confidence < 0.9
    caption = (
        f"Confidence of {models} for correct and for wrong predictions (logarithmic counts). "
        f"{100 * high.mean():.2f} % of the images have a confidence of 0.99 or more; {int(wrong[high].sum())} of these "
        f"predictions are wrong. {int(lower.sum())} images have a confidence below 0.9; {int(wrong[lower].sum())} of "
        "these predictions are wrong."
    )
    alt = f"Histogram of the confidence of {models}, with correct and wrong predictions side by side."
    return Figure("ambiguous-confidence", figure, caption, alt)


def _table(evidence: Evidence, ranking: Ambiguity, images: RankedImages) -> Table:
    names = evidence.class_names
    return images.table(
        ("prediction", "confidence", "second guess", "correct seeds"),
        lambda index: (
            names[ranking.prediction[index]],
            f"{ranking.confidence[index]:.4f}",
            names[ranking.second_guess[index]],
            f"{ranking.num_right[index]} of {ranking.seeds}",
        ),
        "most ambiguous images",
        numbers=("confidence",),
    )


def _columns(evidence: Evidence, ranking: Ambiguity) -> dict[str, object]:
    return {
        "prediction": evidence.names_of(ranking.prediction),
        "confidence": ranking.confidence,
        "second_guess": evidence.names_of(ranking.second_guess),
        "right_of_seeds": ranking.num_right,
        "seeds": ranking.seeds,
        **ranking.scores,
    }
