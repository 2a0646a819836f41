"""`mnistsweep report` from the command line to the page, on real sweeps over tiny data."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import command
from fakes import RunSweep
from reports import Counted, Reported, claimed, collected, kept, report_context, shorten

from mnistsweep.commands import report as report_command
from mnistsweep.config.overrides import quoted
from mnistsweep.evaluation.collector import collect_evidence
from mnistsweep.evaluation.selection import select
from mnistsweep.html_report.sections import SECTIONS
from mnistsweep.paths import SweepPaths
from mnistsweep.study.records import State


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page of one section; drawing all sections takes seconds."""
    shorten(monkeypatch, "summary")


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def images_of(file: Path) -> list[int]:
    return [int(row["index"]) for row in rows(file)]


def test_all_numbers_follow_from_the_saved_predictions(reported: Reported) -> None:
    report = SweepPaths(reported.folder).report
    winner = f"trial-{select(reported.folder).winner.number:04d}"
    with np.load(reported.overrides[1].removeprefix("data.path=").strip("'\"")) as file:
        labels = file["y_test"]
    names = [f"{winner}-seed-{seed}" for seed in range(2)]
    predicted = np.stack([np.load(report.predictions(name))["probabilities"] for name in names])
    scores = rows(report.folder / "scores.csv")
    assert [row["model"] for row in scores] == ["seed 0", "seed 1", "committee"]
    expected = [
        *(predicted.argmax(axis=2) == labels).mean(axis=1),
        (predicted.mean(axis=0).argmax(axis=1) == labels).mean(),
    ]
    assert [float(row["accuracy"]) for row in scores] == expected
    logs = [-np.log(one[np.arange(20), labels]).mean() for one in (*predicted, predicted.mean(axis=0))]
    np.testing.assert_allclose([float(row["log_loss"]) for row in scores], logs, rtol=1e-9)
    np.testing.assert_allclose([float(row["loss"]) for row in scores[:2]], logs[:2], rtol=1e-5)
    page = report.page.read_text(encoding="utf-8")
    mean = f"{100 * np.mean(expected[:2]):.2f}"
    assert f"{mean} %" in page
    assert f"test accuracy: {mean} " in reported.printed
    assert f"committee: {100 * expected[2]:.2f} %" in reported.printed
    wrong = np.flatnonzero(predicted.mean(axis=0).argmax(axis=1) != labels).tolist()
    assert sorted(images_of(report.folder / "mistakes.csv")) == wrong
    ambiguous = np.argsort(predicted.mean(axis=0).max(axis=1))[:10].tolist()
    assert images_of(report.folder / "ambiguous.csv")[:10] == ambiguous
    assert len(list((report.folder / "ambiguous").glob("*.png"))) == 10


def test_sections_record_files_and_printed_lines(reported: Reported) -> None:
    report = SweepPaths(reported.folder).report
    assert reported.made.failed == {}
    assert reported.folder / "report" / "index.html" == report.page
    page = report.page.read_text(encoding="utf-8")
    for analysis in SECTIONS:
        assert (f'id="{analysis.name}"' in page) == (analysis.name != "cleaning"), analysis.name
    assert re.search(r">\s*180\s*<", page)
    assert "mnistsweep report logs/search report.seeds=2" in page
    record = json.loads(report.record.read_text(encoding="utf-8"))
    number = select(reported.folder).winner.number
    assert record["models"] == [f"trial-{number:04d}-seed-0", f"trial-{number:04d}-seed-1"]
    assert (record["trial"], record["refitted"], record["class_names"]) == (number, True, list("0123"))
    for name in ("mistakes.csv", "ambiguous.csv", "suspects.csv", "scores.csv", "robustness.csv"):
        assert f'href="{name}"' in page
    printed = reported.printed.splitlines()
    assert printed[:2] == ["retraining the winner, 1 of 2", "retraining the winner, 2 of 2"]
    assert printed[2:4] == [f"predicting with the checkpoint of trial {number}", "predicting distorted images"]
    assert printed[4:-3] == [analysis.title for analysis in SECTIONS if analysis.name != "cleaning"]
    assert printed[-1] == "the page: logs/search/report/index.html"


def test_the_progress_bar_ends_at_its_total(reported: Reported, folder: Path) -> None:
    epochs = select(folder).best_epoch
    assert reported.steps.done == reported.steps.total
    for options, trained in (["report.seeds=2"], 2), (["report.refit=false"], 0), (["report.seeds=1"], 1):
        steps = Counted()
        selection = select(folder, options)
        collect_evidence(report_context(folder, *options, "report.robustness=true", steps=steps))
        assert steps.done + len(SECTIONS) == report_command._num_units(selection)
        assert report_command._num_units(selection) == trained * epochs + report_command.NUM_DISTORTED + len(SECTIONS)
    assert report_command._num_units(select(folder, ["report.robustness=false"])) == 3 * epochs + len(SECTIONS)


def stop_in_the_middle(folder: Path) -> int:
    """Leave an interrupted trial without an owner, after one reported epoch; returns its number."""
    with claimed(folder) as (study, claim, trial):
        study.report(claim, 1, 0.25)
        trial.history.write_text("epoch,loss,val_loss\n1,1.5,1.4\n", encoding="utf-8")
    return claim.number


