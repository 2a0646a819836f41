"""What the tests of the page's sections share: sections of a sweep, and the figures in them."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np
from evidence import make_evidence

from mnistsweep.dimensions import Choice, Condition, Float, Int
from mnistsweep.html_report.evidence import SearchHistory
from mnistsweep.html_report.records import Facts, Figure, Interactive, Section
from mnistsweep.space import Point, SearchSpace

AWKWARD = SearchSpace(
    (
        Choice("a.kind", (None, "relu", True, [1, 2], 0.5)),
        Int("a.units", 8, 512, log=True, conditions=(Condition("a.kind", ("relu", None)),)),
        Choice("size", (64, 128, 256), conditions=(Condition("a.kind", ("relu",)),)),
        Float("rate", 1e-4, 1e-1, log=True),
        Choice("one", (7,)),
        Choice("many", tuple(f"a_long_name_{number}" for number in range(20))),
    )
)


def random_points(space: SearchSpace, trials: int, seed: int = 0) -> list[Point]:
    rng = np.random.default_rng(seed)
    return [space.point_at(rng.uniform(size=len(space.dimensions)).tolist()) for _ in range(trials)]


def section_of(search: SearchHistory | None, module: ModuleType, **changes: Any) -> Any:
    """The section that a module makes of a sweep; None where it has nothing to show."""
    return module.section(make_evidence(search=search, **changes))


def figures_of(section: Section) -> Iterator[Figure]:
    for block in section.blocks:
        if isinstance(block, Interactive):
            yield block.figure
        elif isinstance(block, Figure):
            yield block


def figure_of(section: Section, name: str) -> Figure:
    return next(figure for figure in figures_of(section) if figure.name == name)


def blocks_of(section: Section, kind: type) -> list[Any]:
    return [block for block in section.blocks if isinstance(block, kind)]


def facts_of(section: Section) -> dict[str, str]:
    """The values of all facts of a section by their labels."""
    return {fact.label: fact.value for block in blocks_of(section, Facts) for fact in block.facts}
