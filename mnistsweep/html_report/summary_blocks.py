"""Blocks of the section on the best model that do not depend on what the model predicts."""

from __future__ import annotations

import numpy as np

from mnistsweep.analysis.accuracy import sample_std
from mnistsweep.html_report.evidence import Evidence, Winner
from mnistsweep.html_report.records import Fact, Table
from mnistsweep.text import format_metric

NO_SPREAD = "one seed, so no standard deviation"


def winner_facts(evidence: Evidence) -> list[Fact]:
    """Return the objective of the winner and the data that the models of the report were trained on."""
    winner = evidence.winner
    best = f"epoch {winner.best_epoch} of {winner.epochs}"
    if winner.mean_of:
        best = winner.mean_of
    if winner.standard_error is not None:
        best += f", standard error {format_metric(winner.objective, winner.standard_error)}"
    by = winner.expected or "the winner was selected by this value, so it is optimistic"
    selection = f"trial {winner.number}, {best}; {by}"
    data = (
        "training and validation data together" if winner.retrained else "training data only (checkpoint of the sweep)"
    )
    return [
        Fact(f"{winner.objective} of the winner", format_metric(winner.objective, winner.value), selection),
        Fact("trained on", f"{winner.examples:,}", f"examples, {data}; {winner.parameters:,} parameters"),
    ]


def loss_facts(evidence: Evidence) -> list[Fact]:
    """Return the loss on the test set by the loss function of the training; nothing where it is not known."""
    losses = np.asarray(evidence.losses, np.float64)
    if not np.isfinite(losses).all():
        return []
    spread = f"± {sample_std(losses):.4g} (standard deviation over {len(losses)} seeds)"
    return [Fact("test loss", f"{losses.mean():.4g}", spread if len(losses) > 1 else NO_SPREAD)]


def hyperparameter_table(winner: Winner) -> Table:
    """Return the values of the winner's active dimensions."""
    rows = [(name, f"{value:.6g}" if isinstance(value, float) else str(value)) for name, value in winner.point.items()]
    best = "best expected" if winner.expected else "best"
    caption = f"Hyperparameters of trial {winner.number}, which has the {best} {winner.objective}."
    return Table(("hyperparameter", "value"), rows, caption, numbers=("value",))


def seeds_advice(evidence: Evidence) -> list[str]:
    """Return advice to train with several seeds, where there is one model."""
    if evidence.several_seeds:
        return []
    how = "`report.seeds=3` trains it three times"
    if not evidence.winner.retrained:
        how = "`report.refit=true` retrains it once for each of `report.seeds` seeds"
    return [f"Train the winner with several seeds ({how}): one seed does not show how much of the score is chance."]
