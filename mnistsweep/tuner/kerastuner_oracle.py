"""An oracle of KerasTuner as the source of points (``oracle._target_=keras_tuner.oracles.HyperbandOracle``).

KerasTuner's oracle proposes the points; the study remains the ledger. The oracle's state (its trials, Hyperband's
brackets) is kept in ``kerastuner_oracle.json``, which is replaced as a whole after each proposal. Such a sweep has one
worker only, because this state cannot be shared.

Hyperband sets the epochs of each trial itself. Its later rungs train from scratch, not from the weights of the earlier
rung, so each trial can be repeated from its configuration alone.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import keras_tuner
from keras_tuner.engine.trial import Trial, TrialStatus

from mnistsweep import targets
from mnistsweep.atomic import atomic_write
from mnistsweep.config.schema import Config
from mnistsweep.dimensions import Choice, Condition, Dimension, Float, Zip
from mnistsweep.errors import ConfigError
from mnistsweep.intervals import is_ordinary
from mnistsweep.paths import SweepPaths
from mnistsweep.search.oracle import Oracle, Proposal
from mnistsweep.seeds import trial_seed
from mnistsweep.space import Point, SearchSpace
from mnistsweep.tuner import kerastuner_private
from mnistsweep.tuner.hyperband import EPOCHS_KEY, max_epochs, sets_epochs
from mnistsweep.tuner.hyperparameters import to_hyperparameters, to_point

# KerasTuner's name of the epochs that Hyperband sets.
_KERASTUNER_EPOCHS = "tuner/epochs"

# The only worker, for KerasTuner.
_TUNER_ID = "tuner0"

# Keys of the config group `oracle` that are for this project's own oracles.
_OWN_KEYS = ("name", "startup_results")


class KerasTunerOracle(Oracle):
    """Proposes the points of an oracle of KerasTuner, and reports the study's results to it.

    Args:
        paths: Paths of the sweep's files.
        space: Search space of the sweep; it includes the epochs if the oracle sets them (`hyperband.with_epochs`).
        config: Configuration of the sweep; `config.oracle` has `_target_` and the oracle's keyword arguments.
        direction: Direction of the objective, ``max`` or ``min``.

    Raises:
        ConfigError: The target is not an oracle, does not accept a key or a value, or needs a library that is not
            installed.
    """

    def __init__(self, paths: SweepPaths, space: SearchSpace, config: Config, direction: str) -> None:
        super().__init__(space)
        self._file = paths.oracle_state
        self._objective = config.first_objective
        target = str(config.oracle["_target_"]).rpartition(".")[2]
        self.no_point_reason = f"{target} of KerasTuner has ended its search or found only points that it had tried"
        self._shown = _with_positions(space)
        self._inner = _make_inner(self._shown, config, direction)
        kerastuner_private.disable_saving(self._inner, paths.folder)
        self._numbers: dict[str, int] = {}
        if self._file.is_file():
            self._restore()

    def propose(self, number: int, study: Any) -> Proposal | None:
        """Return KerasTuner's next point, after it has received all results; None if its search has ended."""
        self._report_results({trial.number: trial for trial in study.get_trials(deepcopy=False)})
        # If the process died before a proposal reached the ledger, KerasTuner still has it as an ongoing trial, and
        # `create_trial` returns it again.
        trial = self._inner.create_trial(_TUNER_ID)
        if trial.status != TrialStatus.RUNNING:
            return None
        self._numbers[trial.trial_id] = number
        self._save()
        values = dict(trial.hyperparameters.values)
        if _KERASTUNER_EPOCHS in values:
            values[EPOCHS_KEY] = values[_KERASTUNER_EPOCHS]
        shown = to_point(self._shown, values)
        point: Point = {}
        for dimension in self.space.dimensions:
            if dimension.name in shown:
                point |= dimension.entries(self._value(dimension, shown[dimension.name]))
        return Proposal(point)

    def _value(self, dimension: Dimension, shown: Any) -> Any:
        """Return a dimension's value for what KerasTuner's oracle proposes: the value, or a position.

        The position is one in the interval, from 0 to 1, or that of a combination of a zip.
        """
        if isinstance(dimension, Zip):
            return dimension.values[shown]
        return dimension.value_at(shown) if _is_searched_by_position(dimension) else shown

    def _report_results(self, ledger: Mapping[int, Any]) -> None:
        """Report the trials that have finished in the ledger.

        Args:
            ledger: Optuna's trials by their number.
        """
        for trial in list(self._inner.ongoing_trials.values()):
            record = ledger.get(self._numbers[trial.trial_id])
            if record is not None and record.state.is_finished():
                self._end_trial(trial, record)

    def _end_trial(self, trial: Trial, record: Any) -> None:
        if record.value is None:  # only a failed trial has no value
            trial.status = TrialStatus.FAILED
        else:
            step = record.user_attrs["result"]["best_epoch"]
            self._inner.update_trial(trial.trial_id, {self._objective: record.value}, step=step)
            trial.status = TrialStatus.COMPLETED
        self._inner.end_trial(trial)

    def _save(self) -> None:
        trials = {trial_id: trial.get_state() for trial_id, trial in self._inner.trials.items()}
        record = {"numbers": self._numbers, "trials": trials, "oracle": self._inner.get_state()}
        with atomic_write(self._file, create_folder=False) as part:
            part.write_text(json.dumps(record), encoding="utf-8")

    def _restore(self) -> None:
        record = json.loads(self._file.read_text(encoding="utf-8"))
        self._numbers = record["numbers"]
        self._inner.trials = {trial_id: Trial.from_state(state) for trial_id, state in record["trials"].items()}
        self._inner.set_state(record["oracle"])
        if isinstance(self._inner, keras_tuner.oracles.GridSearchOracle):
            kerastuner_private.restore_grid(self._inner)


