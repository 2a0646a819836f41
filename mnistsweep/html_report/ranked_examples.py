"""Test examples in the order of a score: the first ones as a gallery, a table and single pictures, all of them as "
"CSV."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Drawing
from numpy.typing import NDArray

from mnistsweep.html_report.figures import mosaic
from mnistsweep.html_report.figures.series import draw_series_grid
from mnistsweep.html_report.outputs import ClassEvidence
from mnistsweep.html_report.records import Block, Figure, Table
from mnistsweep.html_report.shown_inputs import ShownInputs

MAX_ROWS = 10
GALLERY_COLUMNS = 5


@dataclass(frozen=True, eq=False)
class RankedExamples:
    """Ranking of the test examples, and the parts of a section that show it.

    Attributes:
        evidence: Inputs, labels and class names.
        name: Name of the ranking, of its CSV file and of its folder of pictures; the name of its figure starts with it.
        order: Indices of all test examples in the order of the ranking, ``(n,)``.
    """

    evidence: ClassEvidence
    name: str
    order: NDArray[np.int64]

    @property
    def first(self) -> NDArray[np.int64]:
        """Indices of the first examples, ``(evidence.top,)``."""
        return self.order[: self.evidence.top]

    def label(self, index: int) -> str:
        """Return the class name of an example's label."""
        return self.evidence.class_names[int(self.evidence.labels[index])]

    def gallery(self, title: Callable[[int], str], caption: str, above: str, after: str, alt: str) -> list[Block]:
        """Return a block with the first examples; no block where the inputs cannot be shown.

        Args:
            title: Function from the index of an example to the lines below its rank and index.
            caption: First sentence of the caption.
            above: Description of the title.
            after: Further sentences of the caption.
            alt: Description of the block for people who cannot see it.
        """
        name = f"{self.name}-{self.evidence.words.many}"
        return gallery(self.evidence.inputs, self.first, title, (caption, above, after), name, alt)

    def table(
        self,
        columns: Sequence[str],
        cells: Callable[[int], Sequence[str]],
        description: str,
        numbers: Sequence[str],
    ) -> Table:
        """Return a table of at most `MAX_ROWS` of the first examples.

        Args:
            columns: Headings of the cells; `rank`, `index` and `label` stand before them.
            cells: Function from the index of an example to its cells.
            description: Description of the rows in the plural: ``most ambiguous images``.
            numbers: Headings of the cells that hold numbers.
        """
        rows = [
            (str(rank), str(index), self.label(index), *cells(index))
            for rank, index in enumerate(self.first[:MAX_ROWS].tolist(), 1)
        ]
        caption = (
            f"The {len(rows)} {description}. {self.name}.csv lists all {len(self.order):,} test "
            f"{self.evidence.words.many} with all scores."
        )
        return Table(("rank", "index", "label", *columns), rows, caption, numbers=("rank", "index", *numbers))

    def frame(self, columns: Mapping[str, Any]) -> pd.DataFrame:
        """Return a table of all examples in the order of the ranking, for the CSV file.

        Args:
            columns: Columns by their names, each ``(n,)`` in the order of the test set or one value for all examples;
                `index` and `label` stand before them.
        """
        table = pd.DataFrame(
            {"index": np.arange(len(self.order)), "label": self.evidence.names_of(self.evidence.labels), **columns}
        )
        return table.iloc[self.order].reset_index(drop=True)

    def pictures(self, words: Callable[[int], Mapping[str, str]], title: Callable[[int], str]) -> dict[str, Drawing]:
        """Return a picture of each of the first images by the path of its file; none where the inputs are no images.

        Args:
            words: Function from the index of an image to the words in the name of its file.
            title: Function from the index of an image to the text behind its rank and index.
        """
        if self.evidence.images is None:
            return {}
        return {
            mosaic.picture_path(self.name, rank, index, **words(index)): mosaic.draw_single(
                self.evidence.images[index], f"{rank}. index {index}{title(index)}"
            )
            for rank, index in enumerate(self.first.tolist(), 1)
        }


def gallery(
    inputs: ShownInputs,
    first: NDArray[np.int64],
    title: Callable[[int], str],
    caption: tuple[str, str, str],
    name: str,
    alt: str,
) -> list[Block]:
    """Return a block with examples as they are: images, curves, or rows of a table; none where they cannot be shown.

    Args:
        inputs: Inputs of the test set.
        first: Indices of the examples, the first one first.
        title: Function from the index of an example to the lines below its rank and index.
        caption: First sentence of the caption, description of the title, further sentences.
        name: Name of the figure.
        alt: Description of the block for people who cannot see it.
    """
    opening, above, after = caption
    after = f" {after}" if after else ""
    ranked = list(enumerate(first.tolist(), 1))
    if inputs.is_table:
        return [
            _rows(inputs, ranked, title, f"{opening} Description: {above.removeprefix('rank and index, ')}.{after}")
        ]
    if not ranked or (inputs.images is None and inputs.series is None):
        return []
    titles = [f"{rank}. index {index}\n{title(index)}" for rank, index in ranked]
    text = f"{opening} Above each {inputs.words.one}: its {above}.{after}"
    if inputs.images is not None:
        drawing = mosaic.draw_mosaic(inputs.images[first], titles, columns=GALLERY_COLUMNS)
    else:
        assert inputs.series is not None
        drawing = draw_series_grid(inputs.series[first], titles)
    return [Figure(name, drawing, text, alt)]


def _rows(inputs: ShownInputs, ranked: list[tuple[int, int]], title: Callable[[int], str], caption: str) -> Table:
    names = inputs.shown_columns
    rows = [
        (str(rank), str(index), title(index).replace("\n", ", "), *inputs.cells(index))
        for rank, index in ranked[:MAX_ROWS]
    ]
    more = len(inputs.columns) - len(names)
    some = f" {more} further columns are left out." if more else ""
    numbers = [name for name in names if name in inputs.numeric_columns]
    return Table(("rank", "index", "description", *names), rows, caption + some, ("rank", "index", *numbers))
