"""The objective: a metric in the history of a training, and the direction in which it is better."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from mnistsweep.errors import suggest

DIRECTIONS = ("auto", "max", "min")

AUTO = "auto"
"""Value of `objective` that stands for the default of the model and its data (`default_of`)."""

DEFAULT_OBJECTIVE = "default_objective"
"""KerasTuner's name of a number that a `HyperModel.fit` returns where no objective was chosen; it is minimized."""

DEFAULTS = ("val_accuracy", "val_loss", DEFAULT_OBJECTIVE)
"""What `objective=auto` may stand for."""

# Names in the logs of Keras's metrics for which larger values are better. KerasTuner has the first three lines; it
# takes every other metric of Keras for an error.
_MAXIMIZED = (
    *("acc", "accuracy", "binary_accuracy", "categorical_accuracy", "sparse_categorical_accuracy", "auc", "precision"),
    *("recall", "top_k_categorical_accuracy", "sparse_top_k_categorical_accuracy", "true_positives", "true_negatives"),
    *("sensitivity_at_specificity", "specificity_at_sensitivity"),
    *("precision_at_recall", "recall_at_precision", "f1_score", "fbeta_score", "r2_score", "concordance_correlation"),
    *("pearson_correlation", "io_u", "binary_io_u", "mean_io_u", "one_hot_io_u", "one_hot_mean_io_u"),
)

# The same for smaller values. Keras's cosine similarity is in neither list: larger values of the metric are better, and
# smaller values of the loss.
_MINIMIZED = (
    *("loss", "bce", "ce", "crossentropy", "binary_crossentropy", "binary_focal_crossentropy"),
    *("categorical_crossentropy", "categorical_focal_crossentropy", "categorical_generalized_cross_entropy"),
    *("sparse_categorical_crossentropy", "mae", "mape", "mse", "msle", "mean_absolute_error", "mean_squared_error"),
    *("mean_absolute_percentage_error", "mean_squared_logarithmic_error", "root_mean_squared_error", "huber"),
    *("huber_loss", "log_cosh", "logcosh", "poisson", "kl_divergence", "hinge", "squared_hinge", "categorical_hinge"),
    *("ctc", "circle", "dice", "tversky", "false_positives", "false_negatives", DEFAULT_OBJECTIVE),
)

# What Keras adds to the name of a metric: the data set, that sample weights are used, and the number of the object
# where a process has created several.
_ADDED = re.compile(r"^(?:val_)?(?:weighted_)?(.*?)(?:_\d+)?$")


def direction_of(objective: str) -> str | None:
    """Better direction of a metric, ``max`` or ``min``; None unless it is a metric or a loss of Keras.

    Only whole names count: ``val_inaccuracy`` and ``val_brier_score`` contain the names of metrics that are maximized.

    Args:
        objective: Name in the logs of a training; ``val_``, ``weighted_`` and a number at its end are ignored.

    Example:
        >>> direction_of("val_auc_1"), direction_of("val_loss"), direction_of("val_brier_score")
        ('max', 'min', None)
    """
    match = _ADDED.match(objective.lower())
    name = match[1] if match else objective
    return "max" if name in _MAXIMIZED else "min" if name in _MINIMIZED else None


def resolve_direction(objective: str, direction: str) -> str:
    """Direction of an objective, ``max`` or ``min``, where ``direction`` may be ``auto``.

    Example:
        >>> resolve_direction("val_loss", "auto"), resolve_direction("val_loss", "max")
        ('min', 'max')
    """
    return direction if direction != "auto" else direction_of(objective) or "max"


def default_of(measured: Collection[str], has_class_targets: bool) -> str:
    """Objective that ``auto`` stands for where the history of the training counts.

    Args:
        measured: Names of the metrics that the model measures.
        has_class_targets: Whether the targets are classes, as numbers or as one-hot rows.

    Example:
        >>> default_of(["loss", "accuracy"], True), default_of(["loss", "mae"], False)
        ('val_accuracy', 'val_loss')
    """
    return "val_accuracy" if has_class_targets and "accuracy" in measured else "val_loss"


def check_chosen_direction(objective: str, direction: str) -> list[str]:
    """Check the direction of an objective that ``auto`` stands for; returns a message if it is the wrong one.

    Args:
        objective: What ``auto`` stands for.
        direction: ``auto``, ``max`` or ``min``.
    """
    natural = direction_of(objective)
    if direction in ("auto", natural) or objective == DEFAULT_OBJECTIVE:
        return []
    rule = f"objective=auto stands for {objective} here, for which {natural} is better"
    return [f"direction: {rule}; received {direction}; set objective=NAME too."]


def check_objective(objective: str, direction: str, metrics: Sequence[str] | None) -> list[str]:
    """Check an objective and its direction; returns a message for each fault.

    Where the metrics are unknown, `planning.rehearsal` checks the objective and then the direction: for a misspelt name
    the right one is to be given, not a direction.

    Args:
        objective: Name of the objective in the history, for example ``val_accuracy``; ``auto`` is not checked.
        direction: ``auto``, ``max`` or ``min``.
        metrics: Names of the metrics that the model measures beside its loss; None where a user's own function
            compiles the model, so that they are unknown.
    """
    faults = []
    if direction not in DIRECTIONS:
        faults.append(f"direction: must be auto, max or min; received {direction!r}; {suggest(direction, DIRECTIONS)}.")
    if objective == AUTO:
        return faults
    known = [f"{side}{metric.lower()}" for metric in ("loss", *(metrics or ())) for side in ("val_", "")]
    if metrics is not None and objective not in known:
        hint = f"{suggest(objective, known)}. (trainer.metrics sets the measured metrics.)"
        faults.append(f"objective: {objective!r} is not measured; {hint}")
    elif metrics is not None:
        faults += check_direction(objective, direction)
    return faults


def check_direction(objective: str, direction: str) -> list[str]:
    """Check that the better direction of an objective is known; returns a message if it is not.

    Args:
        objective: Name of an objective that the model measures.
        direction: ``auto``, ``max`` or ``min``.
    """
    if direction != "auto" or direction_of(objective) is not None:
        return []
    rule = f"{objective!r} is not the name of a metric or a loss of Keras, so the better direction is unknown"
    return [f"direction: {rule}; set direction=max or direction=min."]
