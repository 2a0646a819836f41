"""What a sweep has shown, in three sentences, with the command that starts the next sweep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mnistsweep.analysis.effects import MIN_RESULTS, NEGLIGIBLE
from mnistsweep.config.objectives import Objective, texts_in
from mnistsweep.dimensions import Choice, Dimension, Zip
from mnistsweep.search.settings import sets_epochs
from mnistsweep.space import SearchSpace
from mnistsweep.study.front import ranked_by
from mnistsweep.study.learnt import Lesson, Lessons, lessons_of
from mnistsweep.study.next_start import BUDGETS, NextStart
from mnistsweep.study.records import State, TrialRecord, searched
from mnistsweep.study.scored_trials import ScoredTrials
from mnistsweep.text import format_count, format_metric, listed, value_label

# Maximum number of hyperparameters that a sentence describes, and that it names.
MAX_DESCRIBED, MAX_NAMED = 3, 8


@dataclass(frozen=True)
class Learnt:
    """What a sweep has shown; ``str()`` returns it as three sentences.

    Attributes:
        important: Keys of the hyperparameters that matter, or their names in a Python program, the most important one
            first; of a zip, joined by commas. Empty: nothing can be said yet.
        unimportant: Keys of the hyperparameters that explain next to nothing.
        sentences: What mattered, what did not, and what to try next, without the command.
        command: Command line, or call of Python, that starts what is to be tried next; empty where nothing is.
    """

    important: tuple[str, ...]
    unimportant: tuple[str, ...]
    sentences: tuple[str, ...]
    command: str = ""

    def __str__(self) -> str:
        return "\n".join([*self.sentences, *([self.command] if self.command else [])])


def learnt_from(
    records: Sequence[TrialRecord],
    space: SearchSpace,
    direction: str,
    start: NextStart,
    further: Sequence[Objective] = (),
) -> Learnt:
    """Return what the trials of a sweep have shown.

    With several objectives there is a sentence on what mattered for each of them, and the ranges stay as they are: a
    narrower one that is good for one objective loses the part of the Pareto front that is good for another.

    Args:
        records: Trials of the sweep in any order and state.
        space: Search space of the sweep.
        direction: ``max`` or ``min``: direction of the first objective.
        start: How the sweep was started.
        further: All objectives but the first.
    """
    objective = texts_in(start.config["objective"])[0]
    if sets_epochs(start.config["oracle"]):  # by results, so they say nothing about the epochs
        space = SearchSpace(tuple(one for one in space.dimensions if one.keys != ("trainer.epochs",)))
    first = Objective(objective, direction)
    if further:
        return _of_several(records, space, (first, *further), start)
    lessons = _lessons(records, space, first)
    if not lessons.important:
        return _nothing_yet(lessons, space, start, records)
    changed = [lesson.next for lesson in lessons.important if lesson.next is not None]
    changes = [*changed, *lessons.unimportant]
    next_sentence, command = _next(lessons, space, start, changes) if changes else _more(space, start, records)
    return Learnt(
        tuple(start.key_of(lesson.dimension) for lesson in lessons.important),
        tuple(start.key_of(dimension) for dimension in lessons.unimportant),
        (_mattered(lessons, objective, start), _did_not(lessons, start), next_sentence),
        command,
    )


def _lessons(records: Sequence[TrialRecord], space: SearchSpace, objective: Objective) -> Lessons:
    trials = ScoredTrials.from_records(space, objective.name, objective.direction, records)
    return Lessons(0, (), (), space.dimensions) if trials is None else lessons_of(trials)


def _of_several(
    records: Sequence[TrialRecord], space: SearchSpace, objectives: Sequence[Objective], start: NextStart
) -> Learnt:
    """What matters for each objective, and what matters for none."""
    found = {one.name: _lessons(ranked_by(one, records), space, one) for one in objectives[1:]}
    found = {objectives[0].name: _lessons(records, space, objectives[0]), **found}
    first = found[objectives[0].name]
    important = {lesson.dimension.name: lesson.dimension for one in found.values() for lesson in one.important}
    if not important:
        return _nothing_yet(first, space, start, records)
    mattered = [_mattered(one, name, start, f" by {name}") for name, one in found.items() if one.important]
    without = [{dimension.name for dimension in one.unimportant} for one in found.values()]
    unimportant = [dimension for dimension in space.dimensions if dimension.name in set.intersection(*without)]
    names = listed([start.name_of(one) for one in unimportant], MAX_NAMED)
    did_not = f"What did not, for any objective: {names}." if unimportant else ""
    sentence, command = _more(space, start, records)
    return Learnt(
        tuple(map(start.key_of, important.values())),
        tuple(map(start.key_of, unimportant)),
        tuple(filter(None, (*mattered, did_not, sentence))),
        command,
    )


def _mattered(lessons: Lessons, objective: str, start: NextStart, by: str = "") -> str:
    described = [_described(lesson, objective, start) for lesson in lessons.important]
    return (
        f"What mattered, with its share of the ranking of {lessons.trials:,} trials{by}: "
        f"{'; '.join(described[:MAX_DESCRIBED])}"
        f"{_and_more(described[MAX_DESCRIBED:])}."
    )


def _and_more(others: Sequence[str]) -> str:
    return f"; and {len(others)} more" if others else ""


def _described(lesson: Lesson, objective: str, start: NextStart) -> str:
    text = f"{start.name_of(lesson.dimension)} ({100 * lesson.share:.0f} %"
    if lesson.good is None:
        return f"{text})"
    text += f"; best {_values(lesson.good)}"
    if lesson.median is not None:
        good, other = (format_metric(objective, value) for value in lesson.median)
        text += f": median {objective} {good}, elsewhere {other}"
    return f"{text})"


def _did_not(lessons: Lessons, start: NextStart) -> str:
    sentences = []
    if lessons.unimportant:
        names = listed([start.name_of(one) for one in lessons.unimportant], MAX_NAMED)
        each = "" if len(lessons.unimportant) == 1 else " each"
        sentences.append(f"What did not: {names} (less than {100 * NEGLIGIBLE:.0f} %{each}).")
    if lessons.undecided:
        names = listed([start.name_of(one) for one in lessons.undecided], MAX_NAMED)
        what = "What did not: nothing can be said yet of" if not sentences else "Nothing can be said yet of"
        sentences.append(f"{what} {names}.")
    return " ".join(sentences) or "What did not: every hyperparameter mattered."


def _next(lessons: Lessons, space: SearchSpace, start: NextStart, changes: Sequence[Dimension]) -> tuple[str, str]:
    """What to try next, and the command for it."""
    replaced = {dimension.name: dimension for dimension in changes}
    left = [replaced.get(dimension.name, dimension) for dimension in space.dimensions]
    if all(dimension.size == 1 for dimension in left):
        return "What to try next: nothing is left to search; each hyperparameter has one good value.", ""
    parts = []
    for lesson in lessons.important:
        if lesson.next is not None:
            kind = "a narrower range of" if lesson.end is None else "a wider range of"
            why = "" if lesson.end is None else f" (its {lesson.end} end won)"
            parts.append(f"{kind} {start.name_of(lesson.dimension)}{why}")
    if lessons.unimportant:
        names = listed([start.name_of(one) for one in lessons.unimportant], MAX_NAMED)
        parts.append(f"the best trial's value of {names}")
    return f"What to try next: {', '.join(parts)}:", start.with_ranges(changes, _kept_ranges(space))


def _kept_ranges(space: SearchSpace) -> frozenset[str]:
    """Keys that conditions or zips name."""
    parents = {condition.key for dimension in space.dimensions for condition in dimension.conditions}
    zipped = {key for dimension in space.dimensions if isinstance(dimension, Zip) for key in dimension.keys}
    return frozenset(parents | zipped)


def _nothing_yet(lessons: Lessons, space: SearchSpace, start: NextStart, records: Sequence[TrialRecord]) -> Learnt:
    if not [dimension for dimension in space.dimensions if dimension.size != 1]:
        return Learnt((), (), ("Nothing was learnt about hyperparameters: the space has a single point.",))
    if lessons.trials < MIN_RESULTS:
        count = format_count(lessons.trials, "trial")
        reason = f"{count} with a result {'is' if lessons.trials == 1 else 'are'} too few, {MIN_RESULTS} are needed"
    else:
        reason = f"chance explains the ranking of the {lessons.trials:,} trials as well"
    said = f"Nothing can be said yet about what mattered and what did not: {reason}."
    sentence, command = _more(space, start, records)
    return Learnt((), (), (said, sentence), command)


def _more(space: SearchSpace, start: NextStart, records: Sequence[TrialRecord]) -> tuple[str, str]:
    """The sentence and the command for more results, where the ranges stay as they are."""
    size = space.size()
    budget = {key: start.config[key] for key in BUDGETS if start.config.get(key) is not None}
    if size is not None and size <= sum(record.state is not State.RUNNING for record in searched(records)):
        if not start.is_keras:
            return "What to try next: other ranges; every point of these was tried.", ""
        repeats = int(start.config["trainer"]["repeats"]) + 2
        told = "What to try next: each configuration with several seeds; every point of these ranges was tried:"
        return told, start.with_repeats(repeats)
    if size is not None and size <= int(budget.get("trials") or 0):
        del budget["trials"]  # another limit, or a stop, has ended the search
    if not budget:
        return "What to try next: more trials; the same command continues.", ""
    return "What to try next: more trials:", start.with_more({key: 2 * value for key, value in budget.items()})


def _values(dimension: Dimension) -> str:
    """Values of a range in words."""
    if isinstance(dimension, Zip):
        return listed([", ".join(map(value_label, row)) for row in dimension.values], MAX_NAMED)
    if isinstance(dimension, Choice):
        return listed([value_label(value, 30) for value in dimension.values], MAX_NAMED)
    return f"from {value_label(dimension.low)} to {value_label(dimension.high)}"
