"""Checks of a built model on a few examples: it can evaluate them, and train on them. They change its weights."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

from mnistsweep.config.schema import Config
from mnistsweep.data import Dataset, Examples
from mnistsweep.errors import ConfigError
from mnistsweep.training.building import has_fixed_batches, has_own_step
from mnistsweep.training.engines.base import Split
from mnistsweep.training.metric_names import with_stable_names
from mnistsweep.training.target_form import split_of
from mnistsweep.user_code import explained

# Number of examples that the model evaluates and trains on.
NUM_EXAMPLES = 8


def evaluate_batches(model: Any, config: Config, dataset: Dataset, forms: Any) -> list[str]:
    """Evaluate a few examples, and return the names of the metrics.

    Where every batch of the model must have the same size, it evaluates the batches that the training will evaluate:
    a whole one, and the smaller last one of each split.

    Args:
        model: Compiled model.
        config: Configuration of the trial.
        dataset: Data set of the trial.
        forms: Form of the targets of each output.

    Raises:
        ConfigError: The model cannot evaluate them.
    """
    measured = dict[str, Any]()
    for examples, fault in _batches(config, dataset, has_fixed_batches(model)):
        split = split_of(examples, forms)
        with explained(functools.partial(_refused, fault)):
            measured = evaluate_split(model, split, config.trainer.batch_size)
    return sorted(with_stable_names(model, measured))


def _refused(fault: str, reason: str) -> ConfigError:
    return ConfigError(f"{fault}: {reason}")


def _batches(config: Config, dataset: Dataset, are_fixed: bool) -> Iterator[tuple[Examples, str]]:
    """Batches to evaluate, with the message for a model that cannot."""
    size = config.trainer.batch_size if are_fixed else NUM_EXAMPLES
    received = f"trainer.batch_size: {size}: the model cannot evaluate a batch of this size"
    yield dataset.train.first_examples(size), received if are_fixed else "model: the model cannot evaluate examples"
    rule = "because every batch of the model must have the same size"
    splits = () if dataset.is_stream else (("training", dataset.train), ("validation", dataset.validation))
    for name, split in splits:
        if are_fixed and (rest := len(split) % size):
            fault = f"must divide the {len(split)} examples of the {name} split, {rule}; received {size}"
            yield split.first_examples(rest), f"trainer.batch_size: {fault}"


def train_batch(model: Any, config: Config, dataset: Dataset, forms: Any) -> None:
    """Train one step, so that a fault that only the training has is found before the sweep.

    The step runs without a graph, because tracing one takes longer than the step. A training step of the user's own
    may depend on the size of a batch, so it gets a whole one.

    Args:
        model: Compiled model.
        config: Configuration of the trial.
        dataset: Data set of the trial.
        forms: Form of the targets of each output.

    Raises:
        ConfigError: The model cannot be trained.
    """
    needs_whole = has_fixed_batches(model) or has_own_step(model)
    split = split_of(dataset.train.first_examples(config.trainer.batch_size if needs_whole else NUM_EXAMPLES), forms)
    before = {name: getattr(model, name) for name in ("run_eagerly", "steps_per_execution")}
    model.run_eagerly, model.steps_per_execution = True, 1
    try:
        with explained(functools.partial(_refused, "model: the model evaluates examples, but cannot be trained")):
            _train(model, split, config.trainer.batch_size)
    finally:
        for name, value in before.items():
            setattr(model, name, value)
        model.train_function = None  # it was made for one step without a graph


def evaluate_split(model: Any, split: Split, batch_size: int) -> dict[str, Any]:
    """Metrics of a few examples by name.

    Args:
        model: Compiled model.
        split: Inputs, encoded targets and, if there are any, weights.
        batch_size: Number of examples in a batch for a test step of the user's own; any other model gets all at once.
    """
    if has_own_step(model, "test_step"):
        measured: dict[str, Any] = model.evaluate(**_named(split), batch_size=batch_size, verbose=0, return_dict=True)
        return measured
    return dict(model.test_on_batch(*split, return_dict=True))


def _train(model: Any, split: Split, batch_size: int) -> None:
    if has_own_step(model):
        model.fit(**_named(split), batch_size=batch_size, shuffle=False, verbose=0)
    else:
        model.train_on_batch(*split)


def _named(split: Split) -> dict[str, Any]:
    """Arguments of `fit` and `evaluate`: their step gets ``(x, y)``, where `train_on_batch` adds an absent weight."""
    return dict(zip(("x", "y", "sample_weight"), split, strict=False))
