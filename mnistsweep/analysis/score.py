"""How a score is defined: stated once, in code, and shown wherever the score is used."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Score:
    """The definition of a score.

    Attributes:
        name: ``least confidence``.
        formula: ``1 - max_k p_k``.
        source: Author, year.
        range: ``0 to 1 - 1/K``.
        direction: ``larger is more ambiguous``.
    """

    name: str
    formula: str
    source: str
    range: str
    direction: str
