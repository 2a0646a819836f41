"""Values of a configuration as JSON, from which they are read back with their types.

Plain JSON has only texts as keys: ``{0: 1.0}`` becomes ``{"0": 1.0}``, and keys of several types cannot be sorted.
"""

from __future__ import annotations

import json
from typing import Any

# The only key of an object that stands for a mapping with keys that are no texts: a list of keys with their values.
_PAIRS = "__pairs__"


def to_json(value: Any) -> Any:
    """Return a value in a form that JSON keeps: a mapping with keys that are no texts becomes a list of pairs.

    Args:
        value: Number, text, boolean, None, or a list, tuple or mapping of these.

    Example:
        >>> to_json({"filters": [8, 16]}), to_json({0: 0.5})
        ({'filters': [8, 16]}, {'__pairs__': [[0, 0.5]]})
    """
    if isinstance(value, dict):
        if all(isinstance(key, str) for key in value) and _PAIRS not in value:
            return {key: to_json(item) for key, item in value.items()}
        return {_PAIRS: [[key, to_json(item)] for key, item in value.items()]}
    return [to_json(item) for item in value] if isinstance(value, list | tuple) else value


def from_json(value: Any) -> Any:
    """Return the value that `to_json` made into JSON.

    Example:
        >>> from_json({"__pairs__": [[0, 0.5]]})
        {0: 0.5}
    """
    if isinstance(value, dict):
        if _PAIRS in value:
            return {key: from_json(item) for key, item in value[_PAIRS]}
        return {key: from_json(item) for key, item in value.items()}
    return [from_json(item) for item in value] if isinstance(value, list) else value


def exact_text(value: Any) -> str:
    """Return one text for a value; values that differ in type or content have different texts.

    Example:
        >>> exact_text({"a": 1}), exact_text("1"), exact_text(None)
        ('{"a": 1}', '"1"', 'null')
    """
    return json.dumps(_sorted_pairs(to_json(value)), sort_keys=True)


def _sorted_pairs(value: Any) -> Any:
    """Return JSON whose lists of pairs are in one order."""
    if isinstance(value, dict):
        if _PAIRS in value:
            return {_PAIRS: sorted(([key, _sorted_pairs(item)] for key, item in value[_PAIRS]), key=json.dumps)}
        return {key: _sorted_pairs(item) for key, item in value.items()}
    return [_sorted_pairs(item) for item in value] if isinstance(value, list) else value


def sorted_text(value: Any) -> str:
    """Return a value as JSON with sorted keys, each key as the text that JSON writes for it.

    Fingerprints in the files of a sweep are made of this form, so it must not change.

    Example:
        >>> sorted_text({"b": 1, 0: 2})
        '{"0": 2, "b": 1}'
    """
    return json.dumps(_with_text_keys(value), sort_keys=True, default=str)


def _with_text_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {key if isinstance(key, str) else json.dumps(key): _with_text_keys(item) for key, item in value.items()}
    return [_with_text_keys(item) for item in value] if isinstance(value, list | tuple) else value


def distinct_texts(values: tuple[Any, ...]) -> list[str]:
    """Return a text for each of some values, for a table: the plain value where this is clear, JSON otherwise.

    All of the values are written in the same form. It is JSON where two plain texts would be equal (``1`` and ``"1"``),
    or where a reader of a table would change or lose a text: an empty one, spaces at an end, control characters.

    Args:
        values: Different values.

    Example:
        >>> distinct_texts(("adam", None, True)), distinct_texts((1, "1"))
        (['adam', 'null', 'True'], ['1', '"1"'])
    """
    plain = [_plain_text(value) for value in values]
    clear = all(text and text == text.strip() and text.isprintable() for text in plain)
    return plain if clear and len(set(plain)) == len(plain) else [exact_text(value) for value in values]


def _plain_text(value: Any) -> str:
    if isinstance(value, str | bool):
        return str(value)
    return float.__repr__(value) if isinstance(value, float) else exact_text(value)
