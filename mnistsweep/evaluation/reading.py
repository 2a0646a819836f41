"""Reading of saved models: built by the configuration of their trial, with the weights of the file. Imports Keras.

A file from `keras.Model.save` also describes the architecture. To read it from there, Keras must find every class and
function of the user by its registered name, and must not execute code that the file holds. The configuration has none
of these limits: it names the function that built the model.
"""

from __future__ import annotations

import contextlib
import warnings
from pathlib import Path
from typing import Any

import keras

from mnistsweep.config.schema import Config
from mnistsweep.data import Dataset
from mnistsweep.error_descriptions import describe_error
from mnistsweep.errors import StudyError
from mnistsweep.keras_session import clear_session
from mnistsweep.seeds import repeat_seed
from mnistsweep.training.building import create_variables
from mnistsweep.training.compilation import compile_model
from mnistsweep.training.keras_internals import load_assets
from mnistsweep.training.process_state import import_users_modules, restored_process_state
from mnistsweep.tuner.hypermodel import ConfiguredHyperModel
from mnistsweep.user_code import exits_as_failures

# A new optimizer has no variables yet. Predictions need none.
_OPTIMIZER_WARNING = "Skipping variable loading for optimizer"


def read_model(file: Path, config: Config, dataset: Dataset) -> Any:
    """Read a model that a trial or a report has saved.

    The model is built by its configuration and gets the weights of the file. If they do not fit, because the code of
    the model was changed since, the architecture in the file is used. It comes first where a hypermodel has a `fit` of
    its own, which may compile or change the model that its `build` returned.

    Args:
        file: Path of the ``.keras`` or ``.weights.h5`` file (`paths.saved_model`).
        config: Configuration of the model.
        dataset: Data set that gives the input shape and the classes of the model.

    Returns:
        Compiled Keras model.

    Raises:
        StudyError: The file is damaged, or belongs to another model.
    """
    import_users_modules(config)
    errors = list[Exception]()
    for read in (_read_weights, _read_whole):
        try:
            with exits_as_failures(), restored_process_state(), warnings.catch_warnings():
                warnings.filterwarnings("ignore", message=_OPTIMIZER_WARNING)
                return read(file, config, dataset)
        except Exception as error:  # Keras, zipfile and users' code raise many types of errors
            errors.append(error)
    raise StudyError(f"{file}: the model cannot be loaded: {describe_error(errors[0])}") from errors[0]


def _read_weights(file: Path, config: Config, dataset: Dataset) -> Any:
    """Build the model by its configuration, and set its weights."""
    clear_session(free_memory=False)  # metrics without a name get the names of a new process
    keras.utils.set_random_seed(repeat_seed(config.seed, 0))
    hypermodel = ConfiguredHyperModel(config, dataset)
    model: Any = hypermodel.build(hypermodel.hyperparameters)
    if hypermodel.has_own_fit:
        with contextlib.suppress(Exception):
            return _read_whole(file, config, dataset)
    create_variables(model, dataset.train.first_examples(config.trainer.batch_size).inputs)
    compile_model(model, config, dataset)
    model.load_weights(file)
    load_assets(model, file)
    return model


def _read_whole(file: Path, _config: Config, _dataset: Dataset) -> Any:
    """Read architecture and weights; code in the file is not executed."""
    return keras.saving.load_model(file, safe_mode=True)  # unless a user's module allows it in `keras.config`
