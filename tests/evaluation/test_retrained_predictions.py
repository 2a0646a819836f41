"""Retrained models of a report: training set, seeds, reuse of saved predictions, failures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import RunSweep
from numpy.typing import NDArray
from reports import Counted, Reported, collected, kept, predict_with, report_context

from mnistsweep import data
from mnistsweep.errors import SweepStopped
from mnistsweep.evaluation import inference, retraining
from mnistsweep.evaluation.collector import collect_evidence
from mnistsweep.evaluation.retrained_predictions import retrained_predictions
from mnistsweep.evaluation.selection import select
from mnistsweep.paths import SweepPaths
from mnistsweep.seeds import retrain_seed


def test_models_are_retrained_on_training_and_validation_examples_with_different_seeds(reported: Reported) -> None:

    evidence, started = collected(reported.folder, "report.seeds=2")
    assert started == []
    assert evidence.probabilities.shape == (2, 20, 4)
    assert (evidence.winner.examples, evidence.winner.retrained) == (180, True)
    assert np.abs(evidence.probabilities[0] - evidence.probabilities[1]).max() > 1e-3
    selection = select(reported.folder)
    config = selection.config_of(selection.winner)
    dataset, held_out = data.load(config.data), data.load_test(config.data)
    seed = retrain_seed(config.seed, 1)
    assert len({config.seed, seed, retrain_seed(config.seed, 0)}) == 3

    def predict(side: data.Dataset) -> NDArray[Any]:
        model = retraining.retrain(config, side, seed, selection.best_epoch).model
        return inference.class_probabilities(model, held_out.inputs)

    np.testing.assert_allclose(predict(dataset.whole), evidence.probabilities[1], atol=1e-6)
    assert np.abs(predict(dataset) - evidence.probabilities[1]).max() > 1e-3
    assert evidence.retraining_curves.groupby("seed").size().tolist() == [selection.best_epoch] * 2


def test_saved_predictions_are_those_of_the_saved_models(reported: Reported) -> None:
    paths = SweepPaths(reported.folder).report
    evidence, _ = collected(reported.folder, "report.seeds=2")
    names = report_context(reported.folder, "report.seeds=2").model_names
    for name, probabilities, loss in zip(names, evidence.probabilities, evidence.losses, strict=True):
        np.testing.assert_allclose(predict_with(paths.model(name), reported.folder), probabilities, atol=1e-6)
        assert loss == pytest.approx(-np.log(probabilities[np.arange(20), evidence.labels]).mean(), rel=1e-5)
    files = [f"{name}.keras" for name in names] + sorted([*(f"{name}.npz" for name in names), "robustness.npz"])
    assert set(kept(reported.folder)) - {f"{names[0].removesuffix('-seed-0')}.npz"} == set(files)


def test_more_seeds_train_those_that_are_missing_and_fewer_none(folder: Path) -> None:
    before = kept(folder)
    evidence, started = collected(folder, "report.seeds=3")
    assert started == ["retraining the winner, 3 of 3"]
    assert len(evidence.probabilities) == 3
    after = kept(folder)
    assert {name: after[name] for name in before} == before
    third = report_context(folder, "report.seeds=3").model_names[2]
    assert after.keys() - before.keys() == {f"{third}.keras", f"{third}.npz"}
    fewer, started = collected(folder, "report.seeds=1")
    assert started == []
    np.testing.assert_array_equal(fewer.probabilities, evidence.probabilities[:1])


def test_an_interrupted_report_continues_with_the_second_model(bare: Path) -> None:
    epochs = select(bare).best_epoch

    class Interrupted(Counted):
        def advance(self, units: float = 1.0) -> None:
            super().advance(units)
            if self.done > epochs:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        retrained_predictions(report_context(bare, "report.seeds=2", steps=Interrupted()))
    (first, again) = report_context(bare, "report.seeds=2").model_names
    before = kept(bare)
    assert set(before) == {f"{first}.keras", f"{first}.npz"}
    steps = Counted()
    made = retrained_predictions(report_context(bare, "report.seeds=2", steps=steps))
    assert (steps.started, steps.done) == (["retraining the winner, 2 of 2"], 2 * epochs)
    after = kept(bare)
    assert set(after) - set(before) == {f"{again}.keras", f"{again}.npz"}
    assert {name: after[name] for name in before} == before
    assert len(made) == 2


@pytest.mark.parametrize("lost", ["predictions", "model"])
def test_damaged_or_missing_files_are_computed_again_with_the_same_result(folder: Path, lost: str) -> None:
    paths, name = SweepPaths(folder).report, report_context(folder, "report.seeds=2").model_names[0]
    before, _ = collected(folder, "report.seeds=2")
    if lost == "predictions":
        file = paths.predictions(name)
        file.write_bytes(file.read_bytes()[:200])
    else:
        paths.model(name).unlink()
    after, started = collected(folder, "report.seeds=2")
    assert started == ["retraining the winner, 1 of 2"]
    np.testing.assert_allclose(after.probabilities, before.probabilities, atol=1e-6)
    assert paths.model(name).is_file()


@pytest.mark.filterwarnings("ignore:Skipping variable loading for optimizer:UserWarning")
def test_a_hypermodel_whose_fit_reports_only_its_end_is_trained_for_all_epochs(
    run_sweep: RunSweep, module: str
) -> None:
    overrides = [f"model._target_={module}.Fitted", "trials=1", "oracle=random", "trainer.epochs=12", "name=fitted"]
    folder = run_sweep(overrides).paths.folder
    assert select(folder).winner.result.best_epoch == 1
    assert select(folder).best_epoch == 12
    steps = Counted()
    evidence = collect_evidence(report_context(folder, "report.seeds=1", steps=steps))
    assert evidence.retraining_curves is not None
    assert evidence.retraining_curves[["loss", "examples"]].to_numpy().tolist() == [[12, 180]]
    assert steps.done == 12


@pytest.mark.slow
def test_a_compiled_model_with_logits_gives_probabilities(
    run_sweep: RunSweep, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = [f"model._target_={module}.logits", "+model.width=8,16", "trials=1", "trainer.epochs=2", "name=logits"]
    folder = run_sweep(sweep).paths.folder
    evidence, _ = collected(folder, "report.seeds=1")
    name = report_context(folder, "report.seeds=1").model_names[0]
    outputs = predict_with(SweepPaths(folder).report.model(name), folder).astype(np.float64)
    assert np.abs(outputs.sum(axis=1) - 1).max() > 0.01
    raised = np.exp(outputs)
    np.testing.assert_allclose(evidence.probabilities[0], raised / raised.sum(axis=1, keepdims=True), atol=1e-6)
    assert evidence.checkpoint is not None
    np.testing.assert_allclose(evidence.checkpoint.validation.sum(axis=1), 1)
    given = evidence.checkpoint.validation.argmax(axis=1) == evidence.checkpoint.validation_labels
    assert given.mean() == pytest.approx(evidence.winner.value)

    def diverging(*arguments: Any) -> None:
        raise LookupError("no such\nlayer")

    monkeypatch.setattr(retraining, "retrain", diverging)
    with pytest.raises(
        SweepStopped, match=r"^trial 0 cannot be retrained: LookupError: no such layer; report\.refit=false uses"
    ):
        collected(folder, "report.seeds=2")
