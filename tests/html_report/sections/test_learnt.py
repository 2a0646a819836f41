"""The section on what was learnt, at the top of the page."""

import dataclasses
from pathlib import Path

from evidence import make_evidence, make_search

from mnistsweep.html_report import page
from mnistsweep.html_report.sections import SECTIONS, learnt
from mnistsweep.study.learnt_text import Learnt

LEARNT = Learnt(("a",), (), ("What mattered: a.", "What did not: b.", "What to try next:"), "mnistsweep sweep a=1,2")


def test_the_page_begins_with_what_was_learnt(tmp_path: Path) -> None:
    evidence = make_evidence(examples=40, search=dataclasses.replace(make_search(), learnt=LEARNT))
    html = page.make(evidence, tmp_path, SECTIONS[:2]).index.read_text(encoding="utf-8")

    assert html.index("What mattered: a.") < html.index(">Best model</h2>") < html.index(">Recommendations</h2>")
    assert "What to try next: <code>mnistsweep sweep a=1,2</code>" in html


def test_a_report_without_a_search_has_no_such_section() -> None:
    assert learnt.section(make_evidence(examples=40)) is None
    assert learnt.section(make_evidence(examples=40, search=None)) is None
