"""Where is the model wrong, and what does it take for what?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mnistsweep.analysis.accuracy import wilson_interval
from mnistsweep.analysis.confusion import ClassScores, Confusion, measure_confusion
from mnistsweep.analysis.mistakes import Mistakes, find_mistakes
from mnistsweep.html_report.evidence import Evidence
from mnistsweep.html_report.figures.confusion_matrix import MAX_ANNOTATED, draw_confusion_matrix
from mnistsweep.html_report.figures.mosaic import draw_mosaic
from mnistsweep.html_report.figures.single_image import draw_image
from mnistsweep.html_report.records import Block, Fact, Facts, Figure, Section, Table
from mnistsweep.text import format_count, percent, percent_range

MAX_IMAGES, IMAGES_IN_A_ROW = 96, 8

# Two class names of so many letters together stand on one line over an image.
SHORT = 8
MAX_MIX_UPS, MAX_CLASSES = 12, 20

# A mistake of which the committee is surer than this is worth a look at its label.
SURE = 0.9


def section(evidence: Evidence) -> Section:
    """Show the wrong images, what they were taken for, and how far each class can be trusted."""
    found = find_mistakes(evidence.probabilities, evidence.labels)
    confusion = measure_confusion(evidence.committee, evidence.labels)
    blocks: list[Block] = [Facts(_facts(found)), _counts(evidence, confusion)]
    if len(found.wrong):
        blocks += [_errors(evidence, confusion), _mix_ups(evidence, confusion)]
        blocks += _images(evidence, found)
    blocks.append(_classes(evidence, confusion.scores))
    return Section(blocks, list(_advice(evidence, found, confusion)), _files(evidence, found, confusion))


def _facts(found: Mistakes) -> list[Fact]:
    examples, wrong = len(found.predictions), len(found.wrong)
    facts = [Fact("wrong images", f"{wrong:,}", f"of {examples:,}, by the committee: {percent(wrong / examples)}")]
    if found.num_seeds > 1:
        always = int((found.wrong_of_seeds == found.num_seeds).sum())
        sometimes = int((found.wrong_of_seeds > 0).sum()) - always
        facts.append(Fact("always wrong", f"{always:,}", f"images that all {found.num_seeds} seeds get wrong"))
        facts.append(Fact("sometimes wrong", f"{sometimes:,}", "images that some seeds get right and others wrong"))
    sure = int((found.confidence[found.wrong] > SURE).sum())
    return [*facts, Fact("sure and wrong", f"{sure:,}", f"wrong images with a confidence above {100 * SURE:.0f} %")]


def _counts(evidence: Evidence, confusion: Confusion) -> Figure:
    right, examples = int(np.diag(confusion.counts).sum()), len(evidence.labels)
    return Figure(
        "confusion",
        draw_confusion_matrix(confusion.counts, evidence.class_names, logarithmic=False),
        f"Confusion matrix of the committee: how many images of each label (row) got each prediction (column). "
        f"{right:,} of {examples:,} stand in the diagonal: they are right. Empty cells hold none.",
        f"Confusion matrix of {len(confusion.counts)} classes with {examples - right} images off the diagonal.",
    )


def _errors(evidence: Evidence, confusion: Confusion) -> Figure:
    """The errors alone; of many classes, those of the most common mix-ups."""
    errors, names, first = confusion.errors, evidence.class_names, confusion.confused_pairs[0]
    order, some = confusion.order, ""
    if len(order) > MAX_ANNOTATED:
        mixed = dict.fromkeys(one for pair in confusion.confused_pairs for one in (pair.true, pair.predicted))
        order = order[np.isin(order, list(mixed)[:MAX_ANNOTATED])]
        held = f"{errors[np.ix_(order, order)].sum():,} of {errors.sum():,} mistakes"
        some = f" Only the {len(order)} classes of the most common mix-ups are shown: {held}."
    return Figure(
        "confusion-errors",
        draw_confusion_matrix(errors[np.ix_(order, order)], [names[one] for one in order], logarithmic=True),
        "The mistakes alone, on a logarithmic colour scale. Classes that are confused stand together. The most common "
        f"mistake: {names[first.true]} taken for {names[first.predicted]}, {format_count(first.count, 'image')}.{some}",
        f"Matrix of {errors.sum()} mistakes, classes ordered by confusion, nothing in the diagonal.",
    )


def _mix_ups(evidence: Evidence, confusion: Confusion) -> Table:
    names, shown = evidence.class_names, confusion.confused_pairs[:MAX_MIX_UPS]
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
    total, held = int(confusion.errors.sum()), sum(one.count for one in shown)
    caption = (
        f"The {len(shown)} most common mix-ups of {len(confusion.confused_pairs)}: {held:,} of {total:,} mistakes. "
        "Share: of the images with this label. Examples: positions in the test set, the most confident mistake first."
    )
    columns = ("label", "prediction", "images", "share", "examples")
    return Table(columns, rows, caption, numbers=("images", "share"))


def _images(evidence: Evidence, found: Mistakes) -> Iterator[Figure]:
    """The gallery, and the surest mistake at full length."""
    worst, names, labels = found.most_confident, evidence.class_names, evidence.labels
    first = int(worst[0])
    if evidence.images is not None:
        shown = worst[:MAX_IMAGES]
        titles = [_title(one, names[labels[one]], names[found.predictions[one]], found) for one in shown.tolist()]
        which = "All" if len(shown) == len(worst) else f"{len(shown)} of the"
        yield Figure(
            "mistakes",
            draw_mosaic(evidence.images[shown], titles, columns=IMAGES_IN_A_ROW),
            f"{which} {len(worst):,} wrong images, the most confident mistake first. Over each: position in the test "
            "set, confidence of the committee, then label → prediction. All of them stand in mistakes.csv.",
            f"{len(shown)} images that the committee gets wrong, each with label and prediction.",
        )
    image = None if evidence.images is None else evidence.images[first]
    guess = found.predictions[first]
    yield Figure(
        "mistake",
        draw_image(image, evidence.probabilities[:, first], int(labels[first]), names, first),
        f"The most confident mistake, image {first}: {names[guess]} has {percent(found.confidence[first])}, the label "
        f"{names[labels[first]]} has {percent(evidence.committee[first, labels[first]])}; "
        f"{found.wrong_of_seeds[first]} of {found.num_seeds} seeds are wrong. "
        f"`mnistsweep show` draws any other image so.",
        f"Image {first} beside a bar a class: label {names[labels[first]]}, prediction {names[guess]}.",
    )


def _title(index: int, label: str, guess: str, found: Mistakes) -> str:
    """Position, confidence (99 % is the most that is claimed), label and prediction, in short lines."""
    confidence = min(99, int(100 * found.confidence[index]))
    between_them = " " if len(label) + len(guess) <= SHORT else "\n"
    return f"{index} ({confidence} %)\n{label}{between_them}→ {guess}"


def _classes(evidence: Evidence, scores: ClassScores) -> Table:
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
    which = "Each class" if len(order) == len(scores.f1) else f"The {len(order)} worst of {len(scores.f1)} classes"
    caption = (
        f"{which}, the worst F1 first, with Wilson intervals (95 %). Precision: how many of the images that got this "
        "prediction are right. Recall: how many of the images with this label are found. F1: their harmonic mean."
    )
    columns = ("class", "images", "precision, %", "recall, %", "F1, %")
    return Table(columns, rows, caption, numbers=columns[1:])


def _score(value: float, ends: NDArray[np.float64]) -> str:
    return "none" if np.isnan(value) else f"{100 * value:.2f} ({100 * ends[0]:.2f} to {100 * ends[1]:.2f})"


def _advice(evidence: Evidence, found: Mistakes, confusion: Confusion) -> Iterator[str]:
    names, total = evidence.class_names, int(confusion.errors.sum())
    either = np.triu(confusion.errors + confusion.errors.T)
    one, other = divmod(int(either.argmax()), len(names))
    if len(names) > 2 and (most := int(either[one, other])) >= max(10, total / 5):
        yield (
            f"{names[one]} and {names[other]} taken for each other are {most} of {total} mistakes "
            f"({100 * most / total:.0f} %): that is where most can be gained, by more examples of these two or "
            "augmentation that keeps them apart."
        )
    yield from _weak_class(evidence, confusion)
    if sure := int((found.confidence[found.wrong] > SURE).sum()):
        yield (
            f"{format_count(sure, 'image')} wrong with a confidence above {100 * SURE:.0f} %: look at the first "
            "rows of mistakes.csv; either the label is wrong, or the model is too sure."
        )


def _weak_class(evidence: Evidence, confusion: Confusion) -> Iterator[str]:
    """The class whose recall is surely below that of all; the level is divided by the number of classes."""
    scores = confusion.scores
    right, overall = np.diag(confusion.counts), np.trace(confusion.counts) / len(evidence.labels)
    _, high = wilson_interval(right, scores.support, level=1 - 0.05 / len(right))
    weak = np.flatnonzero((high < overall) & (scores.support > 0))
    if len(weak):
        worst = int(weak[np.argmin(scores.recall[weak])])
        low, high = scores.recall_interval[:, worst]
        yield (
            f"Class {evidence.class_names[worst]} is found less often than the others: recall "
            f"{percent(scores.recall[worst])} ({percent_range(low, high)}) against {percent(overall)} over all "
            "classes. "
            "Collect or augment more examples of it."
        )


def _files(evidence: Evidence, found: Mistakes, confusion: Confusion) -> dict[str, pd.DataFrame]:
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
    mix_ups = pd.DataFrame(
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
        "mixups.csv": mix_ups,
        "classes.csv": classes,
        "confusion.csv": counts,
    }
