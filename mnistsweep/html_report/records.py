"""What a page is made of: sections of blocks. A section says what to show; `page` lays it out and writes the files.

Frozen records without a side effect: a section can be tested by looking at it.
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
    """One number that answers a question.

    Attributes:
        label: What it is, such as ``test accuracy``.
        value: Formatted, with its unit: ``99.21 %``.
        note: Its interval or spread, and over what: ``Wilson 95 %: 99.02 to 99.37``.
    """

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Facts:
    """Numbers that stand side by side, large.

    Attributes:
        facts: A few.
    """

    facts: Sequence[Fact]


@dataclass(frozen=True)
class Table:
    """A small table; a long one goes to a CSV file (`Section.files`) and shows its first rows here.

    Attributes:
        columns: Their headings.
        rows: Cells, formatted.
        caption: What to see in it.
        numbers: Columns, by their headings, that hold numbers and are set flush right.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str
    numbers: Sequence[str] = ()


@dataclass(frozen=True)
class Figure:
    """A picture.

    Attributes:
        name: Of its file, ``<name>.png``, and of its tag in TensorBoard; lower case with dashes.
        drawing: From `figures.new`.
        caption: What to see in it.
        alt: What stands in it, for those who cannot see it.
    """

    name: str
    drawing: Drawing
    caption: str
    alt: str


@dataclass(frozen=True)
class Interactive:
    """A picture to play with, and the one that takes its place on paper and where there is no JavaScript.

    Attributes:
        html: A fragment that needs plotly.js, which `page` embeds once.
        figure: Shows the same, still.
    """

    html: str
    figure: Figure


@dataclass(frozen=True)
class Formulas:
    """Scores with their definitions, folded away.

    Attributes:
        title: Of the fold.
        scores: Their definitions.
    """

    title: str
    scores: Sequence[Score]


Block: TypeAlias = Text | Facts | Table | Figure | Interactive | Formulas


@dataclass(frozen=True)
class Section:
    """What an analysis shows.

    Attributes:
        blocks: In reading order.
        advice: Sentences on what should be done about it, each with the number that it rests on; they are collected at
            the top of the page.
        files: CSV files by name (``ambiguous.csv``), linked below the section.
        pictures: Single pictures by path below the report's folder (``ambiguous/01-index-00447.png``); not on the page.
    """

    blocks: Sequence[Block]
    advice: Sequence[str] = ()
    files: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    pictures: Mapping[str, Drawing] = field(default_factory=dict)
