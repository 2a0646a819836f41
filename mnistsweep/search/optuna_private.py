"""The private API of Optuna that samplers need; checked against Optuna 5.0.

All other modules of this package use Optuna's public API only. `tests/search/test_optuna_private.py` fails when a
version of Optuna no longer has what is used here.
"""

from __future__ import annotations

import copy
from collections.abc import Container, Sequence
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState


def write_system_attr(study: optuna.Study, trial: FrozenTrial, key: str, value: Any) -> None:
    """Write a system attribute of a trial, as Optuna's own samplers do; there is no public way.

    Args:
        study: Study that the sampler received.
        trial: Trial that the sampler received.
        key: Name of the attribute.
        value: JSON value of the attribute.
    """
    study._storage.set_trial_system_attr(trial._trial_id, key, value)


class ProposalStudy:
    """A copy of a study for one proposal of a sampler.

    The sampler reads a given list of trials. What it writes to the trial that it proposes for is collected: this trial
    is not in the ledger yet, and the ledger then writes the trial with its attributes at once.

    Args:
        study: Study of the ledger; it is not changed.
        trials: Trials that the sampler reads.

    Attributes:
        study: Study to pass to the sampler.
        system_attrs: System attributes that the sampler has written, by name.
    """

    def __init__(self, study: optuna.Study, trials: Sequence[FrozenTrial]) -> None:
        self.system_attrs: dict[str, Any] = {}
        self._storage = study._storage
        self._trials = trials
        self.study = copy.copy(study)
        self.study._storage = self  # type: ignore[assignment]
        self.study._thread_local.cached_all_trials = None  # samplers read this cache, which only `Study.ask` empties

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        """Collect an attribute that the sampler writes (method of Optuna's storage)."""
        self.system_attrs[key] = value

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        """Return the given trials, filtered by state (method of Optuna's storage)."""
        return [trial for trial in self._trials if states is None or trial.state in states]

    def __getattr__(self, name: str) -> Any:
        """Forward every other method to the storage of the ledger."""
        return getattr(self._storage, name)
