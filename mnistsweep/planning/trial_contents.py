"""The content that the configuration file of a trial must have, by the plan and by the values in the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mnistsweep.config.trial_file import trial_file_content
from mnistsweep.json_values import exact_text
from mnistsweep.planning.plan import Plan
from mnistsweep.space import Point


def composed_content(plan: Plan, point: Point, seed: int) -> dict[str, Any]:
    """Compose the content of a trial's configuration file, without the number of threads.

    Args:
        plan: Plan of the sweep.
        point: Values of the trial's active dimensions.
        seed: Seed of the trial.
    """
    return trial_file_content(plan.composer.kept(point, seed), None)


def first_difference(written: Any, composed: Any, key: str = "") -> str | None:
    """Return the first key with different values in two configurations; None if there is none.

    Only keys of both are compared: versions differ in their keys. The number of threads may have been derived.

    Args:
        written: Content of a configuration file, or a part of it.
        composed: Composed content, or the same part of it.
        key: Dotted key of the part; empty for the whole content.

    Example:
        >>> first_difference({"trainer": {"epochs": 20, "threads": 2}}, {"trainer": {"epochs": 3, "threads": None}})
        'trainer.epochs'
    """
    if isinstance(written, Mapping) and isinstance(composed, Mapping):
        shared = [name for name in composed if name in written and (key, name) != ("trainer", "threads")]
        inner = (
            first_difference(written[name], composed[name], f"{key}.{name}".strip("."))
            for name in shared
            if name != "defaults"
        )
        return next((found for found in inner if found), None)
    if isinstance(written, list | tuple) and isinstance(composed, list | tuple):
        return None if is_same(list(written), list(composed)) else key
    return None if is_same(written, composed) and isinstance(written, bool) == isinstance(composed, bool) else key


def is_same(written: Any, composed: Any) -> bool:
    """Whether two values of a configuration are equal; NaN equals NaN.

    Example:
        >>> is_same({"a": [float("nan")]}, {"a": [float("nan")]}), is_same(1, 2)
        (True, False)
    """
    try:
        return bool(written == composed) or exact_text(written) == exact_text(composed)
    except TypeError:  # an edited file may hold a date
        return False
