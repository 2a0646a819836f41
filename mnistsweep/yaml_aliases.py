"""Aliases in YAML files: a short text whose anchors refer to each other stands for a value that fills the memory."""

from __future__ import annotations

import yaml

MAX_VALUES = 1_000_000
"""Maximum number of values for which a text with aliases may stand."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class TooManyValues(yaml.YAMLError):
    """A text stands for more than `MAX_VALUES` values."""


def check_aliases(text: str) -> None:
    """Check for how many values a YAML text stands, without making them.

    Args:
        text: Content of a YAML file. One without aliases is not parsed.

    Raises:
        TooManyValues: The text stands for more than `MAX_VALUES` values.
        yaml.YAMLError: The text has an anchor and an alias, and is not valid YAML.

    Example:
        >>> check_aliases("a: &x [1, 2]\\nb: [*x, *x]")
    """
    if "&" in text and "*" in text and _num_values(yaml.compose(text, Loader=_LOADER), {}) > MAX_VALUES:
        raise TooManyValues


def _num_values(node: yaml.Node | None, known: dict[int, int]) -> int:
    if node is None or not isinstance(node.value, list):
        return 1
    if id(node) not in known:
        known[id(node)] = MAX_VALUES  # an alias inside of its own anchor has no end
        items = node.value if isinstance(node, yaml.SequenceNode) else [part for pair in node.value for part in pair]
        known[id(node)] = 1 + sum(_num_values(item, known) for item in items)
    return known[id(node)]
