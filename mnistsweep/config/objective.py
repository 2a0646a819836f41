"""The objective: a metric of the history, and which direction of it is better."""

from __future__ import annotations

from collections.abc import Sequence

from mnistsweep.errors import suggest

DIRECTIONS = ("auto", "max", "min")

# What a metric's name tells; the first that is part of the name decides.
_HINTS = (
    ("loss", "min"),
    ("error", "min"),
    ("crossentropy", "min"),
    ("poisson", "min"),
    ("divergence", "min"),
    ("hinge", "min"),
    ("mse", "min"),
    ("mae", "min"),
    ("mape", "min"),
    ("msle", "min"),
    ("acc", "max"),
    ("auc", "max"),
    ("precision", "max"),
    ("recall", "max"),
    ("f1", "max"),
    ("score", "max"),
    ("iou", "max"),
    ("io_u", "max"),
)


def direction_of(objective: str) -> str | None:
    """``max`` or ``min`` as the metric's name tells; None where it does not.

    Example:
        >>> direction_of("val_accuracy"), direction_of("val_loss"), direction_of("val_cosine")
        ('max', 'min', None)
    """
    return next((direction for hint, direction in _HINTS if hint in objective.lower()), None)


def check(objective: str, direction: str, metrics: Sequence[str] | None) -> list[str]:
    """What is wrong with an objective.

    Args:
        objective: For example ``val_accuracy``.
        direction: ``auto``, ``max`` or ``min``.
        metrics: What the model measures beside its loss; None where only a user's own code knows.
    """
    faults = []
    if direction not in DIRECTIONS:
        faults.append(f"direction: {direction!r} is none; {suggest(direction, DIRECTIONS)}.")
    known = [f"{side}{metric.lower()}" for metric in ("loss", *(metrics or ())) for side in ("val_", "")]
    if metrics is not None and objective not in known:
        hint = f"{suggest(objective, known)}. (trainer.metrics says what is.)"
        faults.append(f"objective: {objective!r} is not measured; {hint}")
    elif direction == "auto" and direction_of(objective) is None:
        rule = f"the name {objective!r} does not tell whether more is better"
        faults.append(f"direction: {rule}; set direction=max or direction=min.")
    return faults
