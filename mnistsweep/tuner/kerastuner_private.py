"""The private API of KerasTuner that this package needs; checked against KerasTuner 1.4.8.

`SweepTuner` also overrides the private method `_populate_initial_space`. All other code of this package uses
KerasTuner's public API. `tests/tuner/test_kerastuner_private.py` fails when a version of KerasTuner no longer has what
is used.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import keras_tuner
from keras_tuner.src import config as kerastuner_config
from keras_tuner.src.applications import efficientnet


def disable_traceback_printing() -> None:
    """Stop KerasTuner from printing the traceback of each failed trial."""
    kerastuner_config.DEBUG = False


def disable_saving(oracle: keras_tuner.Oracle, folder: Path) -> None:
    """Stop an oracle from writing its own files: KerasTuner writes in place, so a kill would leave half a file.

    Args:
        oracle: KerasTuner's oracle.
        folder: Path of the sweep's folder; the oracle needs a folder although it writes nothing.
    """
    oracle._set_project_dir(str(folder), "kerastuner")
    oracle.save = lambda: None
    oracle._save_trial = lambda trial: None


def restore_grid(oracle: keras_tuner.oracles.GridSearchOracle) -> None:
    """Restore the part of a grid oracle's state that KerasTuner keeps in memory only.

    This is the list of its trials in the order of the grid, and the list of trials after which it looks for the next
    point. The second list may hold every trial: KerasTuner skips a trial if the next point of the grid was tried.

    Args:
        oracle: Grid oracle with its trials and its public state.
    """
    values = {trial_id: trial.hyperparameters.values for trial_id, trial in oracle.trials.items()}
    order = functools.cmp_to_key(lambda one, other: oracle._compare(values[one], values[other]))
    for trial_id in sorted(values, key=order):
        oracle._ordered_ids.insert(trial_id)
    oracle._populate_next = list(oracle.start_order)


@contextmanager
def random_weights() -> Iterator[None]:
    """Let `HyperEfficientNet` build networks with random weights, which Keras would download otherwise."""
    networks = efficientnet.EFFICIENTNET_MODELS
    changed = {name: functools.partial(network, weights=None) for name, network in networks.items()}
    efficientnet.EFFICIENTNET_MODELS = changed
    try:
        yield
    finally:
        efficientnet.EFFICIENTNET_MODELS = networks
