"""Rankings of the test images in three sections."""

from __future__ import annotations

import pytest
from evidence import make_evidence
from sections import blocks_of

from mnistsweep.html_report.records import Figure
from mnistsweep.html_report.sections import ambiguous, recurrence, suspects


@pytest.mark.parametrize("classes", [2, 3])
def test_no_images_and_few_classes(classes: int) -> None:
    evidence = make_evidence(examples=12, classes=classes, images=None, top=40)
    for module in (ambiguous, suspects, recurrence):
        found = module.section(evidence)
        assert not found.pictures
        assert len(next(iter(found.files.values()))) == 12
    assert not blocks_of(suspects.section(evidence), Figure)
