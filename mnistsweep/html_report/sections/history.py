"""How did the search go: what each trial reached, when the best was found, and what it cost?"""

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
from mnistsweep.html_report.scored_trials import ScoredTrials
from mnistsweep.study.records import State
from mnistsweep.text import format_count, format_duration, is_share, shorten

# A trial that loses at most this share for at most half of the time is worth a sentence.
SMALL_LOSS = 0.001

# A best trial in the last part of a search, of at least so many trials, says that the search was not at its end.
LATE, MIN_TRIALS = 0.1, 10

# A reason is cut here.
REASON_LENGTH = 120


def section(evidence: Evidence) -> Section | None:
    """What the search found, and when: history, time against objective, parallel coordinates."""
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
    return {state.value: len(search.in_state(state)) for state in (State.COMPLETED, State.PRUNED, State.FAILED)}


def _facts(search: SearchHistory, trials: ScoredTrials) -> Facts:
    counts = _counts(search)
    best = trials.best
    seconds = sum(record.result.seconds for record in search.trials)
    ended = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    return Facts(
        [
            Fact("trials", str(sum(counts.values())), ended),
            Fact(f"best {trials.objective}", trials.format(trials.values[best]), f"trial {trials.numbers[best]}"),
            Fact("training time", format_duration(seconds), "the sum over all trials"),
        ]
    )


def _history(search: SearchHistory, trials: ScoredTrials) -> Figure:
    best = trials.best
    failed = [record.number for record in search.in_state(State.FAILED)]
    done = trials.completed
    sofar = np.maximum.accumulate(np.where(done, trials.gains, -np.inf))
    last = max(search.trials[-1].number, 1)
    with style.applied():
        drawing, (axes,) = style.new_figure(height=3.0)
        draw_trials(axes, trials.numbers.astype(float), trials, labels=True)
        line = sofar if trials.direction == "max" else -sofar
        known = np.isfinite(sofar)
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
        f"The best of {format_count(total, 'trial')} was found at trial {number} (the first is 0): {trials.objective} "
        f"{trials.format(trials.values[best])}. The line is the best completed trial so far."
    )
    caption += _pruned_note(trials) + note_on_trials_outside(trials)
    alt = f"{trials.objective} of each trial in order, with the best so far as a line that ends at trial {number}."
    return Figure("search-history", drawing, caption, alt)


def _pruned_note(trials: ScoredTrials) -> str:
    count = int((~trials.completed).sum())
    return f" {count_with_verb(count, 'trial')} drawn as a cross: pruned, and shown at what was reached by then." * (
        count > 0
    )


def _front(trials: ScoredTrials) -> Integers:
    """Positions of the completed trials that no other beats in both time and objective, the fastest first."""
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
        f"{len(front)} of the {int(trials.completed.sum())} completed trials are on the Pareto front: no other is both "
        f"faster and better. They reach from trial {trials.numbers[fastest]} ({_cost(trials, fastest)}) to trial "
        f"{trials.numbers[best]} ({_cost(trials, best)})."
    )
    if len(front) == 1:
        caption = (
            f"Trial {trials.numbers[best]} is alone on the Pareto front ({_cost(trials, best)}): among "
            f"{format_count(int(trials.completed.sum()), 'trial')} that completed, none was faster or better."
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
    if total < MIN_TRIALS or sum(record.number > number for record in search.trials) >= LATE * total:
        return ""
    points = search.space.size()
    if points is not None and points <= total:
        return ""
    more = 2 * total if points is None else min(2 * total, points)
    return (
        f"The best trial came late, as number {number} of {total} (the first is 0): the search may still have been "
        f"finding better ones. Raise `trials`, to {more} say; the same command continues."
    )


def _cheaper(trials: ScoredTrials, front: Integers) -> str:
    best = front[-1]
    loss = np.abs(trials.values[front] - trials.values[best])
    near = front[(loss <= SMALL_LOSS) & (trials.seconds[front] <= trials.seconds[best] / 2)]
    if not is_share(trials.objective) or not len(near):
        return ""
    return (
        f"Trial {trials.numbers[near[0]]} reaches {_cost(trials, near[0])}, the best trial {_cost(trials, best)}: "
        "where time counts, take the former."
    )


def _failures(search: SearchHistory) -> str:
    failed = search.in_state(State.FAILED)
    total = len(search.trials)
    if len(failed) < 2 or len(failed) < 0.1 * total:
        return ""
    reason, count = Counter(record.result.reason.split("\n")[0] for record in failed).most_common(1)[0]
    short = shorten(reason, REASON_LENGTH, keep_end=False)
    return f"{len(failed)} of {total} trials failed, most often with “{short}” ({count}): see results.csv."
