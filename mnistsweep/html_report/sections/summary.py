"""Best model: its scores on the test set, its hyperparameters and its training data."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from mnistsweep.analysis.accuracy import Accuracy, Interval, measure_accuracy, sample_std
from mnistsweep.html_report.outputs import ClassEvidence
from mnistsweep.html_report.records import Fact, Facts, Section, Table, Text
from mnistsweep.html_report.summary_blocks import NO_SPREAD, hyperparameter_table, seeds_advice, winner_facts
from mnistsweep.study.records import State
from mnistsweep.text import format_count, percent, percent_range

# Maximum number of seeds in the table on the page; ``scores.csv`` has all of them.
MAX_SEEDS = 10


def section(evidence: ClassEvidence) -> Section:
    """Show the scores, the hyperparameters and the training data of the best model."""
    found = measure_accuracy(evidence.probabilities, evidence.labels)
    scores = _scores(found, evidence)
    return Section(
        blocks=[
            Facts(_facts(evidence, found)),
            Text(_reading(found, evidence.words.many)),
            hyperparameter_table(evidence.winner),
            _models(found, evidence),
        ],
        advice=_advice(evidence, found),
        files={"scores.csv": scores},
    )


def headline(evidence: ClassEvidence) -> list[Fact]:
    """Return the accuracy of the models, for a model with several outputs."""
    return _accuracy_facts(evidence, measure_accuracy(evidence.probabilities, evidence.labels))


def _facts(evidence: ClassEvidence, found: Accuracy) -> list[Fact]:
    return [*_accuracy_facts(evidence, found), *_loss(evidence, found), *winner_facts(evidence)]


def _accuracy_facts(evidence: ClassEvidence, found: Accuracy) -> list[Fact]:
    seeds, many = len(found.seeds), evidence.words.many
    spread = f"± {percent(found.std)} (standard deviation over {seeds} seeds)" if seeds > 1 else NO_SPREAD
    facts = [
        Fact(
            "test accuracy",
            percent(found.mean),
            f"{spread}; test {many}, Wilson 95 %: {_range(found.interval)}",
        )
    ]
    if seeds > 1:
        together = found.committee
        what = "probabilities" if evidence.has_probabilities else "scores"
        note = f"mean {what} over {seeds} seeds; test {many}, Wilson 95 %: {_range(together.interval)}"
        facts.append(Fact("committee accuracy", percent(together.accuracy), note))
    return facts


def _loss(evidence: ClassEvidence, found: Accuracy) -> list[Fact]:
    """Return the loss by the loss function of the training, or the log-loss where it is not known.

    A model without probabilities has no log-loss.
    """
    losses, seeds = np.asarray(evidence.losses, np.float64), len(found.seeds)
    known = bool(np.isfinite(losses).all())
    if not known and not evidence.has_probabilities:
        return []
    mean, spread = (float(losses.mean()), sample_std(losses)) if known else (found.log_loss, found.log_loss_std)
    notes = [f"± {spread:.4f} (standard deviation over {seeds} seeds)"] if seeds > 1 else []
    if seeds == 1:
        notes.append(NO_SPREAD)
    elif evidence.has_probabilities:
        notes.append(f"log-loss of the committee: {found.committee.log_loss:.4f}")
    return [Fact("test loss" if known else "test log-loss", f"{mean:.4f}", "; ".join(notes))]


def _reading(found: Accuracy, many: str) -> str:
    examples = found.committee.examples
    text = (
        f"A Wilson interval accounts for the choice of the {examples:,} test {many}: in 95 of 100 cases, such an "
        f"interval contains the accuracy on all {many} of the same kind. It does not account for the training seed."
    )
    if found.seeds_interval is None or found.std == 0:
        return text
    return (
        f"{text} The standard deviation does: on these test {many}, the mean accuracy over many seeds is "
        f"{_range(found.seeds_interval)} (Student's t, 95 %, from {len(found.seeds)} seeds)."
    )


def _range(interval: Interval) -> str:
    return percent_range(interval.low, interval.high)


def _models(found: Accuracy, evidence: ClassEvidence) -> Table:
    named = [(f"seed {number}", one) for number, one in enumerate(found.seeds[:MAX_SEEDS])]
    if len(found.seeds) > 1:
        named.append(("committee", found.committee))
    rows = [
        (
            name,
            f"{one.examples - one.correct:,}",
            percent(one.accuracy),
            _range(one.interval),
            *([f"{one.log_loss:.4f}"] if evidence.has_probabilities else []),
        )
        for name, one in named
    ]
    columns = ("model", "wrong", "accuracy", "Wilson 95 %", *(["log-loss"] if evidence.has_probabilities else []))
    hidden = len(found.seeds) - MAX_SEEDS
    rest = f" scores.csv lists {hidden} more." if hidden > 0 else ""
    caption = f"Scores of each model on all {found.committee.examples:,} test {evidence.words.many}.{rest}"
    return Table(columns, rows, caption, numbers=columns[1:])


def _scores(found: Accuracy, evidence: ClassEvidence) -> pd.DataFrame:
    named = [(f"seed {number}", one) for number, one in enumerate(found.seeds)]
    rows = [
        {
            "model": name,
            "correct": one.correct,
            "examples": one.examples,
            "accuracy": one.accuracy,
            "low": one.interval.low,
            "high": one.interval.high,
            "log_loss": one.log_loss if evidence.has_probabilities else math.nan,
            "loss": loss,
        }
        for (name, one), loss in zip(
            [*named, ("committee", found.committee)], [*evidence.losses, math.nan], strict=True
        )
    ]
    return pd.DataFrame(rows)


def _advice(evidence: ClassEvidence, found: Accuracy) -> list[str]:
    winner, advice = evidence.winner, seeds_advice(evidence)
    near = _num_as_good(evidence, found)
    if near:
        advice.append(
            "Choose the cheapest of the best trials, or train each with more seeds: "
            f"{format_count(near, 'other trial')} {'is' if near == 1 else 'are'} within {100 * found.std:.2f} points "
            f"of the winner in {winner.objective}. This is the standard deviation over seeds, so their order can be "
            "chance."
        )
    return advice


def _num_as_good(evidence: ClassEvidence, found: Accuracy) -> int:
    """Return the number of other trials within one standard deviation of the winner.

    The standard deviation over seeds is known for the accuracy only; for any other objective the result is 0.
    """
    if evidence.search is None or len(found.seeds) == 1 or not evidence.winner.objective.endswith("accuracy"):
        return 0
    values = [
        record.result.objective
        for record in evidence.search.in_state(State.COMPLETED)
        if record.number != evidence.winner.number and record.result.objective is not None
    ]
    return sum(abs(value - evidence.winner.value) <= found.std for value in values)
