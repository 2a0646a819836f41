"""What a sweep has shown: which hyperparameters matter, which do not, and which ranges to search next."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mnistsweep.analysis.effects import Effect, find_effects
from mnistsweep.analysis.value_groups import ValueGroups
from mnistsweep.config.range_texts import is_writable
from mnistsweep.dimension_values import identity
from mnistsweep.dimensions import Choice, Dimension, Float, Zip
from mnistsweep.search.next_ranges import MIN_BEST, end_that_won, narrower, wider
from mnistsweep.space import Point, SearchSpace
from mnistsweep.study.scored_trials import ScoredTrials

# The best trials are this share of all trials, and at least `MIN_BEST`.
BEST_SHARE = 0.1


@dataclass(frozen=True, eq=False)
class Lesson:
    """What was learnt about a dimension that matters.

    Attributes:
        dimension: Dimension of the search space.
        share: Share of the order of the trials that its values explain, from 0 to 1.
        good: Dimension with the good values only; None where none is clearly worse than the best.
        median: Median of the objective with the good values, and with the others; None where one of them is unknown.
        next: Range to search next; None: the same.
        end: End of the range that won, ``lower`` or ``upper``; None: neither.
    """

    dimension: Dimension
    share: float
    good: Dimension | None
    median: tuple[float, float] | None
    next: Dimension | None
    end: str | None


@dataclass(frozen=True, eq=False)
class Lessons:
    """What was learnt about each dimension with more than one value.

    Attributes:
        trials: Number of trials with a result.
        important: Dimensions that matter, the most important one first; empty: nothing can be said yet.
        unimportant: Dimensions that explain next to nothing, each with the value of the best trial as its only one.
        undecided: Dimensions of which neither can be said.
    """

    trials: int
    important: Sequence[Lesson]
    unimportant: Sequence[Dimension]
    undecided: Sequence[Dimension]


def lessons_of(trials: ScoredTrials) -> Lessons:
    """Return what the results of trials support; this takes a few milliseconds.

    A hyperparameter matters where the ranks of the trials differ between its values by more than chance explains
    (`analysis.effects`). A pruned trial ranks below every completed one, as for the importances; a trial that is paused
    or was stopped is compared after equal numbers of epochs. A range is advised for hyperparameters that matter only.

    Args:
        trials: Completed and pruned trials with an objective.
    """
    varied = [dimension for dimension in trials.space.dimensions if dimension.size != 1]
    groups = [ValueGroups.of(dimension, len(trials.values)) for dimension in varied]
    if not varied:
        return Lessons(len(trials.values), (), (), ())
    codes = np.column_stack([one.groups_at(trials.points) for one in groups])
    effects = find_effects(codes, trials.comparison, [one.count for one in groups])
    important = [_lesson(trials, groups[effect.factor], codes[:, effect.factor], effect) for effect in effects.found]
    best = trials.points[trials.best]
    fixed = {index: _fixed(varied[index], best, trials.space) for index in effects.negligible}
    unimportant = [one for one in fixed.values() if one is not None]
    named = {effect.factor for effect in effects.found} | {index for index, one in fixed.items() if one is not None}
    return Lessons(
        len(trials.values), important, unimportant, [one for index, one in enumerate(varied) if index not in named]
    )


def _lesson(trials: ScoredTrials, groups: ValueGroups, codes: NDArray[np.int64], effect: Effect) -> Lesson:
    order = trials.order[: max(MIN_BEST, math.ceil(BEST_SHARE * len(trials.values)))]
    best = [index for index in order.tolist() if codes[index] >= 0]
    keep = ~effect.worse | _often_among(codes[best], codes[codes >= 0], groups.count)
    dimension = groups.dimension
    good = narrower(groups, keep)
    tried = [point for point, code in zip(trials.points, codes, strict=True) if code >= 0]
    end = end_that_won(dimension, [trials.points[index] for index in best], tried)
    if end is None and groups.is_ordered and groups.are_values and isinstance(dimension, Choice):
        end = _only_end(keep)
    further = None if end is None else wider(groups, end, keep)
    return Lesson(
        dimension,
        effect.share,
        good,
        None if good is None else _medians(trials, codes, keep, groups.is_ordered),
        further or _searchable(good, trials.space),
        end if further is not None else None,
    )


def _often_among(best: NDArray[np.int64], tried: NDArray[np.int64], count: int) -> NDArray[np.bool_]:
    """Return whether the share of each group among the best trials is at least half of its share among all trials."""
    shares = np.bincount(best, minlength=count) / max(len(best), 1)
    often: NDArray[np.bool_] = (shares > 0) & (shares >= np.bincount(tried, minlength=count) / (2 * len(tried)))
    often[best[:1]] = True
    return often


def _only_end(keep: NDArray[np.bool_]) -> str | None:
    """Return the end of which the value is the only one that is not clearly worse than the best."""
    if keep.sum() != 1 or len(keep) < 2:
        return None
    return "lower" if keep[0] else "upper" if keep[-1] else None


def _medians(
    trials: ScoredTrials, codes: NDArray[np.int64], keep: NDArray[np.bool_], is_ordered: bool
) -> tuple[float, float] | None:
    """Return the median objective of the completed trials with good values, and of those with other values.

    Stopped trials are left out: they had fewer epochs.
    """
    if is_ordered:
        places = np.flatnonzero(keep)
        keep = np.array([places[0] <= group <= places[-1] for group in range(len(keep))])
    known = trials.is_ranked & ~trials.stopped & (codes >= 0)
    is_good = known & keep[np.maximum(codes, 0)]
    is_other = known & ~is_good
    if not is_good.any() or not is_other.any():
        return None
    return float(np.median(trials.values[is_good])), float(np.median(trials.values[is_other]))


def _fixed(dimension: Dimension, best: Point, space: SearchSpace) -> Dimension | None:
    """Return a dimension with the value of the best trial as its only one; None where this is not possible."""
    if dimension.keys[0] not in best:
        return None
    value = dimension.value_in(best)
    if isinstance(dimension, Zip):
        return _searchable(replace(dimension, values=(value,)), space)
    if isinstance(dimension, Float):
        value = min(max(float(f"{value:.3g}"), dimension.low), dimension.high)  # it explains next to nothing
    return _searchable(Choice(dimension.key, (value,), dimension.conditions), space)


def _searchable(dimension: Dimension | None, space: SearchSpace) -> Dimension | None:
    """Return a dimension with fewer values, unless other dimensions could then never be active."""
    if dimension is None or not is_writable(dimension):
        return None
    for other in space.dimensions:
        for condition in other.conditions:
            if condition.key in dimension.keys and not _can_hold(dimension, condition.key, condition.values):
                return None
    return dimension


def _can_hold(dimension: Dimension, key: str, values: Sequence[object]) -> bool:
    """Whether a dimension has one of some values of a key."""
    if isinstance(dimension, Zip):
        at = dimension.keys.index(key)
        own = [row[at] for row in dimension.values]
    elif isinstance(dimension, Choice):
        own = list(dimension.values)
    else:
        return any(dimension.contains(value) for value in values)
    return not {identity(value) for value in own}.isdisjoint(map(identity, values))
