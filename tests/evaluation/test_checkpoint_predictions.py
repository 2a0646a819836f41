"""Predictions of checkpoints of trials: validation split, reuse, missing files, other test sets, invalid outputs."""

from __future__ import annotations

import dataclasses
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import yaml
from reports import Counted, Reported, collected, forget_checksum, kept, predict_with, report_context

from mnistsweep.errors import StudyError
from mnistsweep.evaluation.checkpoint_predictions import checkpoint_predictions
from mnistsweep.evaluation.retrained_predictions import retrained_predictions
from mnistsweep.evaluation.saved_predictions import read_predictions
from mnistsweep.evaluation.selection import Selection, select
from mnistsweep.paths import SweepPaths


def test_the_loss_of_the_checkpoint_is_the_objective_of_the_trial(reported: Reported) -> None:
    evidence, _ = collected(reported.folder, "report.seeds=2")
    checkpoint = evidence.checkpoint
    assert checkpoint is not None
    given = checkpoint.validation[np.arange(60), checkpoint.validation_labels]
    assert -np.log(given).mean() == pytest.approx(evidence.winner.value, rel=1e-5)


def test_the_next_best_trials_are_predicted_by_their_checkpoints(folder: Path) -> None:
    evidence, started = collected(folder, "report.seeds=2", "report.top_trials=2")
    ranked = select(folder).ranked(9)
    assert [record.result.objective for record in ranked] == sorted(record.result.objective or 0 for record in ranked)
    numbers = [record.number for record in ranked[1:]]
    assert list(evidence.others) == numbers
    assert started == [f"predicting with the checkpoint of trial {number}" for number in numbers]
    for number in numbers:
        predicted = predict_with(SweepPaths(folder).trial(number).model, folder)
        np.testing.assert_allclose(evidence.others[number], predicted, atol=1e-6)


def test_a_trial_with_another_test_set_is_not_compared(folder: Path, tiny_file: Path, tmp_path: Path) -> None:
    with np.load(tiny_file) as file:
        arrays = {name: file[name] for name in file.files}
    np.savez(tmp_path / "other.npz", **(arrays | {"y_test": arrays["y_test"][::-1]}))
    other = select(folder).ranked(2)[1].number
    config = SweepPaths(folder).trial(other).config
    text = config.read_text(encoding="utf-8").replace(str(tiny_file), str(tmp_path / "other.npz"))
    config.write_text(text, encoding="utf-8")
    evidence, _ = collected(folder, "report.seeds=2", "report.top_trials=1")
    assert not evidence.others
    assert f"trial {other} has another test set; it is not compared with the winner." in evidence.notes[0]


@pytest.mark.parametrize("lost", ["missing", "cannot be loaded: .*CRC", "cannot be loaded"])  # without a checksum
def test_a_missing_or_damaged_checkpoint_is_a_note_or_an_error(bare: Path, lost: str) -> None:
    winner = select(bare).winner.number
    model = SweepPaths(bare).trial(winner).model
    content = model.read_bytes()
    forget_checksum(bare, winner)
    if lost == "missing":
        model.unlink()
    else:
        middle = len(content) // 2
        broken = bytes([content[middle] ^ 255]) if "CRC" in lost else b""
        model.write_bytes(content[:middle] + broken + (content[middle + 1 :] if broken else b""))
    with pytest.raises(StudyError, match=rf"{winner:04d}.best\.keras: the model .*{lost}"):
        collected(bare, "report.refit=false")
    assert not SweepPaths(bare).report.folder.exists()
    if lost == "missing":
        evidence, _ = collected(bare, "report.seeds=1")
        assert evidence.checkpoint is None
        assert evidence.notes == [f"{model}: the model of trial {winner} is missing."]


@pytest.mark.filterwarnings("ignore:Skipping variable loading for optimizer:UserWarning")
def test_outputs_that_are_no_probabilities_are_an_error_and_not_saved(
    bare: Path, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Selection, "_check_unchanged", lambda *_: None)  # as if the sweep had trained the bad models
    monkeypatch.setattr("mnistsweep.evaluation.checkpoint_predictions.check_objective", lambda *_: None)
    for record in select(bare).records:
        forget_checksum(bare, record.number)
    one = report_context(bare)
    build = import_module(module).bad
    for record, kind, message in zip(
        one.selection.ranked(2),
        ("nan", "wide"),
        (
            r"the outputs of its model are no class probabilities: ",
            r"the outputs of its model must be one for each of 4 classes, received the shape \(20, 7\)\.",
        ),
        strict=True,
    ):
        build((6, 6, 1), 4, kind).save(SweepPaths(bare).trial(record.number).model)
        with pytest.raises(StudyError, match=rf"^trial {record.number}: {message}"):
            checkpoint_predictions(one, record)
    with pytest.raises(StudyError, match="are no class probabilities"):
        collected(bare, "report.refit=false")
    config = SweepPaths(bare).trial(one.selection.winner.number).config
    content = yaml.safe_load(config.read_text(encoding="utf-8"))
    config.write_text(yaml.safe_dump(content | {"model": {"_target_": f"{module}.bad", "kind": "wide"}}))
    with pytest.raises(StudyError, match="must be one for each of 4 classes"):
        collected(bare, "report.seeds=2")
    assert kept(bare) == {}


def test_saved_predictions_with_another_origin_are_not_used(folder: Path) -> None:
    paths, first = SweepPaths(folder).report, report_context(folder, "report.seeds=2")
    own = dataclasses.replace(first.selection, checksum="of other data")
    other = dataclasses.replace(first, selection=own)
    assert retrained_predictions(first)[0].loss == read_predictions(paths.predictions(first.model_names[0])).loss  # type: ignore[union-attr]
    steps = Counted()
    checkpoint_predictions(dataclasses.replace(other, steps=steps), own.winner)
    assert steps.started == [f"predicting with the checkpoint of trial {own.winner.number}"]
