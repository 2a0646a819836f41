"""One of KerasTuner's own oracles as the source of points (``oracle._target_=keras_tuner.oracles.BayesianOptimizationOracle``).

KerasTuner's oracle proposes; the study stays the ledger. What the oracle remembers (its trials, Hyperband's brackets) is kept
in ``kerastuner_oracle.json``, replaced as a whole after each proposal. One worker only: it cannot share its memory.

Hyperband sets the epochs of each trial itself. Its later rungs train from the beginning, not from the earlier rung's
weights, so that every trial can be repeated from its configuration alone.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import keras_tuner
import optuna
from keras_tuner.engine.trial import Trial, TrialStatus
from optuna.trial import FrozenTrial, TrialState

from mnistsweep import targets
from mnistsweep.algorithms import Oracle, Proposal
from mnistsweep.config.compose import trial_seed
from mnistsweep.config.schema import Config
from mnistsweep.paths import SweepPaths, replacing
from mnistsweep.space import SearchSpace
from mnistsweep.tuner.hyperparameters import to_hyperparameters, to_point

EPOCHS_KEY = "trainer.epochs"
_KERASTUNER_EPOCHS = "tuner/epochs"
_TUNER_ID = "tuner0"


class KerasTunerOracle(Oracle):
    """Asks one of KerasTuner's oracles for points, and tells it the results that the study has.

    Args:
        paths: The sweep's files.
        space: What varies.
        config: Of the sweep; `config.oracle` has `_target_` and the oracle's keyword arguments.
        direction: Of the objective.
    """

    def __init__(self, paths: SweepPaths, space: SearchSpace, config: Config, direction: str) -> None:
        super().__init__(space)
        self._file = paths.oracle_state
        self._objective = config.objective
        own = SearchSpace(tuple(d for d in space.dimensions if not (sets_epochs(config) and d.key == EPOCHS_KEY)))
        offered = {
            "objective": keras_tuner.Objective(config.objective, direction),
            "hyperparameters": to_hyperparameters(own),
            "max_trials": config.trials or sys.maxsize,
            "seed": trial_seed(config.seed, 0) % 2**31 or 1,  # KerasTuner takes 0 for "a random seed"
            "max_consecutive_failed_trials": sys.maxsize,  # the study counts failures
        }
        keys = {key: value for key, value in config.oracle.items() if key not in ("name", "startup_results")}
        self._inner: Any = targets.call("oracle", targets.resolve(keys["_target_"], "oracle._target_"), keys, offered)
        self._inner.save = lambda: None  # KerasTuner writes in place: a kill would leave half a file
        self._inner._save_trial = lambda trial: None
        self._inner.verbose = 0
        self._inner._set_project_dir(str(paths.folder), "kerastuner")
        self._ids: dict[str, int] = {}
        self._restore()

    def propose(self, number: int, study: optuna.Study) -> Proposal | None:
        """KerasTuner's next point, once it knows all results; None where its search is over."""
        self._tell({trial.number: trial for trial in study.get_trials(deepcopy=False)})
        trial = self._inner.create_trial(_TUNER_ID)
        if trial.status != TrialStatus.RUNNING:
            return None
        self._ids[trial.trial_id] = number
        self._save()
        values = dict(trial.hyperparameters.values)
        if _KERASTUNER_EPOCHS in values:
            values[EPOCHS_KEY] = values[_KERASTUNER_EPOCHS]
        return Proposal(to_point(self.space, values))

    def _tell(self, ledger: dict[int, FrozenTrial]) -> None:
        for trial in list(self._inner.ongoing_trials.values()):
            record = ledger.get(self._ids.get(trial.trial_id, -1))
            if record is None:  # the process died between the proposal and the ledger: the point is proposed again
                self._inner.ongoing_trials = {}
                self._inner.trials.pop(trial.trial_id, None)
                self._inner.start_order.remove(trial.trial_id)
            elif record.state.is_finished():
                self._end(trial, record)

    def _end(self, trial: Trial, record: FrozenTrial) -> None:
        if record.state is TrialState.FAIL or record.value is None:
            trial.status = TrialStatus.FAILED
        else:
            step = record.user_attrs["result"]["best_epoch"]
            self._inner.update_trial(trial.trial_id, {self._objective: record.value}, step=step)
            trial.status = TrialStatus.COMPLETED
        self._inner.end_trial(trial)

    def _save(self) -> None:
        trials = {trial_id: trial.get_state() for trial_id, trial in self._inner.trials.items()}
        with replacing(self._file) as part:
            part.write_text(json.dumps({"ids": self._ids, "trials": trials, "oracle": self._inner.get_state()}))

    def _restore(self) -> None:
        if not self._file.is_file():
            return
        record = json.loads(self._file.read_text())
        self._ids = record["ids"]
        self._inner.set_state(record["oracle"])
        self._inner.trials = {trial_id: Trial.from_state(state) for trial_id, state in record["trials"].items()}
        self._inner.ongoing_trials = {
            _TUNER_ID: trial for trial in self._inner.trials.values() if trial.status == TrialStatus.RUNNING
        }


def sets_epochs(config: Config) -> bool:
    """Whether KerasTuner's oracle decides the epochs of each trial, as Hyperband does with its `max_epochs`."""
    return "max_epochs" in config.oracle
