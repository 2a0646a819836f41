"""The uses of Keras's private attributes and modules; checked against Keras 3.15.

Keras has no public interface for any of them. `tests/training/test_keras_internals.py` fails when one of them changes.
"""

from __future__ import annotations

import threading
import zipfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import keras
from keras.src.backend.common import global_state
from keras.src.backend.common.global_state import get_global_attribute, set_global_attribute
from keras.src.random.seed_generator import global_seed_generator
from keras.src.saving import saving_lib

# Name under which Keras 3.15 stores the generator of `keras.random` for calls without a seed.
_GLOBAL_SEED_GENERATOR = "global_seed_generator"

# Name under which Keras 3.15 counts the names that it has generated.
_NAMES = "object_name_uids"

# Name under which Keras 3.15 stores the seed of `keras.utils.set_random_seed`.
_RANDOM_SEED = "global_random_seed"


def find_global_seed_generator() -> Any | None:
    """Return Keras's generator for random numbers that are drawn without a seed; None if nothing was drawn yet.

    `keras.src.random.seed_generator.global_seed_generator` would create the generator, so this function reads the
    global attribute instead (checked against Keras 3.15).
    """
    return get_global_attribute(_GLOBAL_SEED_GENERATOR)


def create_global_seed_generator() -> Any:
    """Return Keras's generator for random numbers that are drawn without a seed, created if it does not exist.

    Uses `keras.src.random.seed_generator.global_seed_generator` (checked against Keras 3.15).
    """
    return global_seed_generator()


def trained_variables(optimizer: Any) -> list[Any]:
    """Return the variables that an optimizer trains; empty before it is built.

    Uses `Optimizer._trainable_variables` (checked against Keras 3.15).
    """
    return list(getattr(optimizer, "_trainable_variables", None) or [])


def optimizer_variables(optimizer: Any) -> list[Any]:
    """Return all variables of an optimizer, with those that `Optimizer.variables` leaves out.

    Keras does not track a variable that the inner optimizer of a `keras.optimizers.LossScaleOptimizer` assigns to an
    attribute, such as the product of the momenta in Nadam (checked against Keras 3.15).
    """
    own = [value for part in _parts_of(optimizer) for value in vars(part).values()]
    found = [*optimizer.variables, *(value for value in own if isinstance(value, keras.Variable))]
    return list({id(variable): variable for variable in found}.values())


def _parts_of(optimizer: Any) -> list[Any]:
    """An optimizer, and those that it wraps (`LossScaleOptimizer`, `MultiOptimizer`)."""
    wrapped = [getattr(optimizer, "inner_optimizer", None), *getattr(optimizer, "optimizers", [])]
    return [optimizer, *(part for one in wrapped if one is not None for part in _parts_of(one))]


def set_initial_epoch(model: Any, epoch: int | None) -> None:
    """Set the epoch with which the next `model.fit` starts; None for the default.

    Uses `Model._initial_epoch`, as `keras.callbacks.BackupAndRestore` does (checked against Keras 3.15).

    Args:
        model: A Keras model.
        epoch: Index of the epoch, from 0.
    """
    model._initial_epoch = epoch


def pop_initial_epoch(model: Any) -> int | None:
    """Return the epoch with which a training should start and reset it; None if no callback set one.

    Uses `Model._initial_epoch`, which `keras.callbacks.BackupAndRestore` sets in `on_train_begin` (checked against
    Keras 3.15).
    """
    epoch: int | None = getattr(model, "_initial_epoch", None)
    if epoch is not None:
        model._initial_epoch = None
    return epoch


def all_layers(model: Any) -> list[Any]:
    """Return all layers of a model, with those of nested models and wrappers.

    Uses `Layer._flatten_layers` (checked against Keras 3.15).
    """
    return list(model._flatten_layers(include_self=False))


def compiled_metrics(model: Any) -> list[Any]:
    """Return the metric objects that a model was compiled with; those given by name are left out.

    Uses `Model._compile_metrics` and its `_user_metrics` and `_user_weighted_metrics`, because `Model.metrics` has them
    only after the first batch (checked against Keras 3.15).
    """
    compiled = getattr(model, "_compile_metrics", None)
    given = (getattr(compiled, "_user_metrics", None), getattr(compiled, "_user_weighted_metrics", None))
    return [one for one in keras.tree.flatten(given) if isinstance(one, keras.metrics.Metric)]


def num_generated_names(prefix: str) -> int:
    """Return how many objects of a class Keras has named after it since the session was cleared.

    Uses the global attribute of `keras.src.utils.naming` (checked against Keras 3.15).

    Args:
        prefix: Name of the class in snake case.
    """
    counts: dict[str, int] = get_global_attribute(_NAMES) or {}
    return counts.get(prefix, 0)


class Session:
    """State of Keras's session after a model was compiled: the names and the seed, and the generator without a seed.

    A compiled function draws from the generator that existed when it was traced. Uses the global attributes and the two
    trackers of `keras.src.backend.common.global_state` (checked against Keras 3.15).
    """

    def __init__(self) -> None:
        self._names: dict[str, int] = dict(get_global_attribute(_NAMES) or {})
        self._seed = get_global_attribute(_RANDOM_SEED)
        self._generator: Any = None

    def keep_generator(self) -> None:
        """Remember the generator, which may have been created after the session began."""
        self._generator = find_global_seed_generator()

    def resume(self) -> None:
        """Replace the session of this process by this one; its dtype policy stays.

        `keras.utils.clear_session` would also clear TensorFlow's kernels, which optimizes each traced function again.
        """
        policy = keras.config.dtype_policy()
        global_state.GLOBAL_STATE_TRACKER = threading.local()
        global_state.GLOBAL_SETTINGS_TRACKER = threading.local()
        if keras.config.dtype_policy() != policy:
            keras.config.set_dtype_policy(policy)
        set_global_attribute(_NAMES, defaultdict(int, self._names))
        set_global_attribute(_RANDOM_SEED, self._seed)
        set_global_attribute(_GLOBAL_SEED_GENERATOR, self._generator)

    @property
    def variables(self) -> list[Any]:
        """Variables of the generator."""
        return [] if self._generator is None else [self._generator.state]


def compilation_of(model: Any) -> Any:
    """Return an object that is replaced when a model is compiled again.

    Uses `Model._compile_config` (checked against Keras 3.15).
    """
    return getattr(model, "_compile_config", None)


def load_assets(model: Any, file: Path) -> None:
    """Read what a model file holds beside weights, such as the vocabulary of `keras.layers.TextVectorization`.

    `Model.load_weights` leaves it out. Uses `saving_lib._load_state`, as `keras.saving.load_model` does (checked
    against Keras 3.15).

    Args:
        model: Model of the same architecture.
        file: Path of the file; one that is no ``.keras`` file holds weights only.
    """
    if file.suffix != ".keras":
        return
    with zipfile.ZipFile(file) as archive:
        if not any(name.startswith("assets/") for name in archive.namelist()):
            return
        store = saving_lib.DiskIOStore("assets", archive=archive, mode="r")
        try:
            saving_lib._load_state(model, None, store, inner_path="", visited_saveables=set())
        finally:
            store.close()
