"""Inputs of the test set for display: which part of them is an image, a series, a text or a column of a table."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistsweep.data import HeldOut
from mnistsweep.data.structure import Structure, leaves_by_name
from mnistsweep.html_report.shown_inputs import EXAMPLES, ROWS, SERIES, TEXTS, ShownInputs, Words


def shown_inputs(held_out: HeldOut) -> ShownInputs:
    """Inputs of the test set for display.

    Args:
        held_out: Test set.

    Returns:
        Images from 0 to 1; series; columns of texts and numbers. Other arrays are not shown.
    """
    if held_out.are_images:
        return ShownInputs.of_images(_without_channel(held_out.shown))
    parts = leaves_by_name(held_out.stored)
    pictures = [_brightness(one) for one in parts.values() if _are_images(one)]
    series = [one for one in parts.values() if one.ndim == 3 and one.dtype.kind in "buif"]
    columns = table_inputs(held_out.stored, held_out.columns).columns
    words = _words(held_out.stored, bool(columns) and not pictures and not series)
    return ShownInputs(words, pictures[0] if pictures else None, series[0] if series else None, columns)


def table_inputs(inputs: Structure, names: tuple[str, ...] = ()) -> ShownInputs:
    """Texts and columns of tables among inputs, without images and series.

    Args:
        inputs: Inputs in any structure.
        names: Names of the columns of a table of numbers; empty where the source has none.
    """
    columns: dict[str, NDArray[Any]] = {}
    for name, array in leaves_by_name(inputs).items():
        columns |= _columns(array, name, names)
    return ShownInputs(columns=columns)


def _words(stored: Structure, is_table: bool) -> Words:
    parts = list(leaves_by_name(stored).values())
    if len(parts) == 1 and parts[0].dtype.kind == "O" and parts[0].size == len(parts[0]):
        return TEXTS
    if is_table and all(array.ndim <= 2 for array in parts):
        return ROWS
    is_series = len(parts) == 1 and parts[0].ndim == 3 and parts[0].dtype.kind in "buif"
    return SERIES if is_series else EXAMPLES


def _columns(array: NDArray[Any], name: str, names: tuple[str, ...]) -> dict[str, NDArray[Any]]:
    """Columns of an array of one or two axes by name; none for any other array."""
    if array.ndim > 2:
        return {}
    if array.size == len(array):
        return {name or (names[0] if len(names) == 1 else _single(array)): array.reshape(len(array))}
    width = array.shape[1]
    if name or len(names) != width:
        names = tuple(f"{name}.{column}" if name else f"input {column}" for column in range(width))
    return {one: array[:, column] for column, one in enumerate(names)}


def _single(array: NDArray[Any]) -> str:
    return "text" if array.dtype.kind == "O" else "input"


def _are_images(array: NDArray[Any]) -> bool:
    return array.ndim == 4 and array.shape[-1] in (1, 3) and array.dtype.kind in "buif"


def _brightness(images: NDArray[Any]) -> NDArray[Any]:
    """Images from 0 to 1: bytes by their range, other numbers by their extremes."""
    low, high = (0.0, 255.0) if images.dtype == np.uint8 else (float(images.min()), float(images.max()))
    return _without_channel(((images.astype(np.float32) - low) / max(high - low, 1e-12)).clip(0, 1))


def _without_channel(images: NDArray[Any]) -> NDArray[Any]:
    return images[..., 0] if images.shape[-1] == 1 else images
