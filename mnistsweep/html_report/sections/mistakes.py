"""Misclassified images: confusion matrix, most frequent confusions, and scores of each class."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mnistsweep.analysis.accuracy import wilson_interval
from mnistsweep.analysis.confusion import ClassScores, Confusion, measure_confusion
from mnistsweep.analysis.mistakes import Mistakes, find_mistakes
from mnistsweep.html_report.figures.confusion_matrix import MAX_ANNOTATED, draw_confusion_matrix
from mnistsweep.html_report.figures.mosaic import draw_mosaic
from mnistsweep.html_report.figures.single_example import draw_classes
from mnistsweep.html_report.outputs import ClassEvidence
from mnistsweep.html_report.ranked_examples import gallery
from mnistsweep.html_report.records import Block, Fact, Facts, Figure, Section, Table
from mnistsweep.text import percent, percent_range

MAX_IMAGES, IMAGES_IN_A_ROW = 96, 8

# Maximum length of two class names together that stand on one line above an image.
MAX_ONE_LINE = 8
MAX_CONFUSIONS, MAX_CLASSES = 12, 20

# Confidence above which a mistake is a confident one.
HIGH_CONFIDENCE = 0.9


def section(evidence: ClassEvidence) -> Section:
    """Show the misclassified images, the confusions of classes, and precision and recall of each class."""
    found = find_mistakes(evidence.probabilities, evidence.labels)
    confusion = measure_confusion(evidence.committee, evidence.labels)
    blocks: list[Block] = [Facts(_facts(found, evidence)), _counts(evidence, confusion)]
    if len(found.wrong):
        blocks += [_errors(evidence, confusion), _confusions(evidence, confusion)]
        blocks += _examples(evidence, found)
    blocks.append(_classes(evidence, confusion.scores))
    return Section(blocks, list(_advice(evidence, found, confusion)), _files(evidence, found, confusion))


def _facts(found: Mistakes, evidence: ClassEvidence) -> list[Fact]:
    who, words = evidence.committee_name, evidence.words
    examples, wrong = len(found.predictions), len(found.wrong)
    facts = [
        Fact(f"misclassified {words.many}", f"{wrong:,}", f"of {examples:,} by {who}: {percent(wrong / examples)}")
    ]
    if found.num_seeds > 1:
        always = int((found.wrong_of_seeds == found.num_seeds).sum())
        sometimes = int((found.wrong_of_seeds > 0).sum()) - always
        facts.append(Fact("always wrong", f"{always:,}", f"{words.many} that all {found.num_seeds} seeds misclassify"))
        facts.append(Fact("sometimes wrong", f"{sometimes:,}", f"{words.many} that some seeds misclassify"))
    if not evidence.has_probabilities:
        return facts
    confident = int((found.confidence[found.wrong] > HIGH_CONFIDENCE).sum())
    return [
        *facts,
        Fact("confident mistakes", f"{confident:,}", f"with a confidence above {100 * HIGH_CONFIDENCE:.0f} %"),
    ]


def _counts(evidence: ClassEvidence, confusion: Confusion) -> Figure:
    right, examples = int(np.diag(confusion.counts).sum()), len(evidence.labels)
    many = evidence.words.many
    return Figure(
        "confusion",
        draw_confusion_matrix(confusion.counts, evidence.class_names, logarithmic=False, unit=many),
        f"Confusion matrix of {evidence.committee_name}: number of {many} by label (row) and predicted class "
        f"(column). {right:,} of {examples:,} {many} are on the diagonal: their predictions are correct. Empty cells "
        f"have no {evidence.words.one}.",
        f"Confusion matrix of {len(confusion.counts)} classes with {examples - right} {many} off the diagonal.",
    )


def _errors(evidence: ClassEvidence, confusion: Confusion) -> Figure:
    """Draw the confusion matrix without its diagonal; of many classes, those with the most frequent confusions."""
    errors, names, first = confusion.errors, evidence.class_names, confusion.confused_pairs[0]
    order, some = confusion.order, ""
    if len(order) > MAX_ANNOTATED:
        mixed = dict.fromkeys(one for pair in confusion.confused_pairs for one in (pair.true, pair.predicted))
        order = order[np.isin(order, list(mixed)[:MAX_ANNOTATED])]
        held = f"{errors[np.ix_(order, order)].sum():,} of {errors.sum():,} mistakes"
        some = f" Only the {len(order)} classes with the most frequent confusions are shown: {held}."
    return Figure(
        "confusion-errors",
        draw_confusion_matrix(errors[np.ix_(order, order)], [names[one] for one in order], True, evidence.words.many),
        "Mistakes only, on a logarithmic colour scale, with similar classes next to each other. The most frequent "
        f"mistake: {names[first.true]} is classified as {names[first.predicted]} "
        f"({evidence.words.count(first.count)}).{some}",
        f"Matrix of {errors.sum()} mistakes, classes ordered by confusion, nothing in the diagonal.",
    )


def _confusions(evidence: ClassEvidence, confusion: Confusion) -> Table:
    names, shown = evidence.class_names, confusion.confused_pairs[:MAX_CONFUSIONS]
    rows = [
        (
            names[one.true],
            names[one.predicted],
            f"{one.count:,}",
            percent(one.share),
            ", ".join(map(str, one.examples)),
        )
        for one in shown
    ]
    total, covered = int(confusion.errors.sum()), sum(one.count for one in shown)
    caption = (
        f"The {len(shown)} most frequent of {len(confusion.confused_pairs)} confusions, with {covered:,} of {total:,} "
        f"mistakes. Share: of the {evidence.words.many} with this label. Examples: indices in the test set, the most "
        f"confident mistake first."
    )
    columns = ("label", "prediction", evidence.words.many, "share", "examples")
    return Table(columns, rows, caption, numbers=(evidence.words.many, "share"))


def _examples(evidence: ClassEvidence, found: Mistakes) -> Iterator[Block]:
    """Show the misclassified examples as they are, and the most confident mistake with all its probabilities."""
    worst, names, labels = found.most_confident, evidence.class_names, evidence.labels
    first, words = int(worst[0]), evidence.words
    if evidence.images is None:
        yield from gallery(
            evidence.inputs,
            worst[: evidence.top],
            lambda one: f"{names[labels[one]]} → {names[found.predictions[one]]}\n{percent(found.confidence[one])}",
            (
                f"The {min(len(worst), evidence.top)} most confident of {len(worst):,} misclassified {words.many}.",
                f"rank and index, label → predicted class, and the confidence of {evidence.committee_name}",
                "mistakes.csv lists all of them.",
            ),
            "mistakes",
            f"Misclassified {words.many}, each with label and predicted class.",
        )
    else:
        shown = worst[:MAX_IMAGES]
        titles = [_title(one, names[labels[one]], names[found.predictions[one]], found) for one in shown.tolist()]
        which = "All" if len(shown) == len(worst) else f"{len(shown)} of the"
        yield Figure(
            "mistakes",
            draw_mosaic(evidence.images[shown], titles, columns=IMAGES_IN_A_ROW),
            f"{which} {len(worst):,} misclassified images, the most confident mistake first. Above each image: its "
            f"index, the confidence of {evidence.committee_name}, and label → predicted class. mistakes.csv lists all "
            "of them.",
            f"{len(shown)} misclassified images, each with label and predicted class.",
        )
    guess = found.predictions[first]
    yield Figure(
        "mistake",
        draw_classes(
            evidence.inputs, evidence.probabilities[:, first], int(labels[first]), names, first, evidence.value_name
        ),
        f"The most confident mistake, {evidence.words.one} {first}: the predicted class {names[guess]} has a "
        f"{evidence.value_name} of {percent(found.confidence[first])}, the label {names[labels[first]]} has "
        f"{percent(evidence.committee[first, labels[first]])}. {found.wrong_of_seeds[first]} of {found.num_seeds} "
        f"seeds misclassify it. `mnistsweep show` draws any {evidence.words.one} in this way.",
        f"{evidence.words.one.capitalize()} {first} beside one bar for each class: label {names[labels[first]]}, "
        f"prediction {names[guess]}.",
    )


def _title(index: int, label: str, guess: str, found: Mistakes) -> str:
    """Return index, confidence (rounded down, at most 99 %), label and predicted class in short lines."""
    confidence = min(99, int(100 * found.confidence[index]))
    between_them = " " if len(label) + len(guess) <= MAX_ONE_LINE else "\n"
    return f"{index} ({confidence} %)\n{label}{between_them}→ {guess}"


def _classes(evidence: ClassEvidence, scores: ClassScores) -> Table:
    order = np.argsort(np.nan_to_num(scores.f1, nan=2), kind="stable")[:MAX_CLASSES].tolist()
    rows = [
        (
            evidence.class_names[one],
            f"{scores.support[one]:,}",
            _score(scores.precision[one], scores.precision_interval[:, one]),
            _score(scores.recall[one], scores.recall_interval[:, one]),
            _score(scores.f1[one], scores.f1_interval[:, one]),
        )
        for one in order
    ]
    many = evidence.words.many
    which = (
        "Each class"
        if len(order) == len(scores.f1)
        else f"The {len(order)} classes with the lowest F1 of {len(scores.f1)}"
    )
    caption = (
        f"{which}, the lowest F1 first, with 95 % Wilson intervals. Precision: share of the {many} predicted as "
        f"this class that have this label. Recall: share of the {many} with this label that are predicted as this "
        f"class. F1: their harmonic mean."
    )
    columns = ("class", many, "precision, %", "recall, %", "F1, %")
    return Table(columns, rows, caption, numbers=columns[1:])


def _score(value: float, ends: NDArray[np.float64]) -> str:
    return "none" if np.isnan(value) else f"{100 * value:.2f} ({100 * ends[0]:.2f} to {100 * ends[1]:.2f})"


def _advice(evidence: ClassEvidence, found: Mistakes, confusion: Confusion) -> Iterator[str]:
    names, total = evidence.class_names, int(confusion.errors.sum())
    either = np.triu(confusion.errors + confusion.errors.T)
    one, other = divmod(int(either.argmax()), len(names))
    if len(names) > 2 and (most := int(either[one, other])) >= max(10, total / 5):
        yield (
            f"Add training examples of {names[one]} and {names[other]}, or augmentation that keeps them apart: "
            f"confusing these two classes causes {most} of {total} mistakes ({100 * most / total:.0f} %)."
        )
    yield from _weak_class(evidence, confusion)
    words = evidence.words
    if not evidence.has_probabilities:
        return
    if confident := int((found.confidence[found.wrong] > HIGH_CONFIDENCE).sum()):
        yield (
            f"Check the first rows of mistakes.csv ({confident:,} misclassified "
            f"{words.one if confident == 1 else words.many} with a confidence above {100 * HIGH_CONFIDENCE:.0f} %): "
            f"either the label is wrong, or the model is overconfident."
        )


def _weak_class(evidence: ClassEvidence, confusion: Confusion) -> Iterator[str]:
    """Return advice on the class with the lowest recall, if it is significantly below the accuracy over all classes.

    The significance level is divided by the number of classes (Bonferroni).
    """
    scores = confusion.scores
    right, overall = np.diag(confusion.counts), np.trace(confusion.counts) / len(evidence.labels)
    _, high = wilson_interval(right, scores.support, level=1 - 0.05 / len(right))
    weak = np.flatnonzero((high < overall) & (scores.support > 0))
    if len(weak):
        worst = int(weak[np.argmin(scores.recall[weak])])
        low, high = scores.recall_interval[:, worst]
        yield (
            f"Collect or augment more examples of class {evidence.class_names[worst]}: its recall of "
            f"{percent(scores.recall[worst])} ({percent_range(low, high)}) is significantly below the "
            f"{percent(overall)} of all classes."
        )


def _files(evidence: ClassEvidence, found: Mistakes, confusion: Confusion) -> dict[str, pd.DataFrame]:
    names, scores = np.array(evidence.class_names, dtype=object), confusion.scores
    images = pd.DataFrame(
        {
            "index": np.arange(len(evidence.labels)),
            "label": names[evidence.labels],
            "prediction": names[found.predictions],
            "confidence": found.confidence,
            "wrong_of_seeds": found.wrong_of_seeds,
        }
    )
    confusions = pd.DataFrame(
        [
            (names[one.true], names[one.predicted], one.count, one.share, " ".join(map(str, one.examples)))
            for one in confusion.confused_pairs
        ],
        columns=["label", "prediction", "count", "share", "examples"],
    )
    classes = pd.DataFrame({"class": names, "support": scores.support, "predicted": scores.predicted})
    for name in ("precision", "recall", "f1"):
        ends = getattr(scores, f"{name}_interval")
        classes = classes.assign(**{name: getattr(scores, name), f"{name}_low": ends[0], f"{name}_high": ends[1]})
    counts = pd.DataFrame(confusion.counts, columns=pd.Index(names))
    counts.insert(0, "label", names, allow_duplicates=True)  # a class may be called so
    return {
        "mistakes.csv": images.iloc[found.most_confident],
        "right.csv": images.iloc[found.right].drop(columns="wrong_of_seeds"),
        "mixups.csv": confusions,
        "classes.csv": classes,
        "confusion.csv": counts,
    }
