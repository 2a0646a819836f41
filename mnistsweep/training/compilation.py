"""Compilation of a model as its configuration asks for."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any
from weakref import WeakKeyDictionary

from mnistsweep.config.schema import Config
from mnistsweep.data import Dataset
from mnistsweep.data.examples import Examples
from mnistsweep.data.structure import named_leaves
from mnistsweep.errors import ConfigError
from mnistsweep.models import losses, metrics, optimizers
from mnistsweep.training.building import create_variables, has_fixed_batches
from mnistsweep.training.keras_internals import all_layers, compilation_of
from mnistsweep.training.model_outputs import loss_name
from mnistsweep.training.target_form import find_forms

# Compilation and form of the targets of each model that `compile_model` has compiled. A trained model is compiled, but
# not by its builder, so it gets its targets in this form again.
_OWN: MutableMapping[Any, tuple[Any, Any]] = WeakKeyDictionary()


class Compilation:
    """How a model was compiled at one time: a callback may compile it again, or freeze or unfreeze its layers.

    Args:
        model: A compiled Keras model.
    """

    def __init__(self, model: Any) -> None:
        self._compiled = compilation_of(model)
        self._trainable = [(layer, layer.trainable) for layer in all_layers(model)]

    def has_changed(self, model: Any) -> bool:
        """Whether the same model has been compiled again, or trains other layers."""
        is_same = self._compiled is compilation_of(model)
        return not is_same or any(layer.trainable != before for layer, before in self._trainable)


def compile_model(model: Any, config: Config, dataset: Dataset) -> Any:
    """Compile a model with the optimizer, schedule, loss and metrics of its configuration.

    A model that its builder has compiled is left as it is, and so is one that was compiled here before.

    Args:
        model: A Keras model.
        config: Configuration of the trial.
        dataset: Data set of the trial; its size determines the number of steps of the schedule.

    Returns:
        The form of the targets (`target_form.find_forms`).

    Raises:
        ConfigError: The targets do not fit the loss and the output of the model, `trainer.steps_per_epoch` does not
            fit the data, or Keras's backend has no texts.
    """
    _check_texts(dataset)
    steps = dataset.steps(config.trainer.batch_size, config.trainer.steps_per_epoch)
    if model.compiled:
        own, form = _OWN.get(model, (None, None))
        if own is not None and own is compilation_of(model):
            return form
        return find_forms(model, dataset, loss_name(model.loss), is_compiled=True)
    if has_fixed_batches(model):
        create_variables(model, dataset.train.first_examples(config.trainer.batch_size).inputs)
    forms = find_forms(model, dataset, config.trainer.loss, is_compiled=False)
    optimizer = optimizers.build_optimizer(config.optimizer, config.schedule, steps, config.trainer.epochs)
    model.compile(optimizer, loss=losses.build_loss(config.trainer.loss), metrics=metrics.build(config.trainer.metrics))
    _OWN[model] = compilation_of(model), forms
    return forms


def _check_texts(dataset: Dataset) -> None:
    """Check that Keras's backend can have texts as inputs: its layers for texts compute with TensorFlow.

    Raises:
        ConfigError: The inputs are texts, and the backend is not TensorFlow.
    """
    import keras

    backend = keras.backend.backend()
    if backend == "tensorflow" or not isinstance(dataset.train, Examples):
        return
    for key, array in named_leaves(dataset.train.inputs):
        if array.dtype.kind == "O":
            raise ConfigError(
                "data: texts as inputs need Keras on TensorFlow, for layers such as TextVectorization and "
                f"StringLookup; received texts{f' in {key}' if key else ''} and KERAS_BACKEND={backend}; unset it, or "
                "convert the texts to numbers in the loader"
            )
