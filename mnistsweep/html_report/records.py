"""Content of the report page: sections of blocks, which `page` lays out and writes to files.

The records are frozen and have no side effects, so a section can be tested without a page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from mnistsweep.analysis.score import Score

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure as Drawing


@dataclass(frozen=True)
class Text:
    """A paragraph of plain text.

    Attributes:
        text: One or more sentences.
    """

    text: str


@dataclass(frozen=True)
class Fact:
    """One number with its name.

    Attributes:
        label: Name of the number, such as ``test accuracy``.
        value: Formatted number with its unit: ``99.21 %``.
        note: Interval or standard deviation, and its source: ``Wilson 95 %: 99.02 to 99.37``.
    """

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Facts:
    """Row of numbers in large type.

    Attributes:
        facts: Numbers of the row, about two to six.
    """

    facts: Sequence[Fact]


@dataclass(frozen=True)
class Table:
    """Small table; of a long one, the page shows the first rows and a CSV file (`Section.files`) has all.

    Attributes:
        columns: Headings of the columns.
        rows: Formatted cells of each row.
        caption: Description of the table.
        numbers: Headings of the columns with numbers, which are aligned to the right.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str
    numbers: Sequence[str] = ()


@dataclass(frozen=True)
class Figure:
    """Static figure.

    Attributes:
        name: Name of its file, ``<name>.png``, and of its tag in TensorBoard; lower case with dashes.
        drawing: Matplotlib figure from `figures.style.new_figure`.
        caption: Description of the figure with its most important numbers.
        alt: Description of the content for people who cannot see the figure.
    """

    name: str
    drawing: Drawing
    caption: str
    alt: str


@dataclass(frozen=True)
class Interactive:
    """Interactive figure, with a static one for paper and for browsers without JavaScript.

    Attributes:
        html: HTML fragment that needs plotly.js, which the page contains once.
        figure: Static figure of the same data.
    """

    html: str
    figure: Figure


@dataclass(frozen=True)
class Formulas:
    """Definitions of scores in a collapsed block.

    Attributes:
        title: Title of the block.
        scores: Definitions of the scores.
    """

    title: str
    scores: Sequence[Score]


Block: TypeAlias = Text | Facts | Table | Figure | Interactive | Formulas


@dataclass(frozen=True)
class Section:
    """Result of an analysis on the page.

    Attributes:
        blocks: Blocks in reading order.
        advice: Recommendations, each a sentence that starts with what to do and has the number behind it; the page
            lists those of all sections at its top.
        files: Tables of CSV files by name (``ambiguous.csv``), linked below the section.
        pictures: Single pictures by path in the report's folder (``ambiguous/01-index-00447.png``); not on the page.
    """

    blocks: Sequence[Block]
    advice: Sequence[str] = ()
    files: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    pictures: Mapping[str, Drawing] = field(default_factory=dict)
