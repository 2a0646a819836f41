"""Dimensions as overrides of a command line, which `overrides.parse_override` reads back."""

from __future__ import annotations

from typing import Any

from mnistsweep.config.job_overrides import briefly_written
from mnistsweep.config.overrides import written
from mnistsweep.dimensions import Choice, Dimension, Int, Zip

MIN_RANGE = 5
"""Number of whole numbers with equal steps from which they are written as a range."""


def override_texts(dimension: Dimension, may_fix: bool = True) -> tuple[str, ...]:
    """Return the overrides that set the range of a dimension: one for each key.

    Args:
        dimension: Dimension of a search space; its conditions are not part of a range.
        may_fix: Whether a single value is written as a fixed value. Otherwise it is a choice of one value, as a key
            needs that a zip or a condition names.

    Example:
        >>> from mnistsweep.dimensions import Float
        >>> override_texts(Float("optimizer.learning_rate", 1e-4, 1e-2, log=True))
        ('optimizer.learning_rate=tag(log,interval(0.0001,0.01))',)
        >>> override_texts(Zip(("a", "b"), ((1, "x y"), (2, "z"))))
        ('a=1,2', "b='x y',z")
    """
    if isinstance(dimension, Zip):
        columns = zip(dimension.keys, zip(*dimension.values, strict=True), strict=True)
        return tuple(f"{key}={_listed(values, may_fix=False)}" for key, values in columns)
    if isinstance(dimension, Choice):
        return (f"{dimension.key}={_listed(dimension.values, may_fix)}",)
    if may_fix and dimension.low == dimension.high:
        return (f"{dimension.key}={written(dimension.low)}",)
    interval = f"interval({written(dimension.low)},{written(dimension.high)})"
    interval = f"tag(log,{interval})" if dimension.log else interval
    return (f"{dimension.key}=int({interval})" if isinstance(dimension, Int) else f"{dimension.key}={interval}",)


def is_writable(dimension: Dimension) -> bool:
    """Whether a single value of a dimension can be written as a choice: Hydra's grammar forbids ``choice(null)``."""
    return dimension.size != 1 or not (isinstance(dimension, Choice | Zip) and _contains_none(dimension))


def _listed(values: tuple[Any, ...], may_fix: bool) -> str:
    if len(values) >= MIN_RANGE and all(type(value) is int for value in values):
        step = values[1] - values[0]
        if step > 0 and values == tuple(range(values[0], values[-1] + 1, step)):
            return f"range({values[0]},{values[-1] + step},{step})"
    texts = [briefly_written(value) for value in values]
    return ",".join(texts) if len(texts) > 1 or may_fix else f"choice({texts[0]})"


def _contains_none(dimension: Choice | Zip) -> bool:
    rows = dimension.values if isinstance(dimension, Zip) else [dimension.values]
    return any(value is None for row in rows for value in row)
