"""Evidence for a report page, collected from new and saved predictions."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from reports import claimed, collected, kept, predict_with

from mnistsweep.analysis.label_quality import rank_suspects
from mnistsweep.errors import ConfigError
from mnistsweep.evaluation.report_predictions import check_class_names
from mnistsweep.evaluation.saved_predictions import read_predictions
from mnistsweep.evaluation.selection import select
from mnistsweep.evaluation.suspected_labels import suspect_rows
from mnistsweep.paths import SweepPaths
from mnistsweep.study.records import Result, State


def test_without_retraining_the_only_model_is_the_checkpoint(folder: Path) -> None:
    evidence, started = collected(folder, "report.refit=false")
    assert started == []
    assert evidence.probabilities.shape == (1, 20, 4)
    assert (evidence.winner.examples, evidence.winner.retrained, evidence.retraining_curves) == (120, False, None)
    assert evidence.checkpoint is not None
    np.testing.assert_array_equal(evidence.probabilities[0], evidence.checkpoint.test)
    best = SweepPaths(folder).trial(evidence.winner.number).model
    np.testing.assert_allclose(predict_with(best, folder), evidence.probabilities[0], atol=1e-6)


def test_a_new_winner_is_retrained_and_has_its_own_files(folder: Path) -> None:
    first, before = select(folder).winner, kept(folder)
    with claimed(folder) as (study, claim, trial):
        shutil.copyfile(SweepPaths(folder).trial(first.number).model, trial.model)
        study.finish(claim, State.COMPLETED, Result(0.001, 1, 2, 0.5))
    evidence, started = collected(folder, "report.seeds=1")
    number = claim.number
    assert (evidence.winner.number, evidence.winner.value, evidence.winner.best_epoch) == (number, 0.001, 1)
    assert started == ["retraining the winner, 1 of 1", f"predicting with the checkpoint of trial {number}"]
    after = kept(folder)
    assert {name: after[name] for name in before} == before
    assert after.keys() - before.keys() == {
        f"trial-{number:04d}{end}" for end in ("-seed-0.keras", "-seed-0.npz", ".npz")
    }
    old = read_predictions(SweepPaths(folder).report.predictions(f"trial-{first.number:04d}-seed-0"))
    assert old is not None
    assert np.abs(old.outputs[""] - evidence.probabilities[0]).max() > 0.01


def test_predictions_for_another_test_set_are_computed_again(folder: Path, tiny_file: Path, tmp_path: Path) -> None:
    with np.load(tiny_file) as file:
        arrays = {name: file[name] for name in file.files}
    np.savez(tmp_path / "cut.npz", **(arrays | {"x_test": arrays["x_test"][:12], "y_test": arrays["y_test"][:12]}))
    before, _ = collected(folder, "report.seeds=1")
    for file_ in folder.rglob("*.yaml"):
        text = file_.read_text(encoding="utf-8").replace(str(tiny_file), str(tmp_path / "cut.npz"))
        file_.write_text(text, encoding="utf-8")
    evidence, started = collected(folder, "report.seeds=1")
    np.testing.assert_allclose(evidence.probabilities, before.probabilities[:, :12], atol=1e-6)
    number = evidence.winner.number
    assert started == ["retraining the winner, 1 of 1", f"predicting with the checkpoint of trial {number}"]


def test_classes_have_the_names_that_they_have_in_the_source() -> None:
    assert check_class_names([], ["cat", "dog"]) == ["cat", "dog"]
    assert check_class_names(["a", "b"], ["0", "1"]) == ["a", "b"]
    with pytest.raises(ConfigError, match="must be 2 names, one for each class, received 1"):
        check_class_names(["a"], ["0", "1"])


@pytest.mark.parametrize(
    ("names", "values"),
    [(["0", "1"], {}), (["cat", "dog"], {"label_value": "cat", "suggested_value": "dog"})],
)
def test_suspected_labels_have_the_values_of_the_source(names: list[str], values: dict[str, str]) -> None:
    labels = np.array([0, 1, 1])
    ranking = rank_suspects(np.array([[0.1, 0.9], [0.2, 0.8], [0.3, 0.7]]), labels)
    first = suspect_rows(ranking, labels, np.array([], int), np.arange(3), names)[0]
    assert (first["index"], first["label"], first["suggested"]) == (0, 0, 1)
    assert {key: value for key, value in first.items() if key.endswith("_value")} == values
