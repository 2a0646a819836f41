"""Definition of a score, stated once and shown wherever the score is used."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Score:
    """Definition of a score.

    Attributes:
        name: Name, for example ``least confidence``.
        formula: Formula, for example ``1 - max_k p_k``.
        source: Authors and year of the publication.
        range: Range of values, for example ``0 to 1 - 1/K``.
        direction: Meaning of larger values, for example ``larger is more ambiguous``.
    """

    name: str
    formula: str
    source: str
    range: str
    direction: str
