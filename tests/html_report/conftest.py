"""The page that several tests of the report read."""

from __future__ import annotations

import pytest
from evidence import make_evidence

from mnistsweep.html_report import page
from mnistsweep.html_report.page import PageResult

# Long names, names with dollar signs, a name with HTML.
CLASS_NAMES = [*("字" * 40 + str(number) for number in range(7)), "US$\\1", "US$\\2", "<b>bold</b>"]


@pytest.fixture(scope="session")
def whole_page(tmp_path_factory: pytest.TempPathFactory) -> PageResult:
    """A page with every section, made once; its classes have names of any kind."""
    evidence = make_evidence(side=28, class_names=CLASS_NAMES)
    return page.make(evidence, tmp_path_factory.mktemp("Bericht & co"))
