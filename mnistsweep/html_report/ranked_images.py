"""Test images in the order of a score: the first ones as a gallery, a table and single pictures, all of them as CSV."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Drawing
from numpy.typing import NDArray

from mnistsweep.html_report.evidence import Evidence
from mnistsweep.html_report.figures import mosaic
from mnistsweep.html_report.records import Figure, Table

MAX_ROWS = 10
GALLERY_COLUMNS = 5


@dataclass(frozen=True, eq=False)
class RankedImages:
    """Ranking of the test images, and the parts of a section that show it.

    Attributes:
        evidence: Images, labels and class names.
        name: Name of the ranking, of its CSV file and of its folder of pictures; the name of its figure starts with it.
        order: Indices of all test images in the order of the ranking, ``(n,)``.
    """

    evidence: Evidence
    name: str
    order: NDArray[np.int64]

    @property
    def first(self) -> NDArray[np.int64]:
        """Indices of the first images, ``(evidence.top,)``."""
        return self.order[: self.evidence.top]

    def label(self, index: int) -> str:
        """Return the class name of an image's label."""
        return self.evidence.class_names[int(self.evidence.labels[index])]

    def gallery(self, title: Callable[[int], str], caption: str, alt: str) -> list[Figure]:
        """Return a figure with the first images; no figure where the inputs are no images.

        Args:
            title: Function from the index of an image to the lines below its rank and index.
            caption: Caption of the figure.
            alt: Description of the figure for people who cannot see it.
        """
        if self.evidence.images is None:
            return []
        titles = [f"{rank}. index {index}\n{title(index)}" for rank, index in enumerate(self.first.tolist(), 1)]
        drawing = mosaic.draw_mosaic(self.evidence.images[self.first], titles, columns=GALLERY_COLUMNS)
        return [Figure(f"{self.name}-images", drawing, caption, alt)]

    def table(
        self,
        columns: Sequence[str],
        cells: Callable[[int], Sequence[str]],
        description: str,
        numbers: Sequence[str],
    ) -> Table:
        """Return a table of at most `MAX_ROWS` of the first images.

        Args:
            columns: Headings of the cells; `rank`, `index` and `label` stand before them.
            cells: Function from the index of an image to its cells.
            description: Description of the rows in the plural: ``most ambiguous images``.
            numbers: Headings of the cells that hold numbers.
        """
        rows = [
            (str(rank), str(index), self.label(index), *cells(index))
            for rank, index in enumerate(self.first[:MAX_ROWS].tolist(), 1)
        ]
        caption = (
            f"The {len(rows)} {description}. {self.name}.csv lists all {len(self.order):,} test images with all scores."
        )
        return Table(("rank", "index", "label", *columns), rows, caption, numbers=("rank", "index", *numbers))

    def frame(self, columns: Mapping[str, Any]) -> pd.DataFrame:
        """Return a table of all images in the order of the ranking, for the CSV file.

        Args:
            columns: Columns by their names, each ``(n,)`` in the order of the test set or one value for all images;
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
