"""Names of secrets: which keys of a configuration, and which environment variables, hold one.

These names are a secret's: `password`, `passwd`, `token`, `key`, `secret`, `credentials`, and compounds such as
`api_key`, `authToken` and `client_secret`; and every key below such a key. The value is then a secret if it is a text.
A number is a secret only under a password's name.

These names are not: a word that only contains one (`tokenizer`, `keyword`, `monkey`), `keys`, a name that ends with a
property (`key_dim`, `token_type`, `password_file`), tokens of a vocabulary (`oov_token`, `mask_token`), and keys of a
data set's columns (`label_key`, `image_key`).

A name may also stand in a value, beside the secret: in a pair (``[X-Api-Key, abc]``), or in a mapping with the keys
`name` and `value`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_SECRET_WORD = re.compile(
    r".*(password|passwd|passphrase|credential).*|.*secrets?|pwd|authorization"
    r"|(access|api|auth|bearer|hf|refresh|session)?tokens?|(access|api|auth|private|secret|ssh)?key"
)
_COLUMN = re.compile(r"(secret|token|key)s?")
_COLUMN_NAME = re.compile(r"[a-z_]+")
_NAME = re.compile(r"[\w.-]+")
_PASSWORD_WORD = re.compile(r".*(password|passwd|passphrase).*|pwd")

# Last words of names that describe something else than the secret itself.
_PROPERTIES = frozenset({
    "col", "column", "count", "dim", "dir", "directory", "file", "folder", "id", "ids", "index", "len", "length",
    "mode", "name", "names", "num", "path", "shape", "size", "type",
})  # fmt: skip

# Words in front of "token" and "key" that belong to vocabularies and to columns.
_OF_VOCABULARY = frozenset({
    "begin", "bos", "class", "cls", "drop", "end", "eos", "ignore", "mask", "max", "min", "num", "oov", "pad",
    "padding", "sep", "separator", "special", "start", "stop", "subword", "unk", "unknown", "vocabulary", "word",
})  # fmt: skip
_OF_COLUMN = frozenset({
    "array", "column", "data", "dataset", "feature", "features", "foreign", "group", "hdf", "image", "images", "index",
    "input", "inputs", "label", "labels", "output", "outputs", "primary", "sort", "target", "targets", "test", "train",
    "x", "y",
})  # fmt: skip

_OF_ACCESS = frozenset({"access", "api", "auth", "encryption", "private", "secret", "ssh"})

# Keys of a mapping that names a value, ``{name: X-Api-Key, value: abc}``.
_NAME_KEYS = ("name", "key", "header")
_VALUE_KEY = "value"

# Keys with values that are secrets as a whole: the path of a web hook is what gives access to it.
_WHOLE = ("notify.url", "notify_url")

# Keys below these are names of dimensions and of hyperparameters.
_NAMES_ONLY = ("model.hp.", "conditions.", "enqueue.")


@cache
def is_secret_key(key: str) -> bool:
    """Whether the value of a key is a secret if it is a text.

    Args:
        key: Dotted key; the positions of list items may be among its parts.

    Example:
        >>> [key for key in ("data.api_key", "data.tokenizer", "model.key_dim", "storage") if is_secret_key(key)]
        ['data.api_key']
    """
    if key.startswith(_NAMES_ONLY):
        return False
    if key.removeprefix("hydra.sweeper.") in _WHOLE:
        return True
    return any(_is_secret_name(part) for part in re.split(r"[./]", key) if part)


def is_password_key(key: str) -> bool:
    """Whether the value of a key is a secret even if it is a number.

    Args:
        key: Dotted key.
    """
    return is_secret_key(key) and any(_PASSWORD_WORD.fullmatch(word.lower()) for word in _WORD.findall(key))


def is_secret(key: str, value: Any) -> bool:
    """Whether a single value is a secret as a whole, because of its key.

    Args:
        key: Dotted key of the value.
        value: Text, number, boolean or None.
    """
    if isinstance(value, str):
        return bool(value) and is_secret_key(key)
    return isinstance(value, int | float) and not isinstance(value, bool) and is_password_key(key)


def items_of(key: str, value: Any) -> Iterator[tuple[Any, str, Any]]:
    """Yield the items of a mapping or a list: position, dotted key, value; nothing for a single value.

    The dotted key of an item decides whether it is a secret. A name that stands beside the item is a part of it.

    Args:
        key: Dotted key of the mapping or the list; empty for a whole configuration.
        value: Mapping, list, or single value.

    Example:
        >>> [inner for _, inner, _ in items_of("data.headers.0", ["X-Api-Key", "abc"])]
        ['data.headers.0.0', 'data.headers.0.X-Api-Key']
    """
    if isinstance(value, Mapping):
        named = next((value[name] for name in _NAME_KEYS if isinstance(value.get(name), str)), "")
        for name, item in value.items():
            part = f"{name}.{named}" if name == _VALUE_KEY and _is_name_of_secret(named) else name
            yield name, f"{key}.{part}".lstrip("."), item
    elif isinstance(value, list | tuple):
        part = value[0] if is_secret_pair(value, key.rpartition(".")[2].isdecimal()) else 1
        for index, item in enumerate(value):
            yield index, f"{key}.{part if index == 1 else index}", item


def is_secret_pair(value: Any, is_listed: bool) -> bool:
    """Whether a value is the name of a secret and the secret: ``[X-Api-Key, abc]``.

    Two names of columns are no pair: the first one is a single word such as ``key``, or both look like names of keys.
    Where pairs are listed, ``[[key, abc]]``, each of them counts.

    Args:
        value: Any value.
        is_listed: Whether the value is an item of a list.
    """
    if not isinstance(value, list | tuple) or len(value) != 2 or not isinstance(name := value[0], str):
        return False
    if not _is_name_of_secret(name) or is_listed:
        return _is_name_of_secret(name)
    second = str(value[1])
    return not (_COLUMN.fullmatch(name.lower()) or (_COLUMN_NAME.fullmatch(second) and is_secret_key(second)))


def _is_name_of_secret(text: str) -> bool:
    return bool(_NAME.fullmatch(text)) and is_secret_key(text)


def _is_secret_name(name: str) -> bool:
    words = [word.lower() for word in _WORD.findall(name)]
    if not words or words[-1] in _PROPERTIES:
        return False
    for position, word in enumerate(words):
        before = set(words[:position])
        if not _SECRET_WORD.fullmatch(word):
            continue
        if word.endswith(("token", "tokens")) and before & _OF_VOCABULARY:
            continue
        is_access = bool(before) and words[position - 1] in _OF_ACCESS  # `X-Api-Key` is no column
        if word.endswith("key") and ((before & _OF_COLUMN and not is_access) or position < len(words) - 1):
            continue
        return True
    return False
