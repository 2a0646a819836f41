"""Epochs of jobs: how many a paused trial has kept, and how many the budget allows."""

from __future__ import annotations

from mnistsweep.search.scheduler import Curve, SearchView


def first_epoch(curve: Curve) -> int:
    """Return after which epoch a trial continues: 0 if its checkpoint is gone, so that it trains from scratch."""
    return curve.epochs if curve.has_checkpoint else 0


def within_budget(first: int, until: int, view: SearchView) -> int:
    """Return the last epoch of a job, at most what the budget of epochs allows.

    Args:
        first: Epoch after which the job continues; 0: from scratch.
        until: Last epoch that is wanted.
        view: All trials and the budget.
    """
    return until if view.epochs_left is None else min(until, first + view.epochs_left)


def can_continue(curve: Curve, view: SearchView) -> bool:
    """Return whether the budget of epochs allows a paused trial at least one more epoch than it has."""
    return within_budget(first_epoch(curve), curve.max_epochs, view) > curve.epochs
