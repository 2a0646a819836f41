"""Agreement between models: images that are ambiguous or misclassified for several seeds or trials."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from mnistsweep.analysis.recurrence import Recurrence, measure_recurrence
from mnistsweep.html_report.figures import style
from mnistsweep.html_report.outputs import ClassEvidence
from mnistsweep.html_report.records import Block, Fact, Facts, Figure, Section, Text
from mnistsweep.html_report.shown_inputs import IMAGES, Words

# Advice needs this number of images that at least one seed misclassifies.
MIN_MISTAKES = 10


def section(evidence: ClassEvidence) -> Section | None:
    """Compare the rankings of the seeds, and those of the best trials of the sweep; None where there is one model."""
    seeds = _over_seeds(evidence) if len(evidence.probabilities) > 1 else None
    trials = _over_trials(evidence) if evidence.others else None
    if seeds is None and trials is None:
        return None
    many = evidence.words.many
    blocks: list[Block] = [
        Text(
            f"Each model ranks the test {many} by its own confidence. {many.capitalize()} that are ambiguous for all "
            f"models are hard in themselves. {many.capitalize()} that are ambiguous for some models only depend on "
            f"chance in training."
        )
    ]
    if seeds is not None:
        blocks += _blocks(seeds, "seed", [f"seed {number}" for number in range(seeds.models)], evidence)
    if trials is not None:
        blocks += _blocks(trials, "trial", _names(evidence), evidence)
    frame = _frame(evidence, seeds, trials)
    return Section(blocks, _advice(seeds, evidence.words), {"recurrence.csv": frame})


def _over_seeds(evidence: ClassEvidence) -> Recurrence:
    return measure_recurrence(evidence.probabilities, evidence.labels, evidence.top)


def _over_trials(evidence: ClassEvidence) -> Recurrence:
    """Compare the next best trials with the winner's checkpoint, or with the committee where it is missing."""
    winner = evidence.committee if evidence.checkpoint is None else evidence.checkpoint.test
    return measure_recurrence(np.stack([winner, *evidence.others.values()]), evidence.labels, evidence.top)


def _names(evidence: ClassEvidence) -> list[str]:
    winner = "committee" if evidence.checkpoint is None else f"trial {evidence.winner.number}"
    return [winner, *(f"trial {number}" for number in evidence.others)]


def _blocks(found: Recurrence, kind: str, names: list[str], evidence: ClassEvidence) -> list[Block]:
    every = int((found.num_rankings == found.models).sum())
    facts = [
        Fact(
            f"mean overlap of {kind}s", f"{found.mean_jaccard:.2f}", f"Jaccard index of the first {found.top}, 0 to 1"
        ),
        Fact(
            f"in the first {found.top} of every {kind}",
            f"{every}",
            f"of {int((found.num_rankings > 0).sum())} {evidence.words.many} of at least one {kind}",
        ),
        Fact("always wrong", f"{int(found.always_wrong.sum()):,}", f"misclassified by all {found.models} {kind}s"),
        Fact(
            "sometimes wrong",
            f"{int(found.sometimes_wrong.sum()):,}",
            f"misclassified by some of the {found.models} {kind}s",
        ),
        Fact(
            "never wrong",
            f"{int(found.never_wrong.sum()):,}",
            f"of {len(found.num_rankings):,} test {evidence.words.many}",
        ),
    ]
    return [Facts(facts), _figure(found, kind, names, evidence.words)]


def _figure(found: Recurrence, kind: str, names: list[str], words: Words) -> Figure:
    counts = np.bincount(found.num_rankings, minlength=found.models + 1)[1:]
    with style.applied():
        figure, (bars, matrix) = style.new_figure(1, 2, height=max(2.4, 1.2 + 0.3 * found.models))
        drawn = bars.barh(np.arange(1, found.models + 1), counts, color=style.BLUE)
        bars.bar_label(drawn, padding=3)
        bars.set(yticks=np.arange(1, found.models + 1), xlabel=words.many, ylabel=f"number of {kind}s")
        bars.set(title=f"{words.many.capitalize()} in the first {found.top}", xlim=(0, max(counts.max(), 1) * 1.15))
        _matrix(matrix, found, names)
    random = found.top**2 / len(found.num_rankings)
    caption = (
        f"Left: number of {words.many} that are among the {found.top} most ambiguous {words.many} of one {kind}, of "
        f"two, and so on; {counts[-1]} are among those of all {found.models}. Right: overlap of each pair of {kind}s "
        f"(Jaccard index), {found.mean_jaccard:.2f} on average. Two random rankings would share {random:.2g} of "
        f"{found.top} {words.many} on average."
    )
    alt = f"Bars of the number of {words.many} by the number of {kind}s, beside a matrix of the overlap of each pair."
    return Figure(f"recurrence-{kind}s", figure, caption, alt)


def _matrix(axes: Axes, found: Recurrence, names: list[str]) -> None:
    axes.imshow(found.jaccard, cmap=style.COLORMAP, vmin=0, vmax=1)
    places = np.arange(found.models)
    axes.set(xticks=places, yticks=places, yticklabels=names, title="Overlap (Jaccard index)")
    axes.set_xticklabels([name.split()[-1].replace("committee", "com.") for name in names])
    for i, j in np.ndindex(found.jaccard.shape):
        value = found.jaccard[i, j]
        axes.text(j, i, f"{value:.2f}", ha="center", va="center", color="#1a1a1a" if value > 0.55 else "#f5f5f5")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)


def _advice(seeds: Recurrence | None, words: Words) -> list[str]:
    if seeds is None:
        return []
    always, sometimes = int(seeds.always_wrong.sum()), int(seeds.sometimes_wrong.sum())
    # Where most mistakes depend on the seed, the section on the comparison of models may advise the committee.
    if always + sometimes < MIN_MISTAKES or sometimes > always:
        return []
    return [
        f"Change the model{' or the augmentation' * (words == IMAGES)}, more seeds will not help much: of the "
        f"{always + sometimes} {words.many} that at least one seed misclassifies, {always} are misclassified by all "
        f"{seeds.models} seeds (recurrence.csv)."
    ]


def _frame(evidence: ClassEvidence, seeds: Recurrence | None, trials: Recurrence | None) -> pd.DataFrame:
    frame = pd.DataFrame({"index": np.arange(len(evidence.labels)), "label": evidence.names_of(evidence.labels)})
    ordering: list[str] = []
    for kind, found in (("seeds", seeds), ("trials", trials)):
        if found is None:
            continue
        frame[f"top_of_{kind}"] = found.num_rankings
        frame[f"right_of_{kind}"] = found.num_right
        frame[f"{kind}"] = found.models
        wrong = np.where(found.always_wrong, "always", np.where(found.never_wrong, "never", "sometimes"))
        frame[f"wrong_over_{kind}"] = wrong
        ordering += [f"top_of_{kind}", f"right_of_{kind}"]
    ascending = [column.startswith("right") for column in ordering]
    return frame.sort_values(ordering, ascending=ascending, kind="stable").reset_index(drop=True)
