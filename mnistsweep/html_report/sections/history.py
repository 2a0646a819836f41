"""Search history: the objective of each trial, when the best one was found, and the training time."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from mnistsweep.analysis.arrays import Integers
from mnistsweep.analysis.pareto import pareto_front
from mnistsweep.html_report.evidence import Evidence, SearchHistory
from mnistsweep.html_report.figures import style
from mnistsweep.html_report.figures.parallel import parallel_coordinates
from mnistsweep.html_report.figures.scatter import count_with_verb, draw_trials, note_on_trials_outside
from mnistsweep.html_report.records import Block, Fact, Facts, Figure, Section
from mnistsweep.study.records import STOPPED, State
from mnistsweep.study.scored_trials import ScoredTrials
from mnistsweep.text import format_count, format_duration, is_share, shorten

# Advice names a trial with at most half of the training time whose objective is worse by at most this share.
SMALL_LOSS = 0.001

# Advice to continue the search: the best trial is in this last share of the trials, of this minimum number.
LATE_SHARE, MIN_TRIALS = 0.1, 10

# Maximum length of the reason of a failure in the advice, in characters.
REASON_LENGTH = 120


def section(evidence: Evidence) -> Section | None:
    """Show the objective of each trial, the objective against training time, and parallel coordinates."""
    search = evidence.search
    if search is None or (trials := search.scored) is None:
        return None
    front = _front(trials)
    blocks: list[Block] = [
        _facts(search, trials),
        _history(search, trials),
        _pareto(trials, front),
        parallel_coordinates(trials),
    ]
    return Section(blocks, _advice(search, trials, front), {"pareto.csv": _pareto_table(trials, front)})


def _counts(search: SearchHistory) -> dict[str, int]:
    counts = {state.value: len(search.in_state(state)) for state in (State.COMPLETED, State.PRUNED, State.FAILED)}
    return {**counts, STOPPED: len(search.in_state(State.PAUSED))}


def _facts(search: SearchHistory, trials: ScoredTrials) -> Facts:
    counts = _counts(search)
    best = trials.best
    seconds = sum(record.result.seconds for record in search.trials)
    ended = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    facts = [
        Fact("trials", str(sum(counts.values())), ended),
        Fact(f"best {trials.objective}", trials.format(trials.values[best]), f"trial {trials.numbers[best]}"),
        Fact("training time", format_duration(seconds), "sum over all trials"),
    ]
    if search.running_seconds:
        facts.append(Fact("running time", format_duration(search.running_seconds), "of the sweep, over all its starts"))
    return Facts(facts)


def _history(search: SearchHistory, trials: ScoredTrials) -> Figure:
    best = trials.best
    failed = [record.number for record in search.in_state(State.FAILED)]
    done = trials.completed | trials.is_ranked
    best_so_far = np.maximum.accumulate(np.where(done, trials.gains, -np.inf))
    last = max(search.trials[-1].number, 1)
    with style.applied():
        drawing, (axes,) = style.new_figure(height=3.0)
        draw_trials(axes, trials.numbers.astype(float), trials, labels=True)
        line = best_so_far if trials.direction == "max" else -best_so_far
        known = np.isfinite(best_so_far)
        steps = np.append(trials.numbers[known], last)
        axes.step(
            steps, np.append(line[known], line[-1]), where="post", color=style.ORANGE, label="best so far", zorder=1
        )
        if failed:
            axes.plot(failed, np.zeros(len(failed)), "|", color=style.VERMILION, markersize=9, clip_on=False,
                      transform=axes.get_xaxis_transform(), label="failed")  # fmt: skip
        axes.set_xlim(-0.03 * last, 1.03 * last)
        axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
        axes.set_xlabel("trial")
        axes.set_ylabel(trials.objective)
        drawing.legend(loc="outside upper center", ncols=5)
    number, total = int(trials.numbers[best]), len(search.trials)
    caption = (
        f"Trial {number} is the best of {format_count(total, 'trial')} (numbered from 0): {trials.objective} "
        f"{trials.format(trials.values[best])}. The line is the objective of the best completed trial so far."
    )
    caption += _pruned_note(trials) + note_on_trials_outside(trials)
    alt = f"{trials.objective} of each trial in order, with the best so far as a line that ends at trial {number}."
    return Figure("search-history", drawing, caption, alt)


def _pruned_note(trials: ScoredTrials) -> str:
    if not trials.num_pruned:
        return ""
    marker, before = "a cross" if trials.num_pruned == 1 else "crosses", trials.early.split()[0]
    drawn = f"{count_with_verb(trials.num_pruned, trials.early)} drawn as {marker}"
    return f" {drawn}, with the objective until it was {before}."


def _front(trials: ScoredTrials) -> Integers:
    """Return the positions of the completed trials on the Pareto front of time and objective, fastest first."""
    done = np.flatnonzero(trials.completed)
    return np.asarray(done[pareto_front(trials.seconds[done], trials.values[done], trials.direction)], dtype=np.int64)


def _pareto(trials: ScoredTrials, front: Integers) -> Figure:
    with style.applied():
        drawing, (axes,) = style.new_figure(height=3.0)
        draw_trials(axes, trials.seconds, trials, labels=True)
        axes.step(trials.seconds[front], trials.values[front], where="post", color=style.GREEN, marker="o",
                  markersize=7, markerfacecolor="none", label="Pareto front", zorder=3)  # fmt: skip
        positive = trials.seconds[trials.seconds > 0]
        if len(positive) == len(trials.seconds) and positive.max() > 20 * positive.min():
            axes.set_xscale("log")
        axes.set_xlabel("training time in seconds")
        axes.set_ylabel(trials.objective)
        drawing.legend(loc="outside upper center", ncols=4)
    best, fastest = front[-1], front[0]
    caption = (
        f"{len(front)} of the {int(trials.completed.sum())} completed trials are on the Pareto front: no other trial "
        f"is both faster and better. They range from trial {trials.numbers[fastest]} ({_cost(trials, fastest)}) to "
        f"trial {trials.numbers[best]} ({_cost(trials, best)})."
    )
    if len(front) == 1:
        caption = (
            f"Only trial {trials.numbers[best]} is on the Pareto front ({_cost(trials, best)}): of "
            f"{format_count(int(trials.completed.sum()), 'completed trial')}, none is faster and none is better."
        )
    alt = f"{trials.objective} of each trial against its training time; the Pareto front is a stepped line."
    return Figure("search-pareto", drawing, caption + note_on_trials_outside(trials), alt)


def _cost(trials: ScoredTrials, position: int | np.int64) -> str:
    return f"{trials.format(trials.values[position])} in {format_duration(float(trials.seconds[position]))}"


def _pareto_table(trials: ScoredTrials, front: Integers) -> pd.DataFrame:
    rows = [
        {
            "trial": int(trials.numbers[i]),
            "seconds": float(trials.seconds[i]),
            trials.objective: float(trials.values[i]),
        }
        | {key: trials.points[i].get(key) for key in trials.space.keys}
        for i in front.tolist()
    ]
    return pd.DataFrame(rows)


def _advice(search: SearchHistory, trials: ScoredTrials, front: Integers) -> list[str]:
    found = [_late(search, trials), _cheaper(trials, front), _failures(search)]
    return [sentence for sentence in found if sentence]


def _late(search: SearchHistory, trials: ScoredTrials) -> str:
    total, number = len(search.trials), int(trials.numbers[trials.best])
    if total < MIN_TRIALS or sum(record.number > number for record in search.trials) >= LATE_SHARE * total:
        return ""
    points = search.space.size()
    if points is not None and points <= total:
        return ""
    more = 2 * total if points is None else min(2 * total, points)
    return (
        f"Raise `trials`, for example to {more}, and run the same command again, which continues the sweep: the best "
        f"trial is number {number} of {total} (numbered from 0), so the search may still have been improving."
    )


def _cheaper(trials: ScoredTrials, front: Integers) -> str:
    best = front[-1]
    loss = np.abs(trials.values[front] - trials.values[best])
    near = front[(loss <= SMALL_LOSS) & (trials.seconds[front] <= trials.seconds[best] / 2)]
    if not is_share(trials.objective) or not len(near):
        return ""
    return (
        f"Use trial {trials.numbers[near[0]]} if training time matters: it reaches {_cost(trials, near[0])}, the best "
        f"trial {_cost(trials, best)}."
    )


def _failures(search: SearchHistory) -> str:
    failed = search.in_state(State.FAILED)
    total = len(search.trials)
    if len(failed) < 2 or len(failed) < 0.1 * total:
        return ""
    reason, count = Counter(record.result.reason.split("\n")[0] for record in failed).most_common(1)[0]
    short = shorten(reason, REASON_LENGTH, keep_end=False)
    return (
        f"Check the failed trials in results.csv: {len(failed)} of {total} trials failed, most often with “{short}” "
        f"({count})."
    )
