"""Which labels of the test set look wrong? The images whose label fits the committee's probabilities worst."""

from __future__ import annotations

import shlex

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Drawing

from mnistsweep.analysis.label_quality import SCORES, LabelQuality, rank_suspects
from mnistsweep.html_report.evidence import Evidence
from mnistsweep.html_report.figures import mosaic
from mnistsweep.html_report.records import Block, Fact, Facts, Figure, Formulas, Section, Table, Text

COLUMNS = ("rank", "index", "label", "suggested", "self-confidence", "normalized margin", "flagged")


def section(evidence: Evidence) -> Section | None:
    """Rank the test images by how badly their label fits."""
    quality = rank_suspects(evidence.committee, evidence.labels)
    first = quality.order[: evidence.top]
    return Section(
        blocks=[
            Text(
                "These are labels of the test set, which no model was trained on. The ranking asks whether another "
                "class fits an image clearly better than its label. A suspect is a question, not a verdict: the "
                "model may be wrong, and some images have no right answer."
            ),
            _facts(quality),
            *_gallery(evidence, quality, first),
            _table(evidence, quality, first),
            Text(
                "Ranked by normalized margin: self-confidence finds known label errors as well, but is also low for "
                "an image that fits no class. Confidence-weighted entropy is given from its formula and not as "
                "cleanlab rescales it, because there images that the model is perfectly sure of, and right about, "
                "come out as the most suspect."
            ),
            Formulas("How labels are scored", list(SCORES.values())),
        ],
        advice=_advice(evidence, quality),
        files={"suspects.csv": _frame(evidence, quality)},
        pictures=_pictures(evidence, quality, first),
    )


def _facts(quality: LabelQuality) -> Facts:
    flagged, images = int(quality.flagged.sum()), len(quality.flagged)
    below = int((quality.scores["self_confidence"] < 0.01).sum())
    return Facts(
        [
            Fact("labels flagged", f"{flagged:,}", f"by cleanlab's confident learning, of {images:,} test labels"),
            Fact("share flagged", f"{100 * flagged / images:.2f} %", "an estimate by the model, not a count of errors"),
            Fact("self-confidence below 0.01", f"{below:,}", "the committee all but rules the label out"),
        ]
    )


def _advice(evidence: Evidence, quality: LabelQuality) -> list[str]:
    flagged, images = int(quality.flagged.sum()), len(quality.flagged)
    if not flagged:
        return []
    look = min(flagged, evidence.top)
    sweep = evidence.name if evidence.cleaning is None else str(evidence.cleaning.parent)
    clean = shlex.join(["mnistsweep", "clean", sweep])
    return [
        f"Look at the {look} most suspected test labels (suspects.csv): {flagged} of {images:,} are flagged, and if "
        f"all of these were wrong as suggested, the committee's accuracy would be {100 * flagged / images:.2f} "
        f"points higher. To measure whether cleaning the training set helps, run `{clean}`."
    ]


def _gallery(evidence: Evidence, quality: LabelQuality, first: np.ndarray) -> list[Block]:
    if evidence.images is None:
        return []
    names, margin = evidence.class_names, quality.scores["normalized_margin"]
    titles = [
        f"{rank}. index {index}\nlabel {names[evidence.labels[index]]}\nsuggested {names[quality.suggested[index]]}"
        for rank, index in enumerate(first, 1)
    ]
    caption = (
        f"The {len(first)} test images whose label fits worst, most suspect first. Above each: rank and index, the "
        "given label, and the class that the committee suggests. Their normalized margins are "
        f"{margin[first[0]]:.4f} to {margin[first[-1]]:.4f}, where 0 is the worst; "
        f"{int(quality.flagged[first].sum())} of {len(first)} are flagged."
    )
    drawing = mosaic.draw_mosaic(evidence.images[first], titles, columns=5)
    alt = f"The {len(first)} test images with the most suspect labels, with given and suggested label."
    return [Figure("suspects-images", drawing, caption, alt)]


def _table(evidence: Evidence, quality: LabelQuality, first: np.ndarray) -> Table:
    names = evidence.class_names
    rows = [
        (
            str(rank),
            str(index),
            names[evidence.labels[index]],
            names[quality.suggested[index]],
            f"{quality.scores['self_confidence'][index]:.4f}",
            f"{quality.scores['normalized_margin'][index]:.4f}",
            "yes" if quality.flagged[index] else "no",
        )
        for rank, index in enumerate(first[:10], 1)
    ]
    caption = f"The {len(rows)} most suspected labels; suspects.csv has all {len(quality.order):,}, with every score."
    return Table(COLUMNS, rows, caption, numbers=("rank", "index", "self-confidence", "normalized margin"))


def _frame(evidence: Evidence, quality: LabelQuality) -> pd.DataFrame:
    columns = {
        "index": np.arange(len(quality.order)),
        "label": evidence.labels,
        "suggested": quality.suggested,
        "flagged": quality.flagged,
        **quality.scores,
    }
    return pd.DataFrame(columns).iloc[quality.order].reset_index(drop=True)


def _pictures(evidence: Evidence, quality: LabelQuality, first: np.ndarray) -> dict[str, Drawing]:
    if evidence.images is None:
        return {}
    pictures = {}
    for rank, index in enumerate(first.tolist(), 1):
        label = evidence.class_names[evidence.labels[index]]
        suggested = evidence.class_names[quality.suggested[index]]
        name = mosaic.picture_path("suspects", rank, index, label=label, suggested=suggested)
        title = f"{rank}. index {index}\nlabel {label}, suggested {suggested}"
        pictures[name] = mosaic.draw_single(evidence.images[index], title)
    return pictures
