"""The order of trials: by their objective, or by the expected score where the best ones were confirmed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mnistsweep.analysis.expected_scores import LEVEL, ExpectedScores, expected_scores
from mnistsweep.config.objectives import Objective
from mnistsweep.study.front import values_of
from mnistsweep.study.records import State, TrialRecord, searched
from mnistsweep.text import percent


def ranked(records: Iterable[TrialRecord], direction: str, further: Sequence[Objective] = ()) -> list[TrialRecord]:
    """Trials that have an objective which can be compared, best first; equal ones in the order of trial numbers.

    A trial that continues after a pause has the result of that pause, see `TrialRecord.scored`. Once trials were
    confirmed, the order is that of the expected scores of their configurations, and the trial with the best objective
    stands for each configuration. Trials that a pruner
    has ended are left out then: their objective is that of a shorter training.

    With several objectives, trials that are equal in the first are ordered by the others. So the first of all trials is
    on the Pareto front.

    Args:
        records: Trials in any order and state.
        direction: Direction of the first objective: ``max`` or ``min``.
        further: All objectives but the first.
    """
    known = list(records)
    standing = Standing.of(known, direction)
    return by_objective(known, direction, further) if standing is None else list(standing.order)


def best_of(records: Iterable[TrialRecord], direction: str, further: Sequence[Objective] = ()) -> TrialRecord | None:
    """First of the `ranked` trials; None if there is none.

    Args:
        records: Trials in any order and state; all trials of a sweep where some were confirmed.
        direction: Direction of the first objective: ``max`` or ``min``.
        further: All objectives but the first.
    """
    return next(iter(ranked(records, direction, further)), None)


def by_objective(
    records: Iterable[TrialRecord], direction: str, further: Sequence[Objective] = ()
) -> list[TrialRecord]:
    """Trials that have an objective which can be compared, the best objective first.

    Args:
        records: Trials in any order and state.
        direction: Direction of the first objective: ``max`` or ``min``.
        further: All objectives but the first; a trial that lacks one, because it was pruned, has none to compare.
    """
    signs = [-1 if direction == "max" else 1, *(one.sign for one in further)]
    scored = [
        ([sign * value for sign, value in zip(signs, values, strict=True)], record.number, record)
        for record in (trial.scored for trial in records)
        if record is not None and (values := values_of(record.result, further)) is not None
    ]
    return [record for _, _, record in sorted(scored, key=lambda item: item[:2])]


def repeats_whole(record: TrialRecord, confirmed: TrialRecord) -> bool:
    """Whether a confirmation trains, or has trained, as long as the trial that it confirms.

    A trial that was paused may be continued after it was confirmed.

    Args:
        record: Trial that confirms.
        confirmed: Trial that it confirms.
    """
    if record.state.finished:
        return True
    until = record.last_epoch if record.until is None and record.paused is not None else record.until
    return until is None or until >= confirmed.last_epoch


@dataclass(frozen=True, eq=False)
class Standing:
    """The configurations of a search of which the best were confirmed.

    Attributes:
        order: The trial with the best objective of each configuration, the best expected score first.
        trials: Numbers of the trials of each configuration, in the same order; that of the search is the first.
        expected: Expected scores of the configurations.
        positions: Position of each configuration of `order` in `expected`.
        sign: 1 where the objective is maximized, otherwise -1: `expected` is about the objective times this number.
    """

    order: Sequence[TrialRecord]
    trials: Sequence[Sequence[int]]
    expected: ExpectedScores
    positions: Sequence[int]
    sign: int

    @classmethod
    def of(cls, records: Sequence[TrialRecord], direction: str) -> Standing | None:
        """Return the standing; None if no trial was confirmed yet.

        Args:
            records: All trials of the sweep.
            direction: Direction of the objective: ``max`` or ``min``.
        """
        confirmations = [record for record in records if record.confirms is not None]
        if not confirmations:
            return None
        sign = 1 if direction == "max" else -1
        first = by_objective(_compared(records), direction)
        repeats = _repeats({record.number: record for record in first}, confirmations, direction)
        if not repeats:
            return None
        scores = [sign * _objective(record) for record in first]
        expected = expected_scores(
            scores, [[sign * _objective(one) for one in repeats[record.number]] for record in first]
        )
        means = expected.means.tolist()
        positions = sorted(range(len(first)), key=lambda index: (-means[index], first[index].number))
        groups = [[first[index], *repeats[first[index].number]] for index in positions]
        order = [by_objective(group, direction)[0] for group in groups]
        return cls(order, [[one.number for one in group] for group in groups], expected, positions, sign)

    def describe(self, objective: str, place: int = 0) -> str:
        """What is expected of a configuration, as a sentence without a full stop.

        Args:
            objective: Name of the objective.
            place: Place of the configuration in `order`.
        """
        low, high = self.interval(place)
        return (
            f"expected {objective} with a new seed {self.mean(place):.4f} "
            f"({percent(LEVEL, 0)} interval of its mean {low:.4f} to {high:.4f}), "
            f"best of all tried with probability {percent(self.probability(place), 0)}"
        )

    def mean(self, place: int) -> float:
        """Expected score of a configuration."""
        return self.sign * float(self.expected.means[self.positions[place]])

    def interval(self, place: int) -> tuple[float, float]:
        """Interval of the expected score of a configuration."""
        ends = sorted(self.sign * end for end in self.expected.interval(self.positions[place]))
        return ends[0], ends[1]

    def probability(self, place: int) -> float:
        """Probability that a configuration is the best of all that were tried."""
        return self.expected.probability_of_best(self.positions[place])

    def explain(self, objective: str, place: int = 0) -> list[str]:
        """Sentences on a configuration for the user: how often it was trained, and what is expected of it.

        Args:
            objective: Name of the objective.
            place: Place of the configuration in `order`.
        """
        numbers = self.trials[place]
        trials = f"trial {numbers[0]}" if len(numbers) == 1 else f"trials {', '.join(map(str, numbers))}"
        return [
            f"{self.describe(objective, place)}, from {trials} of this configuration",
            "the score of the best trial is partly luck, because it was selected; the expected score corrects this",
        ]


def _compared(records: Sequence[TrialRecord]) -> list[TrialRecord]:
    return [record for record in searched(records) if record.state is not State.PRUNED]


def _repeats(
    first: Mapping[int, TrialRecord], confirmations: Sequence[TrialRecord], direction: str
) -> defaultdict[int, list[TrialRecord]]:
    """Confirmations with a result, by the number of the trial that they confirm."""
    found: defaultdict[int, list[TrialRecord]] = defaultdict(list)
    for record in sorted(by_objective(confirmations, direction), key=lambda one: one.number):
        confirmed = first.get(record.confirms if record.confirms is not None else -1)
        if confirmed is not None and repeats_whole(record, confirmed):
            found[confirmed.number].append(record)
    return found


def _objective(record: TrialRecord) -> float:
    if record.result.objective is None:
        raise ValueError(f"trial {record.number}: must have an objective")
    return record.result.objective
