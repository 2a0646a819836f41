"""The objective: a metric in the history of a training, and the direction in which it is better."""

from __future__ import annotations

from collections.abc import Sequence

from mnistsweep.errors import suggest

DIRECTIONS = ("auto", "max", "min")

# Parts of metric names with the better direction; the first part that a name contains decides.
_NAME_PARTS = (
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
    """Better direction of a metric, ``max`` or ``min``, derived from its name; None where the name is unknown.

    Example:
        >>> direction_of("val_accuracy"), direction_of("val_loss"), direction_of("val_cosine")
        ('max', 'min', None)
    """
    return next((direction for part, direction in _NAME_PARTS if part in objective.lower()), None)


def resolve_direction(objective: str, direction: str) -> str:
    """Direction of an objective, ``max`` or ``min``, where ``direction`` may be ``auto``.

    Example:
        >>> resolve_direction("val_loss", "auto"), resolve_direction("val_loss", "max")
        ('min', 'max')
    """
    return direction if direction != "auto" else direction_of(objective) or "max"


def check_objective(objective: str, direction: str, metrics: Sequence[str] | None) -> list[str]:
    """Check an objective and its direction; returns a message for each fault.

    Args:
        objective: Name of the objective in the history, for example ``val_accuracy``.
        direction: ``auto``, ``max`` or ``min``.
        metrics: Names of the metrics that the model measures beside its loss; None where a user's own function
            compiles the model, so that they are unknown.
    """
    faults = []
    if direction not in DIRECTIONS:
        faults.append(f"direction: must be auto, max or min; received {direction!r}; {suggest(direction, DIRECTIONS)}.")
    known = [f"{side}{metric.lower()}" for metric in ("loss", *(metrics or ())) for side in ("val_", "")]
    if metrics is not None and objective not in known:
        hint = f"{suggest(objective, known)}. (trainer.metrics sets the measured metrics.)"
        faults.append(f"objective: {objective!r} is not measured; {hint}")
    elif direction == "auto" and direction_of(objective) is None:
        rule = f"cannot be derived from the name of the objective {objective!r}"
        faults.append(f"direction: {rule}; set direction=max or direction=min.")
    return faults
