"""Model comparison: significance of the differences between models on the same test images."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Drawing
from numpy.typing import NDArray

from mnistsweep.analysis.comparison import SIGNIFICANCE_LEVEL, Comparison, compare_models
from mnistsweep.html_report.figures import style
from mnistsweep.html_report.outputs import ClassEvidence
from mnistsweep.html_report.records import Block, Figure, Section, Table, Text
from mnistsweep.html_report.shown_inputs import Words

# Maximum number of seeds that are compared with the committee.
MAX_SEEDS = 10


@dataclass(frozen=True)
class Pair:
    """Comparison of two models, A and B.

    Attributes:
        first: Name of A.
        second: Name of B.
        trial: Number of B's trial if it is not the winner, otherwise None.
        found: Result of the comparison.
    """

    first: str
    second: str
    trial: int | None
    found: Comparison


def section(evidence: ClassEvidence) -> Section | None:
    """Compare the committee with its seeds, a retrained model with the checkpoint, the winner with other trials."""
    pairs = _pairs(evidence)
    if not pairs:
        return None
    level = SIGNIFICANCE_LEVEL / len(pairs)
    kinds = [list(kind) for _, kind in itertools.groupby(pairs, key=lambda one: one.first)]
    blocks: list[Block] = [
        Text(_reading(level, len(pairs), evidence.words)),
        Text(" ".join(_capital(_verdict(kind, level, evidence.words.many)) for kind in kinds)),
        _figure(pairs, level, evidence.words),
        _table(pairs, level, evidence.words),
    ]
    return Section(blocks, _advice(pairs, level, evidence), {"comparison.csv": _file(pairs)})


def _pairs(evidence: ClassEvidence) -> list[Pair]:
    """Return all comparisons that are possible, with the names of the models on the page."""
    seeds, labels, winner = evidence.probabilities, evidence.labels, evidence.winner
    pairs: list[Pair] = []

    def add(first: str, one: NDArray[np.float64], second: str, other: NDArray[np.float64], trial: int | None) -> None:
        pairs.append(Pair(first, second, trial, compare_models(one, other, labels)))

    if len(seeds) > 1:
        for number, one in enumerate(seeds[:MAX_SEEDS]):
            add("the committee", evidence.committee, f"seed {number}", one, None)
    if evidence.checkpoint is not None:
        own, name = evidence.checkpoint.test, f"trial {winner.number}"
        if winner.retrained:
            add("the retrained seed 0", seeds[0], name, own, None)
        for number, other in evidence.others.items():
            add(name, own, f"trial {number}", other, number)
    return pairs


def _reading(level: float, number: int, words: Words) -> str:
    many = f", which is 0.05 divided by the {number} comparisons (Bonferroni)" if number > 1 else ""
    return (
        f"McNemar's exact test compares two models on the {words.many} that exactly one of them classifies "
        f"correctly. A difference is significant where p is below {level:.3g}{many}. Each model was trained once, so "
        f"a significant difference is one between these two models, not between two configurations. A trial is "
        f"represented by its checkpoint."
    )


def _verdict(kind: list[Pair], level: float, many: str) -> str:
    """Return a sentence on the comparisons of one model with others of the same kind."""
    first = kind[0]
    if len(kind) == 1:
        return first.found.verdict(first.first, first.second, level, many)
    better = sum(one.found.p_value < level and one.found.difference > 0 for one in kind)
    worse = sum(one.found.p_value < level and one.found.difference < 0 for one in kind)
    others = "seeds" if first.trial is None else "other trials"
    return (
        f"{first.first} is significantly better than {better} of the {len(kind)} {others} compared, and significantly "
        f"worse than {worse} (p below {level:.3g})."
    )


def _table(pairs: list[Pair], level: float, words: Words) -> Table:
    rows = [
        (
            one.first,
            one.second,
            str(one.found.only_first),
            str(one.found.only_second),
            f"{one.found.p_value:.3f}" if one.found.p_value >= 0.001 else "< 0.001",
            "yes" if one.found.p_value < level else "no",
            f"{100 * one.found.difference:+.2f} ({_points(one.found)})",
        )
        for one in pairs
    ]
    columns = ("A", "B", "only A", "only B", "p", "significant", "A − B, points")
    caption = (
        f"{len(pairs)} comparison{'' if len(pairs) == 1 else 's'} on {pairs[0].found.examples:,} test {words.many}. "
        f"Only A: number of {words.many} that only A classifies correctly. The difference in accuracy is in percentage "
        f"points, with its 95 % interval (Agresti and Min 2005)."
    )
    return Table(columns, rows, caption, numbers=(*columns[2:5], columns[6]))


def _points(found: Comparison) -> str:
    return f"{100 * found.interval.low:+.2f} to {100 * found.interval.high:+.2f}"


def _figure(pairs: list[Pair], level: float, words: Words) -> Figure:
    clear = [one for one in pairs if one.found.interval.low > 0 or one.found.interval.high < 0]
    several = (
        f" Each interval is for a single comparison. The table accounts for all {len(pairs)} comparisons, which is "
        f"stricter; significant there: {sum(one.found.p_value < level for one in pairs)}."
    )
    return Figure(
        "comparison",
        _draw(pairs),
        f"Difference in accuracy between two models on the same test {words.many}, with 95 % intervals. Where the "
        f"interval contains zero, either model may be better; {len(clear)} of {len(pairs)} intervals do not contain "
        f"zero." + several * (len(pairs) > 1),
        f"{len(pairs)} differences in accuracy with their intervals around a line at zero.",
    )


def _draw(pairs: list[Pair]) -> Drawing:
    places = np.arange(len(pairs))
    middle = np.array([100 * one.found.difference for one in pairs])
    ends = np.array([(100 * one.found.interval.low, 100 * one.found.interval.high) for one in pairs]).T
    with style.applied():
        figure, (axes,) = style.new_figure(height=0.9 + 0.28 * len(pairs))
        axes.axvline(0, color=style.GREY, linewidth=1)
        axes.hlines(places, *ends, color=style.BLUE)
        axes.plot(middle, places, "o", color=style.BLUE)
        axes.set_yticks(places, [f"{one.first} − {one.second}".replace("the ", "") for one in pairs])
        axes.set(ylim=(len(pairs) - 0.5, -0.5), xlabel="difference in accuracy, percentage points")
    return figure


def _advice(pairs: list[Pair], level: float, evidence: ClassEvidence) -> list[str]:
    advice = []
    seeds = [one for one in pairs if one.first == "the committee"]
    clear = [one for one in seeds if one.found.p_value < level and one.found.difference > 0]
    if 2 * len(clear) > len(seeds):
        gain = 100 * sum(one.found.difference for one in seeds) / len(seeds)
        advice.append(
            f"Use the committee if {evidence.num_models} predictions for each {evidence.words.one} are affordable: "
            f"its accuracy is {gain:.2f} percentage points higher than that of one seed on average, significantly so "
            f"for {len(clear)} of the {len(seeds)} seeds compared."
        )
    others = [one for one in pairs if one.trial is not None]
    better = [one for one in others if one.found.p_value < level and one.found.difference < 0]
    if better:
        first = better[0]
        advice.append(
            f"Do not select trial {first.trial} for its test accuracy, which is {-100 * first.found.difference:.2f} "
            "percentage points higher than that of the winner: the test set must not be used for selection. Select "
            "again with more validation data or more seeds."
        )
    return advice


def _file(pairs: list[Pair]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "a": one.first,
                "b": one.second,
                "only_a_right": one.found.only_first,
                "only_b_right": one.found.only_second,
                "both_wrong": one.found.both_wrong,
                "difference": one.found.difference,
                "low": one.found.interval.low,
                "high": one.found.interval.high,
                "p_value": one.found.p_value,
            }
            for one in pairs
        ]
    )


def _capital(sentence: str) -> str:
    return sentence[0].upper() + sentence[1:]
