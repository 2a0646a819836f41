"""Violated constraints of trials in the ledger, as Optuna's samplers read them."""

from __future__ import annotations

import copy

from optuna.trial import FrozenTrial, TrialState

CONSTRAINTS = "constraints"
"""Prefix of the system attributes of a trial that hold its violations: ``constraints:NAME``, at most 0 where kept."""


def violation_of(trial: FrozenTrial) -> float:
    """Return the sum of the violations of a trial; 0 if it is feasible, or if the search has no constraints."""
    return sum(max(0.0, violation) for violation in trial.constraints.values())


def with_refused(trial: FrozenTrial) -> FrozenTrial:
    """Return a trial that was not trained because it violates a constraint as a pruned one, which samplers learn from.

    Samplers ignore failed trials, so they would propose models of the same size again. Other trials are returned as
    they are.

    Args:
        trial: Trial of the ledger; it is not changed.
    """
    if trial.state is not TrialState.FAIL or not violation_of(trial):
        return trial
    refused = copy.copy(trial)
    refused.state, refused.intermediate_values = TrialState.PRUNED, {}
    return refused


def without_reports(trial: FrozenTrial) -> FrozenTrial:
    """Return a pruned trial without its learning curve, which is that of one objective; others as they are.

    Optuna's samplers order pruned trials by their curves, which they cannot with several objectives.

    Args:
        trial: Trial of a ledger with several objectives; it is not changed.
    """
    if trial.state is not TrialState.PRUNED or not trial.intermediate_values:
        return trial
    bare = copy.copy(trial)
    bare.intermediate_values = {}
    return bare
