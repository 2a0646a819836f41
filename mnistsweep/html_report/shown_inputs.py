"""Inputs of the test set as people read them: images, texts, rows of a table, series; and the words for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistsweep.text import shorten

# Maximum number of columns of a row in a table, and of characters of a text.
MAX_COLUMNS = 12
MAX_TEXT_LENGTH = 160


@dataclass(frozen=True)
class Words:
    """Word for one example and for several, in headings, captions and messages.

    Attributes:
        one: Singular.
        many: Plural.
    """

    one: str
    many: str

    def count(self, number: int) -> str:
        """Return a number with the word: ``1 row``, ``1,200 rows``."""
        return f"{number:,} {self.one if number == 1 else self.many}"


IMAGES = Words("image", "images")
TEXTS = Words("text", "texts")
ROWS = Words("row", "rows")
SERIES = Words("series", "series")
EXAMPLES = Words("example", "examples")


@dataclass(frozen=True, eq=False)
class ShownInputs:
    """Inputs of the test set for display. What the inputs do not have is empty.

    Attributes:
        words: Words for the examples.
        images: Images from 0 to 1, ``(n, height, width)`` or ``(n, height, width, 3)``; None where there are none.
        series: Series, ``(n, steps, channels)``; None where there are none.
        columns: Columns of a table by name, each ``(n,)``, numbers or texts.
    """

    words: Words = EXAMPLES
    images: NDArray[Any] | None = None
    series: NDArray[Any] | None = None
    columns: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    @classmethod
    def of_images(cls, images: NDArray[Any] | None) -> ShownInputs:
        """Return inputs that are images; of None, inputs that cannot be shown."""
        return cls() if images is None else cls(IMAGES, images)

    @property
    def is_table(self) -> bool:
        """Whether the examples are shown as rows of a table only."""
        return self.images is None and self.series is None and bool(self.columns)

    @property
    def numeric_columns(self) -> Mapping[str, NDArray[Any]]:
        """Columns that hold numbers."""
        return {name: values for name, values in self.columns.items() if values.dtype.kind in "buif"}

    @property
    def shown_columns(self) -> Sequence[str]:
        """Names of the first columns, at most `MAX_COLUMNS`."""
        return list(self.columns)[:MAX_COLUMNS]

    def cells(self, index: int) -> list[str]:
        """Return the values of one example in the shown columns.

        Args:
            index: Position in the test set.
        """
        return [format_value(self.columns[name][index]) for name in self.shown_columns]

    def lines(self, index: int) -> list[str]:
        """Return one example as lines: ``column: value``, or the text alone where there is one column.

        Args:
            index: Position in the test set.
        """
        cells = self.cells(index)
        if len(self.columns) == 1:
            return cells
        more = len(self.columns) - len(cells)
        named = [f"{name}: {cell}" for name, cell in zip(self.shown_columns, cells, strict=True)]
        return [*named, *([f"and {more} more columns"] if more else [])]


def format_value(value: Any) -> str:
    """Return a value of a table as text: a number with four digits, a text that is not too long.

    Example:
        >>> format_value(np.float32(1.23456)), format_value(3), format_value("a" * 200)[-2:]
        ('1.235', '3', 'a…')
    """
    if isinstance(value, float | np.floating):
        return f"{value:.4g}"
    return shorten(" ".join(str(value).split()), MAX_TEXT_LENGTH, keep_end=False)
