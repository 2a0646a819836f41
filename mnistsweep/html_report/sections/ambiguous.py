"""Ambiguous images: the test images with the lowest confidence."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mnistsweep.analysis.confidence import SCORES, Ambiguity, rank_ambiguous
from mnistsweep.analysis.label_quality import rank_suspects
from mnistsweep.html_report.figures import style
from mnistsweep.html_report.outputs import ClassEvidence
from mnistsweep.html_report.ranked_examples import RankedExamples
from mnistsweep.html_report.records import Block, Fact, Facts, Figure, Formulas, Section, Table, Text
from mnistsweep.html_report.shown_inputs import Words

# Advice on a review of the least confident images needs this number of mistakes among them, and this multiple of the
# share of mistakes among all images.
MIN_MISTAKES, MIN_RATIO = 5, 3


def section(evidence: ClassEvidence) -> Section | None:
    """Rank the test images by the confidence of the committee."""
    ranking = rank_ambiguous(evidence.probabilities, evidence.labels)
    ranked = RankedExamples(evidence, "ambiguous", ranking.order)
    wrong = ranking.prediction != evidence.labels
    reviewed = ranking.order[: max(len(ranked.first), len(ranking.order) // 100)]
    return Section(
        blocks=[
            Text(_introduction(evidence, ranked.first)),
            _facts(ranking, ranked.first, wrong, reviewed, evidence.words),
            *_gallery(evidence, ranking, ranked),
            _histogram(ranking, wrong, evidence),
            _table(evidence, ranking, ranked),
            Formulas("Definitions of the ambiguity scores", list(SCORES.values())),
            *([Text("With one seed, variation ratio and BALD are 0.")] if ranking.seeds == 1 else []),
        ],
        advice=_advice(wrong, reviewed, evidence.words),
        files={"ambiguous.csv": ranked.frame(_columns(evidence, ranking))},
        pictures=ranked.pictures(
            lambda index: {
                "predicted": evidence.class_names[ranking.prediction[index]],
                "confidence": f"{ranking.confidence[index]:.2f}",
            },
            lambda index: (
                f", label {ranked.label(index)}\npredicted {evidence.class_names[ranking.prediction[index]]}, "
                f"confidence {ranking.confidence[index]:.2f}"
            ),
        ),
    )


def _introduction(evidence: ClassEvidence, first: NDArray[np.int64]) -> str:
    suspects = rank_suspects(evidence.committee, evidence.labels).order[: len(first)]
    return (
        f"The {evidence.words.many} are ranked by the confidence of {evidence.committee_name}, which is the "
        f"probability of the predicted class. The ranking does not use the labels, so an ambiguous "
        f"{evidence.words.one} is not necessarily mislabeled: of the {len(first)} most ambiguous "
        f"{evidence.words.many}, {np.isin(first, suspects).sum()} are also among the {len(first)} most probable "
        f"label errors (next section)."
    )


def _facts(
    ranking: Ambiguity,
    first: NDArray[np.int64],
    wrong: NDArray[np.bool_],
    reviewed: NDArray[np.int64],
    words: Words,
) -> Facts:
    share, found = len(reviewed) / len(wrong), int(wrong[reviewed].sum())
    return Facts(
        [
            Fact("median confidence", f"{np.median(ranking.confidence):.4f}", f"over {len(wrong):,} test {words.many}"),
            Fact(
                f"correct among the {len(first)} most ambiguous",
                f"{len(first) - int(wrong[first].sum())} of {len(first)}",
                f"confidence {ranking.confidence[first].min():.2f} to {ranking.confidence[first].max():.2f}",
            ),
            Fact(
                f"mistakes among the least confident {100 * share:.2f} %",
                f"{found} of {int(wrong.sum())}",
                f"{len(reviewed):,} of {len(wrong):,} {words.many}",
            ),
        ]
    )


def _advice(wrong: NDArray[np.bool_], reviewed: NDArray[np.int64], words: Words) -> list[str]:
    mistakes, found, share = int(wrong.sum()), int(wrong[reviewed].sum()), len(reviewed) / len(wrong)
    if found < MIN_MISTAKES or found / mistakes < MIN_RATIO * share:
        return []
    return [
        f"If a person can check some predictions, check the least confident ones: the {len(reviewed):,} least "
        f"confident of {len(wrong):,} {words.many} ({100 * share:.2f} %) contain {found} of the {mistakes} mistakes "
        f"({100 * found / mistakes:.2f} %)."
    ]


def _gallery(evidence: ClassEvidence, ranking: Ambiguity, ranked: RankedExamples) -> list[Block]:
    names, first = evidence.class_names, ranked.first
    correct = int((ranking.prediction[first] == evidence.labels[first]).sum())
    models = evidence.committee_name
    return ranked.gallery(
        lambda index: (
            f"{ranking.confidence[index]:.2f} for {names[ranking.prediction[index]]}\nlabel {ranked.label(index)}"
        ),
        f"The {len(first)} test {evidence.words.many} with the lowest confidence of {models}, lowest first.",
        "rank and index, the confidence and the predicted class, and the label",
        f"{correct} of {len(first)} predictions are correct.",
        f"The {len(first)} most ambiguous test {evidence.words.many} with prediction, confidence and label.",
    )


def _histogram(ranking: Ambiguity, wrong: NDArray[np.bool_], evidence: ClassEvidence) -> Figure:
    models, many = evidence.committee_name, evidence.words.many
    low = float(np.floor(ranking.confidence.min() * 20) / 20)
    bins = np.linspace(min(low, 0.95), 1, 21)
    with style.applied():
        figure, (axes,) = style.new_figure(height=2.6)
        values = [ranking.confidence[~wrong], ranking.confidence[wrong]]
        axes.hist(values, bins.tolist(), color=[style.BLUE, style.VERMILION], label=["correct", "wrong"], log=True)
        axes.set(xlabel=f"confidence of {models}", ylabel=many, xlim=(bins[0], 1), ylim=(0.7, None))
        axes.legend(loc="upper left")
    high, lower = ranking.confidence >= 0.99, ranking.confidence < 0.9
    caption = (
        f"Confidence of {models} for correct and for wrong predictions (logarithmic counts). "
        f"{100 * high.mean():.2f} % of the {many} have a confidence of 0.99 or more; {int(wrong[high].sum())} of these "
        f"predictions are wrong. {int(lower.sum())} {many} have a confidence below 0.9; {int(wrong[lower].sum())} of "
        "these predictions are wrong."
    )
    alt = f"Histogram of the confidence of {models}, with correct and wrong predictions side by side."
    return Figure("ambiguous-confidence", figure, caption, alt)


def _table(evidence: ClassEvidence, ranking: Ambiguity, ranked: RankedExamples) -> Table:
    names = evidence.class_names
    return ranked.table(
        ("prediction", "confidence", "second guess", "correct seeds"),
        lambda index: (
            names[ranking.prediction[index]],
            f"{ranking.confidence[index]:.4f}",
            names[ranking.second_guess[index]],
            f"{ranking.num_right[index]} of {ranking.seeds}",
        ),
        f"most ambiguous {evidence.words.many}",
        numbers=("confidence",),
    )


def _columns(evidence: ClassEvidence, ranking: Ambiguity) -> dict[str, object]:
    return {
        "prediction": evidence.names_of(ranking.prediction),
        "confidence": ranking.confidence,
        "second_guess": evidence.names_of(ranking.second_guess),
        "right_of_seeds": ranking.num_right,
        "seeds": ranking.seeds,
        **ranking.scores,
    }
