"""Checks of data that stream, and of the weights of classes, against the configuration."""

from __future__ import annotations

from collections.abc import Collection

from mnistsweep.config.schema import Config, TrainerConfig
from mnistsweep.data import Dataset, Examples
from mnistsweep.data.class_weights import class_weights
from mnistsweep.data.task import Task
from mnistsweep.errors import ConfigError


def check_stream(dataset: Dataset, config: Config, swept: Collection[str]) -> list[str]:
    """Check that the keys of the trainer fit data that stream; returns warnings.

    Args:
        dataset: Data set of a trial.
        config: Configuration of the trial.
        swept: Keys that the search varies.

    Raises:
        ConfigError: `trainer.batch_size` is swept and has no effect, or `trainer.steps_per_epoch` does not fit the
            data.
    """
    dataset.steps(config.trainer.batch_size, config.trainer.steps_per_epoch)
    if isinstance(dataset.train, Examples) or dataset.train.own_batch_size is None:
        return []
    size, own = config.trainer.batch_size, dataset.train.own_batch_size
    rule = f"trainer.batch_size: has no effect on a {dataset.train.kind} with batches of its own, of {own} examples"
    advice = "let the loader return unbatched examples, or pass it the batch size"
    if "trainer.batch_size" in swept:
        raise ConfigError(f"{rule}; received a range; {advice}")
    return [] if size in (own, TrainerConfig().batch_size) else [f"{rule}; received {size}; {advice}."]


def is_endless(dataset: Dataset) -> bool:
    """Whether the training data never end, so that not all of them were seen.

    Args:
        dataset: Data set of a trial.
    """
    return not isinstance(dataset.train, Examples) and dataset.train.is_infinite


def check_class_weight(config: Config, task: Task | None) -> None:
    """Check that `trainer.class_weight` fits the classes.

    Args:
        config: Configuration of a trial.
        task: Task of the only output of the model; None for several outputs.

    Raises:
        ConfigError: The targets are no classes, a class is unknown, or one has no weight.
    """
    if config.trainer.class_weight is not None:
        class_weights(config.trainer.class_weight, task, None)
