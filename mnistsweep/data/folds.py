"""Cross-validation (``data.folds``): each fold of the training set validates once, and the others train.

The folds follow from the ``data`` group alone, so all trials of a sweep, the training of ``best.yaml`` and a report
have the same ones. Targets that are most likely classes are divided with equal class proportions (scikit-learn's
`StratifiedKFold`), all others without (`KFold`). ``data.target=regression`` says that whole numbers are no classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from mnistsweep.analysis.arrays import Integers
from mnistsweep.analysis.folds import plain_folds, smallest_class, stratified_folds
from mnistsweep.data import structure
from mnistsweep.data.settings import Settings
from mnistsweep.data.splitting import Split, limited_split
from mnistsweep.data.structure import Structure
from mnistsweep.data.task import PossibleTasks, Task
from mnistsweep.errors import ConfigError, DataError


@dataclass(frozen=True, eq=False)
class Folds:
    """The folds of a training set.

    Attributes:
        assigned: Fold of each example, ``(n,)``, from 0.
        labels: Class numbers, ``(n,)``; None where the targets are not divided by class.
        settings: Settings of the data.
    """

    assigned: Integers
    labels: NDArray[Any] | None
    settings: Settings

    @classmethod
    def assign(cls, targets: Structure, tasks: Structure, settings: Settings) -> Folds:
        """Divide a training set.

        Args:
            targets: Targets of the training set.
            tasks: What the targets are possible for, see `Dataset.tasks`.
            settings: Settings of the data; ``folds`` is set.

        Raises:
            ConfigError: There are more folds than examples.
            DataError: A class has fewer examples than there are folds.
        """
        count, folds = structure.num_examples(targets), _num_folds(settings)
        check_count(count, settings)
        task = _class_task(tasks)
        if task is None:
            return cls(plain_folds(count, folds, settings.fold_seed), None, settings)
        labels = task.encode(targets, "training targets", settings.source)
        _check_classes(labels, task, settings)
        return cls(stratified_folds(labels, folds, settings.fold_seed), labels, settings)

    def split(self, fold: int) -> Split:
        """Positions of the training and of the validation split; ``train_limit`` limits the former.

        Args:
            fold: Index of the fold that validates, from 0.
        """
        return limited_split(self.assigned == fold, self.labels, self.settings)


def check_count(count: int, settings: Settings) -> None:
    """Check that each fold has an example.

    Args:
        count: Number of examples of the training set.
        settings: Settings of the data; ``folds`` is set.

    Raises:
        ConfigError: There are more folds than examples.
    """
    if _num_folds(settings) > count:
        raise ConfigError(
            f"data.folds: each fold needs an example; received {settings.folds} folds for the {count} examples of the "
            f"training set ({settings.source}); use fewer folds"
        )


def check_no_validation(validation: Any, settings: Settings) -> None:
    """Check that the source has no validation set.

    Args:
        validation: Validation part that the loader returned; None if there is none.
        settings: Settings of the data; ``folds`` is set.

    Raises:
        ConfigError: The source has one.
    """
    if validation is not None:
        raise ConfigError(
            f"data.folds: the folds of the training set validate; the loader returns a validation set of its own "
            f"({settings.source}); leave out data.folds, or return (train, test)"
        )


def warnings_of(settings: Settings) -> list[str]:
    """Warnings about keys that have no effect with folds.

    Args:
        settings: Settings of the data.
    """
    if settings.folds is None:
        return []
    given = [name for name in ("validation", "validation_from") if getattr(settings, name) != getattr(Settings, name)]
    return [
        f"data.{name} has no effect with data.folds={settings.folds}: each fold validates once, the others train."
        for name in given
    ]


def _num_folds(settings: Settings) -> int:
    if settings.folds is None:
        raise ConfigError("data.folds: a number of folds is needed; received null")
    return settings.folds


def _class_task(tasks: Structure) -> Task | None:
    """The task with which the targets are most likely classes; None for any other target, and for several outputs."""
    is_classes = isinstance(tasks, PossibleTasks) and tasks.first.kind == "classes"
    return tasks.first if is_classes else None


def _check_classes(labels: NDArray[Any], task: Task, settings: Settings) -> None:
    """Check that each class has an example in each fold.

    Raises:
        DataError: A class has too few.
    """
    smallest, count = smallest_class(labels, len(task.values))
    if count < _num_folds(settings):
        raise DataError(
            f"data.folds: each class needs an example in each fold; class {task.class_names[smallest]} has {count}, "
            f"received {settings.folds} folds ({settings.source}); use fewer folds, or data.target=regression for "
            "numbers that are no classes"
        )
