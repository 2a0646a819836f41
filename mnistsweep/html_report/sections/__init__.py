"""Sections of the page: a module each, and in `kinds` the list of those that a kind of target has."""

from __future__ import annotations

from mnistsweep.html_report.sections.kinds import (
    CLASSES,
    CURVES,
    LEARNT,
    SEARCH,
    SUMMARY,
    Analysis,
    left_out,
    sections_of,
)

SECTIONS = (LEARNT, Analysis(SUMMARY, "Best model", f"{__name__}.summary"), CURVES, *CLASSES, *SEARCH)
"""Sections for images of several classes, in reading order."""

__all__ = ["SECTIONS", "Analysis", "left_out", "sections_of"]
