"""One of KerasTuner's own oracles as the source of points (``oracle._target_=keras_tuner.oracles.HyperbandOracle``).

KerasTuner's oracle proposes; the study stays the ledger. What the oracle remembers (its trials, Hyperband's brackets)
is kept in ``kerastuner_oracle.json``, replaced as a whole after each proposal. One worker only: it cannot share its
memory.

Hyperband sets the epochs of each trial itself. Its later rungs train from the beginning, not from the earlier rung's
weights, so that every trial can be repeated from its configuration alone.
"""

from __future__ import annotations

import functools
import json
import sys
from typing import Any

import keras_tuner
from keras_tuner.engine.trial import Trial, TrialStatus

from mnistsweep import targets
from mnistsweep.atomic import atomic_write
from mnistsweep.config.schema import Config
from mnistsweep.errors import ConfigError
from mnistsweep.paths import SweepPaths
from mnistsweep.search.oracles import Oracle, Proposal
from mnistsweep.seeds import trial_seed
from mnistsweep.space import SearchSpace
from mnistsweep.tuner.hyperband import EPOCHS_KEY, max_epochs, sets_epochs
from mnistsweep.tuner.hyperparameters import to_hyperparameters, to_point

_KERASTUNER_EPOCHS = "tuner/epochs"
_TUNER_ID = "tuner0"

# Keys of the group `oracle` that belong to this project's own oracles.
_OWN_KEYS = ("name", "startup_results")


class KerasTunerOracle(Oracle):
    """Asks one of KerasTuner's oracles for points, and tells it the results that the study has.

    Args:
        paths: The sweep's files.
        space: What varies, with the epochs where the oracle sets them (`hyperband.with_epochs`).
        config: Of the sweep; `config.oracle` has `_target_` and the oracle's keyword arguments.
        direction: Of the objective.

    Raises:
        ConfigError: The target is no oracle, does not take a key or a value, or needs a library that is not installed.
    """

    def __init__(self, paths: SweepPaths, space: SearchSpace, config: Config, direction: str) -> None:
        super().__init__(space)
        self._file = paths.oracle_state
        self._objective = config.objective
        self._inner = _make_inner(space, config, direction)
        self._inner._set_project_dir(str(paths.folder), "kerastuner")
        self._numbers: dict[str, int] = {}
        if self._file.is_file():
            self._restore()

    def propose(self, number: int, study: Any) -> Proposal | None:
        """KerasTuner's next point, once it knows all results; None where its search is over."""
        self._tell({trial.number: trial for trial in study.get_trials(deepcopy=False)})
        # A proposal that did not reach the ledger, for the process died in between, is still ongoing: it comes again.
        trial = self._inner.create_trial(_TUNER_ID)
        if trial.status != TrialStatus.RUNNING:
            return None
        self._numbers[trial.trial_id] = number
        self._save()
        values = dict(trial.hyperparameters.values)
        if _KERASTUNER_EPOCHS in values:
            values[EPOCHS_KEY] = values[_KERASTUNER_EPOCHS]
        return Proposal(to_point(self.space, values))

    def _tell(self, ledger: dict[int, Any]) -> None:
        for trial in list(self._inner.ongoing_trials.values()):
            record = ledger.get(self._numbers[trial.trial_id])
            if record is not None and record.state.is_finished():
                self._end(trial, record)

    def _end(self, trial: Trial, record: Any) -> None:
        if record.value is None:  # only a failed trial ends without one
            trial.status = TrialStatus.FAILED
        else:
            step = record.user_attrs["result"]["best_epoch"]
            self._inner.update_trial(trial.trial_id, {self._objective: record.value}, step=step)
            trial.status = TrialStatus.COMPLETED
        self._inner.end_trial(trial)

    def _save(self) -> None:
        trials = {trial_id: trial.get_state() for trial_id, trial in self._inner.trials.items()}
        record = {"numbers": self._numbers, "trials": trials, "oracle": self._inner.get_state()}
        with atomic_write(self._file) as part:
            part.write_text(json.dumps(record), encoding="utf-8")

    def _restore(self) -> None:
        record = json.loads(self._file.read_text(encoding="utf-8"))
        self._numbers = record["numbers"]
        self._inner.trials = {trial_id: Trial.from_state(state) for trial_id, state in record["trials"].items()}
        self._inner.set_state(record["oracle"])
        if isinstance(self._inner, keras_tuner.oracles.GridSearchOracle):
            self._restore_grid()

    def _restore_grid(self) -> None:
        """Make anew what KerasTuner's grid keeps in memory only: its trials in the order of the grid."""
        values = {trial_id: trial.hyperparameters.values for trial_id, trial in self._inner.trials.items()}
        order = functools.cmp_to_key(lambda one, other: self._inner._compare(values[one], values[other]))
        for trial_id in sorted(values, key=order):
            self._inner._ordered_ids.insert(trial_id)
        self._inner._populate_next = list(self._inner.start_order)  # those whose successor was tried are passed over


def _make_inner(space: SearchSpace, config: Config, direction: str) -> Any:
    """KerasTuner's oracle, writing nothing and saying nothing."""
    own = SearchSpace(tuple(d for d in space.dimensions if not (sets_epochs(config) and d.key == EPOCHS_KEY)))
    offered = {
        "objective": keras_tuner.Objective(config.objective, direction),
        "hyperparameters": to_hyperparameters(own),
        "max_trials": config.trials or sys.maxsize,
        "max_epochs": max_epochs(config),
        "seed": trial_seed(config.seed, 0) % 2**31 or 1,  # KerasTuner takes 0 for "a random seed"
        "max_consecutive_failed_trials": sys.maxsize,  # the study counts failures
    }
    keys = {key: value for key, value in config.oracle.items() if key not in _OWN_KEYS}
    target = targets.resolve(keys["_target_"], "oracle._target_")
    if not (isinstance(target, type) and issubclass(target, keras_tuner.Oracle)):
        known = ", ".join(f"keras_tuner.oracles.{name}" for name in dir(keras_tuner.oracles) if name.endswith("Oracle"))
        raise ConfigError(f"oracle._target_: no oracle of KerasTuner's, received {keys['_target_']}. Known: {known}")
    try:
        inner = targets.call("oracle", target, keys, offered)
    except (ImportError, TypeError, ValueError) as error:
        raise ConfigError(f"oracle: {keys['_target_']}: {error}") from error
    inner.save = lambda: None  # KerasTuner writes in place: a kill would leave half a file
    inner._save_trial = lambda trial: None
    inner.verbose = 0
    return inner
