"""What the sweep has shown: which hyperparameters matter, which do not, and the command to try next."""

from __future__ import annotations

from mnistsweep.html_report.evidence import Evidence
from mnistsweep.html_report.records import Section, Text


def section(evidence: Evidence) -> Section | None:
    """Show what was learnt, in three sentences with the command; None for a report without a search."""
    learnt = None if evidence.search is None else evidence.search.learnt
    if learnt is None:
        return None
    *first, last = learnt.sentences
    return Section([*map(Text, first), Text(f"{last} `{learnt.command}`" if learnt.command else last)])
