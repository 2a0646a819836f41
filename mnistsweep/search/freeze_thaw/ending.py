"""The end of a budget of epochs: what is left is just enough to finish a trial that was started."""

from __future__ import annotations

from collections.abc import Sequence

from mnistsweep.search.freeze_thaw.acquisition import chance_of_more
from mnistsweep.search.freeze_thaw.model import CurveModel
from mnistsweep.search.job_epochs import first_epoch, within_budget
from mnistsweep.search.scheduler import Curve, SearchView

MAX_SHARE = 1 / 3
"""The end is at most this share of the whole budget. Otherwise a search with a budget of about one training would be at
its end after the first comparison."""

MIN_CHANCE = 0.1
"""The end begins only if a paused trial beats the best with more than this chance."""


def is_ending(view: SearchView, model: CurveModel, paused: Sequence[Curve], spent: int) -> bool:
    """Return whether the epochs that are left are not more than the most promising paused trial needs to its end.

    An epoch that a new trial gets is then one that this trial, or a similar one, lacks. What the first epochs of a new
    trial teach is of no use if no epochs are left to continue it. If no paused trial is likely to beat the best, there
    is nothing that deserves these epochs more than new trials do.

    Args:
        view: All trials and the budget.
        model: What is known of the curves.
        paused: Trials that can be continued; they are in `CurveModel.curves`.
        spent: Number of epochs that were trained, or are being trained.
    """
    if view.epochs_left is None or view.epochs_left > MAX_SHARE * (spent + view.epochs_left):
        return False
    needed = [curve.max_epochs - first_epoch(curve) for curve in paused]
    if view.epochs_left > max(needed, default=0):
        return False
    reached = [within_budget(first_epoch(curve), curve.max_epochs, view) for curve in paused]
    mean, deviation = model.of_trials(paused, reached)
    if chance_of_more(mean, deviation, model.best_target).max() <= MIN_CHANCE:
        return False
    return view.epochs_left <= needed[int(mean.argmax())]
