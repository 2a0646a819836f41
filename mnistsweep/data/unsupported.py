"""Data of types that cannot be used: what they are, and what to return instead.

The types are recognized by their names, so that no library is imported for this.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

_ARRAYS = "x = numpy.stack([numpy.asarray(x) for x, y in data]), and y in the same way"

# Base classes by module and name: what to return instead.
_BASES = {
    ("torch.utils.data", "DataLoader"): "return the loader itself in place of (x, y)",
    ("torch.utils.data", "Dataset"): f"return a torch.utils.data.DataLoader of it, or arrays: {_ARRAYS}",
    ("datasets", "Dataset"): "return its columns as arrays: numpy.array(data['image']), numpy.array(data['label'])",
    ("datasets", "DatasetDict"): "return arrays of its splits: numpy.array(data['train']['image']) and so on",
    ("tensorflow", "RaggedTensor"): "return tf.data.Dataset.from_tensor_slices((x, y)).batch(32), or x.to_tensor()",
    ("scipy.sparse", ""): "return x.toarray()",
    ("polars", "DataFrame"): "return x.to_pandas() or x.to_numpy()",
    ("polars", "Series"): "return x.to_numpy()",
    ("pyarrow", "Table"): "return x.to_pandas()",
    ("PIL", "Image"): "return numpy.asarray(image)",
}


def advice(value: Any) -> str | None:
    """What a loader returns instead of a value of a type that cannot be used; None for any other value.

    Args:
        value: What a loader returned, or a part of it.

    Example:
        >>> advice(x for x in [1, 2])
        'return its examples as one array: numpy.stack(list(x)), or a keras.utils.PyDataset that yields batches'
        >>> advice([1, 2]) is None
        True
    """
    for (package, name), remedy in _BASES.items():
        if any(_is_base(base, package, name) for base in type(value).__mro__):
            return remedy
    if isinstance(value, str | bytes | PurePath):
        return "read the file in the loader, for example with numpy.load, pandas.read_csv or keras.utils"
    if isinstance(value, Iterator):
        return "return its examples as one array: numpy.stack(list(x)), or a keras.utils.PyDataset that yields batches"
    if isinstance(value, type) or callable(value):
        return "call it, and return its result"
    if isinstance(value, set | frozenset):
        return "return a list: a set has no order"
    return None


def form_advice(returned: Any) -> str:
    """How to correct a loader that returned something else than two or three parts.

    Args:
        returned: What the loader returned.
    """
    parts = returned if isinstance(returned, tuple | list) else ()
    remedies = [
        "the function has no return statement" if returned is None else None,
        advice(returned),
        "return tuples of its values: (data['x_train'], data['y_train']), (data['x_test'], data['y_test'])"
        if isinstance(returned, Mapping)
        else None,
        "return (table[INPUTS], table[TARGET]) of the training rows and of the test rows"
        if hasattr(returned, "columns")
        else None,
        *map(advice, parts),
        "split off a test set, for example with sklearn.model_selection.train_test_split" if len(parts) == 2 else None,
        "group the four: ((x_train, y_train), (x_test, y_test))" if len(parts) == 4 else None,
        "return inputs with their targets, and a test set",
    ]
    return next(remedy for remedy in remedies if remedy is not None)


def item_advice(item: Any) -> str:
    """How to correct an array that holds other objects than numbers and texts.

    Args:
        item: First such object.
    """
    kind = type(item).__name__
    if item is None or kind in ("NAType", "NaTType") or (kind == "float" and math.isnan(item)):
        return "a value is missing: fill it (fillna) or leave the row out (dropna)"
    if kind in ("date", "datetime", "Timestamp", "datetime64", "time", "timedelta", "Timedelta"):
        return "convert dates to numbers, for example (dates - dates.min()).dt.days"
    if isinstance(item, list | tuple) or getattr(item, "shape", None):
        return "make one array of it: numpy.stack, or keras.utils.pad_sequences for different lengths"
    return advice(item) or "convert it to numbers or texts, for example with astype"


def dtype_advice(dtype: Any) -> str:
    """How to correct an array of a type that is neither a number nor a text.

    Args:
        dtype: Type of the array, of NumPy.
    """
    return {
        "M": "convert dates to numbers, for example (dates - dates.min()).dt.days",
        "m": "convert durations to numbers, for example durations / numpy.timedelta64(1, 's')",
        "c": "split it into real and imaginary parts",
    }.get(dtype.kind, "return one array for each field: {name: x[name]}")


def _is_base(base: type, package: str, name: str) -> bool:
    module = base.__module__
    is_inside = module == package or module.startswith(f"{package}.")
    return is_inside and name in ("", base.__name__)
