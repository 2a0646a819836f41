"""Split of the training set into a training and a validation side: positions only, nothing random."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mnistsweep.data.settings import Settings
from mnistsweep.errors import ConfigError


class Split(NamedTuple):
    """Positions in the training set, ascending."""

    train: NDArray[np.intp]
    validation: NDArray[np.intp]


def split(labels: NDArray[Any], settings: Settings, has_validation: bool = False) -> Split:
    """Divide the training set, then limit the training side.

    Args:
        labels: ``(n,)``, the classes of the training set; used only if ``stratify`` is set.
        settings: Settings, of which ``validation``, ``validation_from``, ``stratify`` and ``train_limit`` are used.
        has_validation: Whether the source has a validation set, so that none is taken from the training set.

    Returns:
        Positions of both splits.

    Raises:
        ConfigError: ``data.validation`` leaves one side empty.
    """
    count = 0 if has_validation else validation_count(len(labels), settings)
    validates = _pick(labels, count, settings.validation_from, settings.stratify)
    return limited_split(validates, labels if settings.stratify else None, settings)


def limited_split(validates: NDArray[np.bool_], labels: NDArray[Any] | None, settings: Settings) -> Split:
    """Positions of both splits; the training side is limited to its first examples.

    Args:
        validates: Whether each example validates, ``(n,)``.
        labels: Classes of the examples, ``(n,)``, to limit each in proportion; None: they are not considered.
        settings: Settings, of which ``train_limit`` is used.
    """
    train = np.flatnonzero(~validates)
    if settings.train_limit is not None and settings.train_limit < len(train):
        own = train if labels is None else labels[train]
        train = train[_pick(own, settings.train_limit, "first", labels is not None)]
    return Split(train, np.flatnonzero(validates))


def validation_count(size: int, settings: Settings) -> int:
    """Number of validation examples.

    Args:
        size: Number of examples in the training set.
        settings: Settings, of which ``validation`` is used.

    Returns:
        Number of at least 1 and less than ``size``.

    Raises:
        ConfigError: ``data.validation`` leaves one side empty.
    """
    wanted = settings.validation
    count = round(wanted * size) if isinstance(wanted, float) else wanted
    if size < 2:
        raise ConfigError(
            f"data: a training set that is split has at least 2 examples; received {size} ({settings.source}); add "
            "examples, or let the loader return (train, validation, test)"
        )
    if not 1 <= count < size:
        raise ConfigError(
            f"data.validation={wanted} leaves one side empty: {count} of the {size} examples of the "
            f"training set would validate ({settings.source}); use a count from 1 to {size - 1}, or a fraction"
        )
    return count


def _pick(labels: NDArray[Any], count: int, end: str, stratify: bool) -> NDArray[np.bool_]:
    """Mask of ``count`` examples at one end of the set, or at that end of each class in proportion."""
    size = len(labels)
    if not stratify:
        positions = np.arange(size)
        return positions < count if end == "first" else positions >= size - count
    _, members, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    quotas = _quotas(sizes, count)
    # Rank of an example within its class: its position in the stable order by class minus the start of the class.
    order = np.argsort(members, kind="stable")
    rank = np.empty(size, np.intp)
    rank[order] = np.arange(size) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return rank < quotas[members] if end == "first" else rank >= (sizes - quotas)[members]


def _quotas(sizes: NDArray[np.intp], count: int) -> NDArray[np.intp]:
    """Distribute a count over classes in proportion: the method of the largest remainder (Hamilton, 1792).

    Ties go to the lower class. No quota exceeds the size of its class.
    """
    exact = sizes * count  # in units of 1 / total, so that rounding decides no tie
    total = sizes.sum()
    quotas = exact // total
    left_over = count - quotas.sum()
    quotas[np.argsort(-(exact % total), kind="stable")[:left_over]] += 1
    return np.asarray(quotas)
