"""Models of paused trainings that a process keeps in memory, so that these go on without building them again."""

from __future__ import annotations

import gc
import math
from collections import OrderedDict
from collections.abc import Callable

from mnistsweep.config.schema import Config
from mnistsweep.memory import return_free_memory
from mnistsweep.training.compiled_model import CompiledModel

MAX_SHARE = 0.25
"""Largest share of the free memory that the models may take, so that the next training has room."""

Key = tuple[int, str]
"""Number of a trial, and the fingerprint of its training."""


class LiveModels:
    """A few models of paused trainings, of which those that were used longest ago go first.

    The models share no variables with each other, so that one can be removed without harm to the others.

    Args:
        maximum: Number of models that are kept; 0: none.
        free_bytes: Function that returns how many bytes of memory this process may still use.
    """

    def __init__(self, maximum: int = 0, free_bytes: Callable[[], float] = lambda: math.inf) -> None:
        self._maximum = maximum
        self._free_bytes = free_bytes
        self._models: OrderedDict[Key, CompiledModel] = OrderedDict()

    @property
    def numbers(self) -> frozenset[int]:
        """Numbers of the trials whose models are kept."""
        return frozenset(number for number, _ in self._models)

    def take(self, key: Key, dataset: object, is_resumed: bool = True) -> CompiledModel | None:
        """Remove a model and return it; None if it is not kept, or cannot be used.

        Args:
            key: Number of the trial, and the fingerprint of its training.
            dataset: Data set of the trial; a model that was trained on another one cannot be used.
            is_resumed: Whether the training has a state to restore; without one it needs a new model.
        """
        found = None
        for other in [one for one in self._models if one[0] == key[0]]:
            model = self._models.pop(other)
            if other == key and model.dataset is dataset and is_resumed:
                found = model
            else:
                model.free()
        return found

    def keep(self, key: Key, model: CompiledModel, config: Config) -> bool:
        """Keep a model, if a training can go on with it and there is room for it; whether it is kept.

        Args:
            key: Number of the trial, and the fingerprint of its training.
            model: Model of a training that is paused.
            config: Configuration of the trial.
        """
        if not self._maximum or self._drop_sharing(model) or not model.can_go_on(config):
            return False
        self._models[key] = model
        while len(self._models) > self._maximum:
            self._drop_oldest()
        while self._models and self._num_bytes() > MAX_SHARE * max(0.0, self._free_bytes()):
            self._drop_oldest()
        return True

    def free(self, model: CompiledModel) -> None:
        """Release the memory of a model that is not kept, and of all that share variables with it."""
        self._drop_sharing(model)
        model.free()

    def clear(self) -> bool:
        """Remove all models, and return their memory to the operating system; whether there was any."""
        had_any = bool(self._models)
        while self._models:
            self._drop_oldest()
        if had_any:
            gc.collect()
            return_free_memory()
        return had_any

    def _num_bytes(self) -> int:
        return sum(model.num_bytes for model in self._models.values())

    def _drop_oldest(self) -> None:
        self._models.popitem(last=False)[1].free()

    def _drop_sharing(self, model: CompiledModel) -> bool:
        """Remove the models that share variables with another one; whether there was any."""
        sharing = [key for key, kept in self._models.items() if kept.shares_variables(model)]
        for key in sharing:
            self._models.pop(key).free()
        return bool(sharing)