@pytest.mark.slow
def test_a_second_report_trains_nothing_without_keras_while_a_trial_is_interrupted(folder: Path) -> None:
    running, before = stop_in_the_middle(folder), kept(folder)
    states = [record.state for record in select(folder).records]
    assert states == [*[State.COMPLETED] * 3, State.RUNNING]
    options = ["report.seeds=2", "report.class_names=[nought,one,two,three]", "report.against=model.layer_size"]
    code = (
        "import sys; from mnistsweep import cli; "
        f"code = cli.main(['report', {str(folder)!r}, *{options!r}]); "
        "print(code, sorted({'keras', 'tensorflow', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, encoding="utf-8")
    assert done.stdout.splitlines()[-1] == "0 []", done.stderr
    titles = [analysis.title for analysis in SECTIONS if analysis.name != "cleaning"]
    assert done.stdout.splitlines()[: len(titles)] == titles
    assert done.stderr == ""
    assert kept(folder) == before
    report = SweepPaths(folder).report
    page = report.page.read_text(encoding="utf-8")
    assert "nought" in page
    assert rows(report.folder / "classes.csv")[0]["class"] == "nought"
    against = page[page.index('id="against"') :]
    assert "model.layer_size" in against[: against.index("</section>")]
    assert json.loads(report.record.read_text(encoding="utf-8"))["class_names"] == ["nought", "one", "two", "three"]
    search = collected(folder, "report.seeds=2")[0].search
    assert search is not None
    assert [record.number for record in search.trials] == [0, 1, 2]
    assert set(search.curves["trial"]) == {0, 1, 2, running}


@pytest.mark.slow
def test_inputs_that_are_not_images(
    run_sweep: RunSweep, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(3)
    labels = (np.arange(200) % 3).astype(np.uint8)
    table = (rng.normal(size=(200, 5)) + 2 * np.eye(5)[labels]).astype(np.float32)
    file = tmp_path / "table.npz"
    np.savez(file, x_train=table[:160], y_train=labels[:160], x_test=table[160:], y_test=labels[160:])
    own = [f"data.path={quoted(str(file))}", "data.scaling=none", "data.validation=40", "model.layer_size=8,16,32"]
    folder = run_sweep([*own, "trials=1", "name=table"]).paths.folder
    shorten(monkeypatch, "summary", "ambiguous", "suspects", "mistakes", "robustness")
    counted: list[Counted] = []
    monkeypatch.setattr(report_command, "StepProgress", lambda *given: counted.append(Counted(*given)) or counted[0])
    answer = command(capfd, "report", "table", "report.seeds=1")
    assert answer.code == 0, answer.err
    assert counted[0].done == counted[0].total
    report = SweepPaths(folder).report
    page = report.page.read_text(encoding="utf-8")
    assert 'id="mistakes"' in page
    assert 'id="robustness"' not in page
    assert not [path for path in report.folder.iterdir() if path.name in ("images", "ambiguous", "suspects")]
    (score, together) = rows(report.folder / "scores.csv")
    assert score["examples"] == together["examples"] == "40"
    evidence, _ = collected(folder, "report.seeds=1")
    assert (evidence.images, evidence.robustness) == (None, None)
    check_that_show_draws_an_input(folder, capfd)


def check_that_show_draws_an_input(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    answer = command(capfd, "show", str(folder), "7")
    assert answer.code == 0, answer.err
    assert answer.out.startswith("row 7: label ")
    assert (folder / "report" / "images" / "00007.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


@pytest.mark.usefixtures("short")
def test_a_failed_section_is_named_and_the_others_are_shown(
    folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_evidence: Any) -> None:
        raise ValueError("shapes [disagree]")

    monkeypatch.setattr("mnistsweep.html_report.sections.calibration.section", broken)
    answer = command(capfd, "report", str(folder), "report.seeds=2")
    assert (answer.code, answer.err) == (1, "")
    assert "calibration: ValueError: shapes [disagree]" in answer.out.splitlines()
    report = SweepPaths(folder).report
    page = report.page.read_text(encoding="utf-8")
    assert 'id="summary"' in page
    assert "shapes [disagree]" in page
    assert "Traceback" in (report.folder / "errors" / "calibration.txt").read_text(encoding="utf-8")
    monkeypatch.setattr("mnistsweep.html_report.sections.calibration.section", lambda _evidence: None)
    assert command(capfd, "report", str(folder), "report.seeds=2").code == 0
    assert not (report.folder / "errors").exists()


@pytest.mark.usefixtures("short")
def test_a_missing_checkpoint_is_a_note_on_the_page(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    number = select(folder).winner.number
    paths = SweepPaths(folder)
    paths.trial(number).model.unlink()
    paths.report.predictions(f"trial-{number:04d}").unlink()
    answer = command(capfd, "report", str(folder), "report.seeds=2", "report.robustness=false")
    note = f"{paths.trial(number).model}: the model of trial {number} is missing."
    assert (answer.code, answer.err) == (0, "")
    assert note in answer.out.splitlines()
    assert note in paths.report.page.read_text(encoding="utf-8")
    before = paths.report.page.stat().st_mtime_ns
    refused = command(capfd, "report", str(folder), "report.refit=false")
    assert (refused.code, refused.err) == (2, f"mnistsweep: {note}\n")
    assert paths.report.page.stat().st_mtime_ns == before


@pytest.mark.usefixtures("short")
def test_one_model_without_robustness(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    answer = command(capfd, "report", str(folder), "report.refit=false", "report.robustness=false")
    assert (answer.code, answer.err) == (0, "")
    report = SweepPaths(folder).report
    assert [row["model"] for row in rows(report.folder / "scores.csv")] == ["seed 0", "committee"]
    record = json.loads(report.record.read_text(encoding="utf-8"))
    assert (record["models"], record["refitted"]) == ([f"trial-{record['trial']:04d}"], False)
    assert re.search(r">\s*120\s*<", report.page.read_text(encoding="utf-8"))