def _is_searched_by_position(dimension: Dimension) -> bool:
    """Return whether KerasTuner's oracle searches positions from 0 to 1 of an interval instead of its numbers."""
    return isinstance(dimension, Float) and not is_ordinary(dimension.low, dimension.high, dimension.log)


def _with_positions(space: SearchSpace) -> SearchSpace:
    """Return the space that KerasTuner's oracle searches.

    Intervals of real numbers in which its arithmetic would overflow or lose all digits become positions from 0 to 1.
    A zip becomes a choice of the positions of its combinations, and conditions on its keys become conditions on these.
    """
    zips = {key: zipped for zipped in space.dimensions if isinstance(zipped, Zip) for key in zipped.keys}

    def condition_on_position(condition: Condition) -> Condition:
        zipped = zips.get(condition.key)
        if zipped is None:
            return condition
        rows = zipped.rows({condition.key: condition.values})
        return Condition(zipped.name, tuple(map(zipped.position, rows)))

    shown: list[Dimension] = []
    for dimension in space.dimensions:
        conditions = tuple(map(condition_on_position, dimension.conditions))
        if isinstance(dimension, Zip):
            shown.append(Choice(dimension.name, tuple(range(len(dimension.values))), conditions))
        elif isinstance(dimension, Float) and _is_searched_by_position(dimension):
            shown.append(replace(dimension, low=0.0, high=1.0, log=False, conditions=conditions))
        else:
            shown.append(replace(dimension, conditions=conditions))
    return SearchSpace(tuple(shown))


def _make_inner(space: SearchSpace, config: Config, direction: str) -> Any:
    """Return KerasTuner's oracle of a configuration; it prints nothing."""
    keys = {key: value for key, value in config.oracle.items() if key not in _OWN_KEYS}
    target = targets.resolve(keys["_target_"], "oracle._target_")
    if not (isinstance(target, type) and issubclass(target, keras_tuner.Oracle)):
        known = ", ".join(f"keras_tuner.oracles.{name}" for name in dir(keras_tuner.oracles) if name.endswith("Oracle"))
        raise ConfigError(
            f"oracle._target_: needs an oracle of KerasTuner, received {keys['_target_']}. Known: {known}"
        )
    try:
        inner = targets.call("oracle", target, keys, _offered_arguments(space, config, direction))
    except (ImportError, TypeError, ValueError) as error:
        raise ConfigError(f"oracle: {keys['_target_']}: {error}") from error
    inner.verbose = 0
    return inner


def _offered_arguments(space: SearchSpace, config: Config, direction: str) -> dict[str, Any]:
    """Return the arguments of KerasTuner's oracles that follow from the sweep; `oracle` may override them."""
    searched = SearchSpace(tuple(d for d in space.dimensions if not (sets_epochs(config) and d.keys == (EPOCHS_KEY,))))
    return {
        "objective": keras_tuner.Objective(config.first_objective, direction),
        "hyperparameters": to_hyperparameters(searched),
        "max_trials": config.trials or sys.maxsize,
        "max_epochs": max_epochs(config),
        "seed": trial_seed(config.seed, 0) % 2**31 or 1,  # for KerasTuner, 0 means a random seed
        "max_consecutive_failed_trials": sys.maxsize,  # the study counts failures
    }
