"""A compiled model with its traced functions: what is expensive about a training, and holds no state of its own.

Building, compiling and tracing a model takes as long as an epoch of a small one. A paused training can therefore go on
with the same model. All that changes during a training is restored from its resume file, as it is for a model that is
built again: the variables, the optimizers, the callbacks and the random states. So what else has happened to the model
since the pause does not matter.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

from mnistsweep.config.schema import Config
from mnistsweep.training.callbacks.user_callbacks import has_only_keras_callbacks
from mnistsweep.training.engines.memory import free_graphs
from mnistsweep.training.engines.slot import EngineSlot
from mnistsweep.training.keras_internals import Session, all_layers, optimizer_variables
from mnistsweep.training.phase_state import optimizers_of
from mnistsweep.training.process_state import settings_of_process
from mnistsweep.training.trained_before import check_is_new

GRAPH_BYTES = 10_000_000
"""Memory of the graphs of a small model, in bytes."""


@dataclass
class CompiledModel:
    """A compiled model, and what a training that goes on with it needs beside a resume file.

    Attributes:
        model: A compiled Keras model.
        forms: Form of its targets (`target_form.find_forms`).
        dataset: Data set that it is trained on.
        is_alone: Whether its builder has changed no setting of the process, which would have to be changed again.
        session: State of Keras's session after the compilation.
        engine: Engine that trains it, with its functions; empty before the first training.
    """

    model: Any
    forms: Any
    dataset: Any
    is_alone: bool
    session: Session = field(default_factory=Session)
    engine: EngineSlot = field(default_factory=EngineSlot)

    @classmethod
    def make(cls, build: Callable[[], Any], compile_model: Callable[[Any], Any], dataset: Any) -> CompiledModel:
        """Build and compile a model.

        Args:
            build: Function that returns the model.
            compile_model: Function that checks and compiles it, and returns the form of its targets.
            dataset: Data set that it is trained on.

        Raises:
            ConfigError: An earlier training has changed the model.
        """
        before = settings_of_process()
        model = build()
        check_is_new(model)
        try:
            forms = compile_model(model)
        except BaseException:
            free_graphs(model)
            raise
        return cls(model, forms, dataset, settings_of_process() == before)

    def resume_session(self, seed: int) -> None:
        """Set the session of Keras to the state in which the model was compiled, so that names are the same.

        TensorFlow's seed stays: the functions are traced, and draw nothing from TensorFlow's own generator.

        Args:
            seed: Seed of the training.
        """
        self.session.resume()
        random.seed(seed)
        np.random.seed(seed)

    def can_go_on(self, config: Config) -> bool:
        """Whether a resume file holds all that a later training of this model depends on.

        It does not where code of the user runs in each training, such as a callback, because it may have changed
        something else; and where the compiled functions use variables that belong neither to the model nor to its
        optimizers and metrics, or random numbers of TensorFlow.

        Args:
            config: Configuration of the trial.
        """
        if not self.is_alone or not has_only_keras_callbacks(config):
            return False
        self.session.keep_generator()
        return self.engine.can_go_on([*self.variables, *self.session.variables], _tables(self.model))

    @property
    def variables(self) -> list[Any]:
        """Variables of the model, its optimizers and its metrics."""
        found = [*self.model.variables, *self.model.metrics_variables]
        for optimizer in optimizers_of(self.model).values():
            found += optimizer_variables(optimizer)
        return list({id(variable): variable for variable in found}.values())

    @property
    def num_bytes(self) -> int:
        """Memory that it takes beside the data set, in bytes."""
        return GRAPH_BYTES + sum(_num_bytes(variable) for variable in self.variables) + self.engine.num_own_bytes

    def shares_variables(self, other: CompiledModel) -> bool:
        """Whether another model has some of the same variables: layers that the user's module has created once."""
        own = {id(variable) for variable in self.model.variables}
        return any(id(variable) in own for variable in other.model.variables)

    def free(self) -> None:
        """Release the memory; the model cannot be trained afterwards."""
        self.engine.clear()
        free_graphs(self.model)


def _num_bytes(variable: Any) -> int:
    """Memory of a variable; an upper limit for types of less than four bytes."""
    bytes_each = 8 if keras.backend.standardize_dtype(variable.dtype).endswith("64") else 4
    return int(bytes_each * math.prod(variable.shape))


def _tables(model: Any) -> list[Any]:
    """Lookup tables of layers for texts and categories, which a training does not change."""
    return [layer.lookup_table for layer in all_layers(model) if getattr(layer, "lookup_table", None) is not None]
