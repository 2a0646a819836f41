"""The private API of KerasTuner that is used: these tests fail when a version of KerasTuner changes it."""

from __future__ import annotations

from pathlib import Path

import keras_tuner
import pytest
from keras_tuner.src.engine import base_tuner

from mnistsweep.tuner import kerastuner_private
from mnistsweep.tuner.tuner import SweepTuner


@pytest.fixture
def grid() -> keras_tuner.oracles.GridSearchOracle:
    hp = keras_tuner.HyperParameters()
    hp.Choice("a", [1, 2, 3])
    hp.Choice("b", ["x", "y"])
    return keras_tuner.oracles.GridSearchOracle(
        objective=keras_tuner.Objective("val_accuracy", "max"), hyperparameters=hp
    )


def order(grid: keras_tuner.oracles.GridSearchOracle, first: str) -> list[str]:
    """The trials in the order of the grid, which starts with the first trial."""
    found = [first]
    while (following := grid._ordered_ids.next(found[-1])) is not None:
        found.append(following)
    return found


def test_tracebacks_are_not_printed() -> None:
    assert hasattr(base_tuner.config_module, "DEBUG")
    kerastuner_private.disable_traceback_printing()
    assert base_tuner.config_module.DEBUG is False


def test_the_space_is_not_searched_for_before_the_first_trial() -> None:
    assert hasattr(keras_tuner.Tuner, "_populate_initial_space")
    assert SweepTuner._populate_initial_space is not keras_tuner.Tuner._populate_initial_space


def run_trial(grid: keras_tuner.oracles.GridSearchOracle) -> str:
    trial = grid.create_trial("tuner0")
    grid.update_trial(trial.trial_id, {"val_accuracy": 0.5})
    trial.status = "COMPLETED"
    grid.end_trial(trial)
    return str(trial.trial_id)


def test_an_oracle_writes_nothing(grid: keras_tuner.oracles.GridSearchOracle, tmp_path: Path) -> None:
    for name in ("_set_project_dir", "save", "_save_trial"):
        assert callable(getattr(grid, name))
    kerastuner_private.disable_saving(grid, tmp_path / "sweep")
    run_trial(grid)
    grid.save()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_restored_grid_has_the_lists_that_the_oracle_keeps_in_memory(
    grid: keras_tuner.oracles.GridSearchOracle, tmp_path: Path
) -> None:
    kerastuner_private.disable_saving(grid, tmp_path)
    ids = [run_trial(grid) for _ in range(4)]
    before = order(grid, ids[0])
    assert sorted(before) == sorted(ids)
    grid._ordered_ids = type(grid._ordered_ids)()
    grid._populate_next = []
    kerastuner_private.restore_grid(grid)
    assert order(grid, ids[0]) == before
    assert grid._populate_next == ids
    points = [tuple(grid.trials[run_trial(grid)].hyperparameters.values.values()) for _ in range(2)]
    assert points == [(3, "x"), (3, "y")]
