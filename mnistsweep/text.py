"""Values as text for people: durations, percentages, metrics, hyperparameters and labels.

The live table, the command line and the HTML report use the same functions, so that a value looks the same everywhere.
Values in files (``results.csv``) are written in full precision by the code that writes the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mnistsweep.json_values import sorted_text
from mnistsweep.space import Point

ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"

# Default length of the label of a value, in characters.
MAX_LABEL_LENGTH = 10


def format_duration(seconds: float, decimals: int = 1) -> str:
    """Return a duration in its two largest units.

    Args:
        seconds: Duration in seconds.
        decimals: Number of decimals of a duration below one minute.

    Example:
        >>> format_duration(59.94), format_duration(7.4, decimals=0), format_duration(3725)
        ('59.9 s', '7 s', '1 h 2 min')
    """
    if seconds < 60:
        return f"{seconds:.{decimals}f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def percent(share: float, decimals: int = 2) -> str:
    """Return a share as a percentage.

    Args:
        share: Number from 0 to 1.
        decimals: Number of decimals of the percentage.

    Example:
        >>> percent(0.99213)
        '99.21 %'
    """
    return f"{100 * share:.{decimals}f} %"


def percent_range(low: float, high: float) -> str:
    """Return two shares as a range of percentages.

    Args:
        low: Lower end, from 0 to 1.
        high: Upper end, from 0 to 1.

    Example:
        >>> percent_range(0.9902, 0.9937)
        '99.02 to 99.37 %'
    """
    return f"{100 * low:.2f} to {100 * high:.2f} %"


def is_share(metric: str) -> bool:
    """Return whether a metric is a share from 0 to 1, which is shown as a percentage.

    Args:
        metric: Name of the metric, such as ``val_accuracy``.
    """
    return metric.removeprefix("val_").endswith(("accuracy", "auc", "precision", "recall"))


def format_metric(metric: str, value: float) -> str:
    """Return the value of a metric: a share as a percentage, any other metric with four significant digits.

    Args:
        metric: Name of the metric.
        value: Value of the metric.

    Example:
        >>> format_metric("val_accuracy", 0.99214), format_metric("val_loss", 0.034567)
        ('99.21 %', '0.03457')
    """
    return percent(value) if is_share(metric) else f"{value:.4g}"


def format_quantity(value: float) -> str:
    """Return a number for a table: a whole one with all digits, any other one with six significant digits.

    Example:
        >>> format_quantity(1234567.0), format_quantity(0.123456789)
        ('1234567', '0.123457')
    """
    return f"{value:.0f}" if value == round(value) and abs(value) < 1e15 else f"{value:.6g}"


def format_metric_change(metric: str, difference: float) -> str:
    """Return the difference of two values of a metric with its sign; of shares in percentage points.

    Args:
        metric: Name of the metric.
        difference: Second value minus the first one.

    Example:
        >>> format_metric_change("accuracy", 0.0005)
        '+0.05 points'
    """
    return f"{100 * difference:+.2f} points" if is_share(metric) else f"{difference:+.4g}"


def format_count(count: int, noun: str) -> str:
    """Return a count with its noun in the singular or the plural.

    Args:
        count: Number of things.
        noun: Noun in the singular; its plural ends in "s".

    Example:
        >>> format_count(1, "trial"), format_count(1200, "trial")
        ('1 trial', '1,200 trials')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def listed(names: Sequence[str], maximum: int) -> str:
    """Return names, separated by commas; of more than the maximum the first ones and the number of the others.

    Args:
        names: Any number of names.
        maximum: Maximum number of names that are listed.

    Example:
        >>> listed(["cat", "dog"], 2), listed(["cat", "dog", "owl", "yak"], 2)
        ('cat, dog', 'cat, dog and 2 more')
    """
    more = len(names) - maximum
    return ", ".join(names[:maximum]) + (f" and {more} more" if more > 0 else "")


def type_name(value: Any) -> str:
    """Name of the type of a value, with its top-level package unless it is a built-in type.

    Example:
        >>> import pathlib
        >>> type_name(3), type_name(pathlib.PurePosixPath("a"))
        ('int', 'pathlib.PurePosixPath')
    """
    kind = type(value)
    package = kind.__module__.partition(".")[0]
    return kind.__qualname__ if package in ("builtins", "__main__") else f"{package}.{kind.__qualname__}"


def format_point(point: Point) -> str:
    """Return the values of a point in one line, in the syntax of the command line, with three significant digits.

    Args:
        point: Values of the active dimensions by their keys.

    Example:
        >>> format_point({"optimizer": "sgd", "model.dropout": 0.123456})
        'optimizer=sgd model.dropout=0.123'
    """
    texts = {key: f"{value:.3g}" if isinstance(value, float) else str(value) for key, value in point.items()}
    return " ".join(f"{key}={text}" for key, text in texts.items())


def value_label(value: Any, max_length: int = MAX_LABEL_LENGTH) -> str:
    """Return a short label of a hyperparameter's value, for a tick or a table cell.

    Args:
        value: Value of a dimension: a number, a string, a boolean, None, or a list of these.
        max_length: Maximum number of characters; a longer label loses its middle.

    Example:
        >>> value_label(1e-5), value_label([3, 3]), value_label(None), value_label("categorical_crossentropy")
        ('1e-5', '3-3', 'null', 'cate…tropy')
    """
    if isinstance(value, list | tuple):
        text = "-".join(value_label(one, max_length) for one in value) or "[]"
    elif isinstance(value, float):
        text = f"{value:.4g}".replace("e-0", "e-").replace("e+0", "e")
    else:
        text = value if isinstance(value, str) else sorted_text(value)
    return shorten(text, max_length)


def shorten(text: str, max_length: int, keep_end: bool = True) -> str:
    """Return a text without its middle, or without its end, where it is too long.

    Args:
        text: One line.
        max_length: Maximum number of characters of the result, at least 2.
        keep_end: Whether the last characters are kept: names in a list often differ at their ends.

    Example:
        >>> shorten("species number 104", 14), shorten("species number 104", 14, keep_end=False)
        ('specie…ber 104', 'species numbe…')
    """
    if len(text) <= max_length:
        return text
    if not keep_end:
        return text[: max_length - 1] + ELLIPSIS
    head = (max_length - 1) // 2
    return text[:head] + ELLIPSIS + text[len(text) - (max_length - 1 - head) :]
