"""Tables of a sweep's folder as pandas tables with exact values."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnistsweep.study.results_table import CellForm

if TYPE_CHECKING:
    import pandas as pd


def read_table(file: Path, forms: Mapping[str, CellForm], types: Mapping[str, Any]) -> pd.DataFrame:
    """Read a table with columns of dimensions.

    Args:
        file: Path of the CSV file.
        forms: Form of the cells by the name of the column.
        types: Types of other columns.
    """
    import pandas as pd

    kinds = {**types, **dict.fromkeys(forms, str)}
    table = read_csv(file, dtype=kinds, keep_default_na=False, na_values=[""])
    for key in forms.keys() & set(table.columns):
        table[key] = _column([None if pd.isna(cell) else (forms[key].read(cell),) for cell in table[key]])
    return table


def read_csv(file: Path, **options: Any) -> pd.DataFrame:
    """Read a table so that floats get the exact value that was written; since version 3.1 pandas does so by default.

    Args:
        file: Path of the CSV file.
        options: Options of `pandas.read_csv`.
    """
    import pandas as pd

    if tuple(map(int, pd.__version__.split(".")[:2])) < (3, 1):
        options["float_precision"] = "round_trip"
    table: pd.DataFrame = pd.read_csv(file, **options)
    return table


def _column(cells: Sequence[tuple[Any] | None]) -> pd.Series[Any]:
    """Values as a column of the narrowest type that keeps each of them; None is a missing value."""
    import pandas as pd

    values = [cell[0] for cell in cells if cell is not None]
    kinds = {type(value) for value in values}
    if kinds == {int} and all(-(2**63) <= value < 2**63 for value in values):
        return pd.Series([None if cell is None else cell[0] for cell in cells], dtype="Int64" if None in cells else int)
    if kinds and kinds <= {int, float} and float in kinds and all(_is_float(value) for value in values):
        return pd.Series([math.nan if cell is None else float(cell[0]) for cell in cells], dtype=float)
    if kinds == {bool} and None not in cells:
        return pd.Series(values, dtype=bool)
    return pd.Series([math.nan if cell is None else cell[0] for cell in cells], dtype=object)


def _is_float(number: float) -> bool:
    """Whether a number is the same as a floating-point number."""
    try:
        return float(number) == number
    except OverflowError:
        return False
