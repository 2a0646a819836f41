"""Label errors: the test images with labels that fit the predicted probabilities worst."""

from __future__ import annotations

import shlex

from mnistsweep.analysis.label_quality import SCORES, LabelQuality, rank_suspects
from mnistsweep.html_report.outputs import ClassEvidence
from mnistsweep.html_report.ranked_examples import RankedExamples
from mnistsweep.html_report.records import Block, Fact, Facts, Formulas, Section, Table, Text
from mnistsweep.html_report.shown_inputs import Words


def _introduction(words: Words) -> str:
    return (
        "These are labels of the test set, on which no model was trained. A label is suspected where another class "
        "has a "
        f"clearly higher probability. A suspected label is not necessarily wrong: the model can be wrong, and some "
        f"{words.many} show no class clearly."
    )


def _method(words: Words) -> str:
    return (
        "The ranking uses the normalized margin. Self-confidence also finds known label errors, but it is low for "
        "every "
        f"{words.one} that fits no class, too. Confidence-weighted entropy is computed from its formula without "
        f"cleanlab's rescaling, which ranks {words.many} that are predicted correctly with full confidence as the "
        f"most suspect."
    )


def section(evidence: ClassEvidence) -> Section | None:
    """Rank the test images by the quality of their labels, lowest first."""
    quality = rank_suspects(evidence.committee, evidence.labels)
    ranked = RankedExamples(evidence, "suspects", quality.order)
    return Section(
        blocks=[
            Text(_introduction(evidence.words)),
            _facts(quality),
            *_gallery(evidence, quality, ranked),
            _table(evidence, quality, ranked),
            Text(_method(evidence.words)),
            Formulas("Definitions of the label quality scores", list(SCORES.values())),
        ],
        advice=_advice(evidence, quality),
        files={
            "suspects.csv": ranked.frame(
                {"suggested": evidence.names_of(quality.suggested), "flagged": quality.flagged, **quality.scores}
            )
        },
        pictures=ranked.pictures(
            lambda index: {
                "label": ranked.label(index),
                "suggested": evidence.class_names[quality.suggested[index]],
            },
            lambda index: f"\nlabel {ranked.label(index)}, suggested {evidence.class_names[quality.suggested[index]]}",
        ),
    )


def _facts(quality: LabelQuality) -> Facts:
    flagged, images = int(quality.flagged.sum()), len(quality.flagged)
    below = int((quality.scores["self_confidence"] < 0.01).sum())
    return Facts(
        [
            Fact("flagged labels", f"{flagged:,}", f"by cleanlab's confident learning, of {images:,} test labels"),
            Fact("share flagged", f"{100 * flagged / images:.2f} %", "an estimate, not a count of label errors"),
            Fact("self-confidence below 0.01", f"{below:,}", "labels with a predicted probability below 0.01"),
        ]
    )


def _advice(evidence: ClassEvidence, quality: LabelQuality) -> list[str]:
    flagged, images = int(quality.flagged.sum()), len(quality.flagged)
    if not flagged:
        return []
    sweep = evidence.name if evidence.cleaning is None else str(evidence.cleaning.parent)
    clean = shlex.join(["mnistsweep", "clean", sweep])
    return [
        f"Check the {min(flagged, evidence.top)} most suspected test labels (suspects.csv). {flagged} of {images:,} "
        "labels are flagged; if the suggested class were correct for all of them, the accuracy of "
        f"{evidence.committee_name} would be {100 * flagged / images:.2f} points higher. To measure whether cleaning "
        f"the training labels helps, run `{clean}`."
    ]


def _gallery(evidence: ClassEvidence, quality: LabelQuality, ranked: RankedExamples) -> list[Block]:
    names, margin, first = evidence.class_names, quality.scores["normalized_margin"], ranked.first
    return ranked.gallery(
        lambda index: f"label {ranked.label(index)}\nsuggested {names[quality.suggested[index]]}",
        f"The {len(first)} test {evidence.words.many} with the most suspected labels, most suspected first.",
        "rank and index, its label, and the predicted class as a suggestion",
        f"Normalized margin: {margin[first[0]]:.4f} to {margin[first[-1]]:.4f} (0 is worst). "
        f"{int(quality.flagged[first].sum())} of {len(first)} are flagged.",
        f"The {len(first)} test {evidence.words.many} with the most suspected labels, with label and suggested class.",
    )


def _table(evidence: ClassEvidence, quality: LabelQuality, ranked: RankedExamples) -> Table:
    return ranked.table(
        ("suggested", "self-confidence", "normalized margin", "flagged"),
        lambda index: (
            evidence.class_names[quality.suggested[index]],
            f"{quality.scores['self_confidence'][index]:.4f}",
            f"{quality.scores['normalized_margin'][index]:.4f}",
            "yes" if quality.flagged[index] else "no",
        ),
        "most suspected labels",
        numbers=("self-confidence", "normalized margin"),
    )
