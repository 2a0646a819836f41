"""A report opened from Python with `load_report`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from reports import Reported, collected, copied

import mnistsweep
from mnistsweep.errors import DataError, StudyError
from mnistsweep.evaluation.report import Report, load_report
from mnistsweep.html_report.outputs import ClassEvidence
from mnistsweep.paths import SweepPaths


@pytest.fixture
def evidence(reported: Reported) -> ClassEvidence:
    return collected(reported.folder, "report.seeds=2")[0]


def test_a_report_is_opened_as_it_was_made(reported: Reported, evidence: ClassEvidence) -> None:
    report = mnistsweep.load_report(reported.folder)
    assert isinstance(report, Report)
    np.testing.assert_array_equal(report.probabilities, evidence.probabilities)
    np.testing.assert_array_equal(report.labels, evidence.labels)
    assert report.class_names == ["0", "1", "2", "3"]
    wrong = np.flatnonzero(evidence.probabilities.mean(axis=0).argmax(axis=1) != evidence.labels)
    np.testing.assert_array_equal(report.mistakes.wrong, wrong)
    assert len(wrong), "the models of the shared sweep are to make a mistake"
    assert report.next_wrong(-1) == wrong[0]
    assert report.next_wrong(int(wrong[-1])) == wrong[0], "after the last comes the first"


def test_errors_for_missing_or_damaged_files_name_the_command_that_creates_them(
    reported: Reported, folder: Path, tmp_path: Path, tiny_file: Path
) -> None:
    with pytest.raises(StudyError, match=r"no sweep found .*did you mean 'search'\?"):
        load_report(reported.folder.with_name("serch"))
    bare = copied(reported.folder, tmp_path / "bare", report=False)
    with pytest.raises(StudyError, match=r"bare: there is no report yet; create one with mnistsweep report .*bare$"):
        load_report(bare)
    record = SweepPaths(folder).report.record
    content = json.loads(record.read_text(encoding="utf-8"))
    other = tmp_path / "other.npz"
    with np.load(tiny_file) as file:
        arrays = {name: file[name] for name in file.files}
    np.savez(other, **(arrays | {"y_test": arrays["y_test"][::-1]}))
    moved = content | {"data": content["data"] | {"path": str(other)}}
    record.write_text(json.dumps(moved), encoding="utf-8")
    with pytest.raises(DataError, match=r"the test set differs from the one .* creates the report again"):
        load_report(folder)
    other.unlink()
    with pytest.raises(DataError, match=r"other\.npz"):
        load_report(folder)
    record.write_text(json.dumps(content), encoding="utf-8")
    predictions = SweepPaths(folder).report.predictions(content["models"][1])
    predictions.write_bytes(predictions.read_bytes()[:300])
    with pytest.raises(StudyError, match=r"seed-1\.npz: missing or damaged; mnistsweep report .* creates it again"):
        load_report(folder)
    for damaged in ("", "{", "[]", "null", '{"models": ["a"]}', json.dumps(content | {"models": 3})):
        record.write_text(damaged, encoding="utf-8")
        with pytest.raises(StudyError, match=r"report\.json: damaged \(.*\); mnistsweep report writes it again\."):
            load_report(folder)
