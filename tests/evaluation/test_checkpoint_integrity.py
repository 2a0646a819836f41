"""Checkpoints that are not the ones that their trials saved: replaced, truncated, of an older version, of a copy."""

from __future__ import annotations

import re
import shutil
from importlib import import_module
from pathlib import Path

import pytest
from commands import command, tree
from reports import Reported, collected, copied, edit_checkpoint, forget_checksum, report_context

from mnistsweep.checksums import file_checksum
from mnistsweep.errors import StudyError
from mnistsweep.evaluation.checkpoint_predictions import checkpoint_predictions
from mnistsweep.evaluation.selection import select
from mnistsweep.html_report.sections import SECTIONS
from mnistsweep.paths import SweepPaths


def replace_winner(folder: Path) -> tuple[Path, int, str]:
    """Put the model of the worst trial in the place of the winner's; returns the file, the trial and the message."""
    records = select(folder).ranked(9)
    winner, paths = records[0], SweepPaths(folder)
    file = paths.trial(winner.number).model
    expected = file_checksum(file)
    shutil.copyfile(paths.trial(records[-1].number).model, file)
    return file, winner.number, changed(file, winner.number, expected)


def changed(file: Path, trial: int, expected: str) -> str:
    received = file_checksum(file)
    assert received != expected
    return (
        f"{file}: must be the file that trial {trial} saved (SHA-256 {expected[:12]}), received another or a damaged "
        f"one ({received[:12]}); restore it, or train the trial again: report.refit=true, or "
        f"mnistsweep train --config-dir {file.parent} --config-name config."
    )


def test_a_replaced_checkpoint_is_refused_before_anything_is_written(
    bare: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    _, _, message = replace_winner(bare)
    before = tree(bare)
    refused = command(capfd, "report", str(bare), "report.refit=false", "report.robustness=false")
    assert (refused.code, refused.out, refused.err) == (2, "", f"mnistsweep: {message}\n")
    assert tree(bare) == before


def test_a_replaced_checkpoint_is_refused_after_a_report_too(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    _, _, message = replace_winner(folder)
    refused = command(capfd, "report", str(folder), "report.refit=false", "report.robustness=false")
    assert (refused.code, refused.out, refused.err) == (2, "", f"mnistsweep: {message}\n")


def test_a_retrained_report_leaves_a_replaced_checkpoint_out(folder: Path) -> None:
    _, _, message = replace_winner(folder)
    evidence, started = collected(folder, "report.seeds=2")
    assert (evidence.checkpoint, evidence.notes, started) == (None, [message], [])


def test_another_trial_with_a_replaced_checkpoint_is_left_out(bare: Path) -> None:
    paths, (_, second, third) = SweepPaths(bare), select(bare).ranked(3)
    file = paths.trial(third.number).model
    expected = file_checksum(file)
    shutil.copyfile(paths.trial(second.number).model, file)
    evidence, _ = collected(bare, "report.refit=false", "report.top_trials=2")
    assert list(evidence.others) == [second.number]
    assert evidence.notes == [changed(file, third.number, expected)]


def test_a_replaced_checkpoint_is_not_exported(bare: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file, _, message = replace_winner(bare)
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])
    expected = re.search(r"SHA-256 (\w+)", message)
    assert expected is not None
    refused = command(
        capfd, "export", str(bare), "--output", str(tmp_path / "b.yaml"), "--model", str(tmp_path / "m.keras")
    )
    assert refused.code == 2
    assert refused.err.startswith(f"mnistsweep: {file}: must be the file that trial ")
    assert f"SHA-256 {expected[1]}), received another or a damaged one ({file_checksum(file)[:12]});" in refused.err
    assert not list(tmp_path.glob("*.yaml")) + list(tmp_path.glob("*.keras"))


def test_a_copied_sweep_reuses_its_predictions(reported: Reported, folder: Path) -> None:
    for record in select(folder).records:
        SweepPaths(folder).trial(record.number).model.touch()
    assert SweepPaths(folder).report.folder.is_dir()
    evidence, started = collected(folder, "report.seeds=2")
    assert (evidence.notes, started) == ([], [])
    moved = copied(folder, folder.parent / "elsewhere" / "moved")
    evidence, started = collected(moved, "report.refit=false")
    assert (evidence.notes, started) == ([], [])
    assert report_context(moved).selection.winner == select(reported.folder).winner


def test_the_ledger_has_the_checksum_and_the_objective_of_each_checkpoint(reported: Reported) -> None:
    for record in select(reported.folder).records:
        saved = record.result.checkpoint
        assert saved is not None
        assert saved.checksum == file_checksum(SweepPaths(reported.folder).trial(record.number).model)
        assert saved.objective == record.result.objective


def test_the_objective_is_measured_once_and_equals_the_recorded_one(folder: Path) -> None:
    context = report_context(folder)
    warnings = list[str]()
    found = checkpoint_predictions(context, context.selection.winner, warnings.append)
    assert found.objective == pytest.approx(context.selection.winner.result.objective, rel=1e-6)
    assert warnings == []


def test_a_checkpoint_that_measures_another_objective_is_a_warning_on_page_and_terminal(
    folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the fit of a hypermodel prepares the data: the file is the trial's, and its evaluation is another."""
    winner = select(folder).winner
    assert winner.result.objective is not None
    edit_checkpoint(folder, winner.number, lambda saved: {**saved, "objective": 0.25})
    for analysis in SECTIONS:
        if analysis.name != "summary":
            monkeypatch.setattr(import_module(analysis.module), "section", lambda _evidence: None)
    file = SweepPaths(folder).trial(winner.number).model
    warning = (
        f"{file}: the checkpoint of trial {winner.number} has the val_loss {winner.result.objective:.4g}, but the "
        "ledger records 0.25 (another version of Keras or another device computes other numbers); the scores of this "
        "model may be wrong."
    )
    made = command(capfd, "report", str(folder), "report.refit=false", "report.robustness=false")
    assert (made.code, made.err) == (0, "")
    assert made.out.splitlines().count(warning) == 1
    assert warning in SweepPaths(folder).report.page.read_text(encoding="utf-8")


def test_without_a_checksum_the_objective_tells_another_model(bare: Path) -> None:
    winner = select(bare).winner
    forget_checksum(bare, winner.number)
    good, _ = collected(bare, "report.refit=false")
    assert good.notes == []
    file, _, _ = replace_winner(bare)
    message = (
        rf"{file}: the checkpoint of trial {winner.number} has the val_loss [\d.]+, but the ledger records [\d.]+; "
    )
    with pytest.raises(StudyError, match=re.escape(message).replace(r"\[\\d\.\]\+", r"[\d.]+")):
        collected(bare, "report.refit=false")
    with pytest.raises(StudyError, match="it is probably another model"):
        collected(bare, "report.refit=false")  # from the saved predictions
    evidence, _ = collected(bare, "report.seeds=1")
    assert evidence.checkpoint is None
    assert "it is probably another model. Restore the file, or use report.refit=true." in evidence.notes[0]
