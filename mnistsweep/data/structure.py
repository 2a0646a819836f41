"""Structures of arrays: one array, or dictionaries, lists and tuples of arrays, nested to any depth.

A model with several inputs or outputs takes such a structure, as `keras.Model.fit` does. The first axis of every array
is the example.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import optree
from numpy.typing import NDArray

from mnistsweep.text import type_name

Structure: TypeAlias = Any
"""An array, or a dictionary, list or tuple of structures."""

# Maximum number of arrays that a description lists.
MAX_DESCRIBED = 8


def leaves(structure: Structure) -> list[NDArray[Any]]:
    """Arrays of a structure; those of a dictionary are sorted by key.

    Example:
        >>> [leaf.shape for leaf in leaves({"b": np.zeros((4, 2)), "a": np.zeros(4)})]
        [(4,), (4, 2)]
    """
    return list(optree.tree_leaves(structure))


def named_leaves(structure: Structure) -> list[tuple[str, NDArray[Any]]]:
    """Arrays of a structure with their keys, in the order of `leaves`; the key of a single array is empty.

    Example:
        >>> [name for name, _ in named_leaves({"b": [np.zeros(4), np.zeros(4)], "a": np.zeros(4)})]
        ["'a'", "'b' 0", "'b' 1"]
    """
    names = (" ".join(map(repr, path)) for path in optree.tree_paths(structure))
    return list(zip(names, leaves(structure), strict=True))


def map_leaves(function: Callable[..., Any], structure: Structure, *others: Structure) -> Structure:
    """Structure of the results of a function that is called with each array.

    Args:
        function: Function of one array of each structure.
        structure: Structure of arrays.
        others: More structures of the same form.
    """
    return optree.tree_map(function, structure, *others)


def num_examples(structure: Structure) -> int:
    """Number of examples: the length of the first array."""
    return len(leaves(structure)[0])


def num_bytes(structure: Structure) -> int:
    """Memory of all arrays, in bytes."""
    return sum(leaf.nbytes for leaf in leaves(structure))


def take(structure: Structure, index: Any) -> Structure:
    """The structure with some examples.

    Args:
        structure: Structure of arrays.
        index: Positions or a slice of the first axis.

    Example:
        >>> take({"a": np.arange(4), "b": np.arange(8).reshape(4, 2)}, [3])
        {'a': array([3]), 'b': array([[6, 7]])}
    """
    return map_leaves(lambda leaf: leaf[index], structure)


def concatenate(first: Structure, second: Structure) -> Structure:
    """The examples of two structures of the same form, one after the other."""
    return map_leaves(lambda a, b: np.concatenate([a, b]), first, second)


def concatenate_all(parts: Sequence[Structure]) -> Structure:
    """The examples of structures of the same form, one after the other.

    Args:
        parts: At least one structure.

    Example:
        >>> concatenate_all([{"a": np.zeros(2)}, {"a": np.ones(1)}])
        {'a': array([0., 0., 1.])}
    """
    return map_leaves(lambda *arrays: np.concatenate(arrays), parts[0], *parts[1:])


def read_only(structure: Structure) -> Structure:
    """The same structure; its arrays, and the arrays that they are views of, cannot be changed any more.

    A copy of such an array on the device stays valid from one training to the next.
    """
    for array in leaves(structure):
        base: Any = array
        while isinstance(base, np.ndarray):
            base.setflags(write=False)
            base = base.base
    return structure


def example_shapes(structure: Structure) -> Any:
    """Shape of one example: a tuple for an array, else a structure of tuples.

    Example:
        >>> example_shapes({"image": np.zeros((5, 28, 28)), "age": np.zeros(5)})
        {'image': (28, 28), 'age': ()}
    """
    if isinstance(structure, Mapping):
        return {key: example_shapes(value) for key, value in structure.items()}
    if isinstance(structure, list | tuple):
        return [example_shapes(value) for value in structure]
    return tuple(structure.shape[1:])


def leaves_by_name(structure: Structure) -> dict[str, Any]:
    """Leaves of a structure by name: the keys and positions on the way to each, joined by dots; one array has no name.

    Example:
        >>> leaves_by_name({"b": np.zeros(2), "a": [np.ones(1)]})
        {'a.0': array([1.]), 'b': array([0., 0.])}
        >>> list(leaves_by_name(np.zeros(2)))
        ['']
    """
    paths, values, _ = optree.tree_flatten_with_path(structure)
    return {".".join(map(str, path)): value for path, value in zip(paths, values, strict=True)}


def describe(structure: Any) -> str:
    """Types, shapes and keys of a value of any kind, for messages; never its content.

    Example:
        >>> describe({"a": np.zeros((4, 2), np.float32), "b": [1, 2]})
        "dict of 'a': float32 (4, 2), 'b': list of 2 int"
    """
    if isinstance(structure, Mapping):
        shown = [f"{key!r}: {describe(value)}" for key, value in list(structure.items())[:MAX_DESCRIBED]]
        more = len(structure) - len(shown)
        return f"dict of {', '.join(shown)}{f' and {more} more' if more > 0 else ''}" if shown else "an empty dict"
    if isinstance(structure, list | tuple):
        return _describe_sequence(structure)
    shape, dtype = getattr(structure, "shape", None), getattr(structure, "dtype", None)
    if shape is None or dtype is None:
        return "None" if structure is None else type_name(structure) + _columns(structure)
    array = f"{getattr(dtype, 'name', dtype)} {tuple(shape)}"
    return array if isinstance(structure, np.ndarray | np.generic) else f"{type_name(structure)} of {array}"


def _columns(value: Any) -> str:
    """Number of rows and columns of a table of pandas, with the types of the columns; empty for any other value."""
    types = getattr(value, "dtypes", None)
    if getattr(value, "columns", None) is None or types is None or not hasattr(types, "items"):
        return ""
    columns = [f"{name!r}: {dtype}" for name, dtype in list(types.items())[:MAX_DESCRIBED]]
    more = len(value.columns) - len(columns)
    return f" of {len(value)} rows, {', '.join(columns)}{f' and {more} more' if more > 0 else ''}"


def _describe_sequence(sequence: list[Any] | tuple[Any, ...]) -> str:
    kind = type(sequence).__name__
    parts = [describe(value) for value in sequence[: MAX_DESCRIBED + 1]]
    if len(set(parts)) == 1 and len(sequence) > 1:
        return f"{kind} of {len(sequence)} {parts[0]}"
    more = len(sequence) - MAX_DESCRIBED
    listed = ", ".join(parts[:MAX_DESCRIBED])
    return f"{kind} of ({listed}{f' and {more} more' if more > 0 else ''})" if parts else f"an empty {kind}"
