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
    ("acc", "max"),
    ("auc", "max"),
    ("precision", "max"),
    ("recall", "max"),
    ("f1", "max"),
    ("score", "max"),
    ("iou", "max"),
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
    elif direction == "auto" and direction_of(objective) is None:
        faults.append(
            f"direction: the name {objective!r} does not tell whether more is better; set direction=max or direction=min."
        )
    if metrics is not None:
        known = [f"{side}{metric.lower()}" for metric in ("loss", *metrics) for side in ("val_", "")]
        if objective not in known:
            faults.append(
                f"objective: {objective!r} is not measured; {suggest(objective, known)}. (trainer.metrics says what is.)"
            )
    return faults
