"""The models of a report and what they say: made once, kept, gone on with, and true to their files."""

from __future__ import annotations

import dataclasses
import shutil
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from fakes import RunSweep
from numpy.typing import NDArray
from reports import Counted, Reported, claimed, copied, gathered, gatherer, kept

from mnistsweep import data
from mnistsweep.commands.report import gather
from mnistsweep.errors import StudyError, SweepStopped
from mnistsweep.evaluation import predictions
from mnistsweep.evaluation.collector import NUM_DISTORTED
from mnistsweep.evaluation.selection import select
from mnistsweep.paths import SweepPaths
from mnistsweep.seeds import retrain_seed
from mnistsweep.study.records import Result, State

USER_MODULE = '''
import keras
import keras_tuner
from keras import layers

def net(input_shape, classes, width, activation="softmax"):
    hidden = layers.Dense(width, "relu")
    return keras.Sequential([keras.Input(input_shape), layers.Flatten(), hidden, layers.Dense(classes, activation)])

def logits(input_shape, classes, width):
    """Ends without a softmax, and compiles by itself."""
    model = net(input_shape, classes, width, None)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.03), loss, metrics=["accuracy"])
    return model

def bad(input_shape, classes, kind):
    """More outputs than classes; or outputs without a softmax, and a loss that does not say so."""
    if kind == "wide":
        return net(input_shape, classes + 3, 8)
    model = net(input_shape, classes, 8, None)
    model.compile("adam", "mean_squared_error", metrics=["accuracy"])
    return model

class Fitted(keras_tuner.HyperModel):
    """Fits by itself, and says nothing before its end."""
    def build(self, hp):
        return net((6, 6, 1), 4, hp.Int("units", 8, 16, step=8))
    def fit(self, hp, model, x, y, epochs):
        return {"loss": float(epochs), "examples": len(x), "val_accuracy": 0.5}
'''


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    name = f"gathered_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(USER_MODULE, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    return name


@pytest.fixture
def folder(reported: Reported, tmp_path: Path) -> Path:
    """A copy of the shared sweep, with its report."""
    return copied(reported.folder, tmp_path / "copy")


@pytest.fixture
def bare(reported: Reported, tmp_path: Path) -> Path:
    """A copy of the shared sweep, without its report."""
    return copied(reported.folder, tmp_path / "bare", report=False)


def said_by(file: Path, folder: Path) -> NDArray[Any]:
    """What a Keras model in a file says of the test set."""
    import keras

    selection = select(folder)
    images = data.load_test(selection.config_of(selection.winner).data).images
    return np.asarray(keras.saving.load_model(file).predict(images, verbose=0))


def test_refits_learn_from_training_and_validation_together_each_with_a_seed_of_its_own(reported: Reported) -> None:
    from mnistsweep.evaluation import retraining

    evidence, begun = gathered(reported.folder, "report.seeds=2")
    assert begun == []
    assert evidence.probabilities.shape == (2, 20, 4)
    assert (evidence.winner.examples, evidence.winner.retrained) == (180, True)
    assert np.abs(evidence.probabilities[0] - evidence.probabilities[1]).max() > 1e-3
    selection = select(reported.folder)
    config = selection.config_of(selection.winner)
    dataset, held_out = data.load(config.data), data.load_test(config.data)
    seed = retrain_seed(config.seed, 1)
    assert len({config.seed, seed, retrain_seed(config.seed, 0)}) == 3

    def said(side: data.Dataset) -> NDArray[Any]:
        model = retraining.refit(config, side, seed, selection.best_epoch).model
        return retraining.class_probabilities(model, held_out.images)

    np.testing.assert_allclose(said(dataset.whole), evidence.probabilities[1], atol=1e-6)
    assert np.abs(said(dataset) - evidence.probabilities[1]).max() > 1e-3
    assert evidence.retraining_curves.groupby("seed").size().tolist() == [selection.best_epoch] * 2


def test_what_is_kept_is_what_the_kept_models_say(reported: Reported) -> None:
    paths = SweepPaths(reported.folder).report
    evidence, _ = gathered(reported.folder, "report.seeds=2")
    names = gatherer(reported.folder, "report.seeds=2").names
    for name, probabilities, loss in zip(names, evidence.probabilities, evidence.losses, strict=True):
        np.testing.assert_allclose(said_by(paths.model(name), reported.folder), probabilities, atol=1e-6)
        assert loss == pytest.approx(-np.log(probabilities[np.arange(20), evidence.labels]).mean(), rel=1e-5)
    files = [f"{name}.keras" for name in names] + sorted([*(f"{name}.npz" for name in names), "robustness.npz"])
    assert set(kept(reported.folder)) - {f"{names[0].removesuffix('-seed-0')}.npz"} == set(files)


def test_the_checkpoint_says_what_the_trial_was_judged_by(reported: Reported) -> None:
    evidence, _ = gathered(reported.folder, "report.seeds=2")
    checkpoint = evidence.checkpoint
    assert checkpoint is not None
    given = checkpoint.validation[np.arange(60), checkpoint.validation_labels]
    assert -np.log(given).mean() == pytest.approx(evidence.winner.value, rel=1e-5)


def test_without_refits_the_one_model_is_the_checkpoint(folder: Path) -> None:
    evidence, begun = gathered(folder, "report.refit=false")
    assert begun == []
    assert evidence.probabilities.shape == (1, 20, 4)
    assert (evidence.winner.examples, evidence.winner.retrained, evidence.retraining_curves) == (120, False, None)
    assert evidence.checkpoint is not None
    np.testing.assert_array_equal(evidence.probabilities[0], evidence.checkpoint.test)
    best = SweepPaths(folder).trial(evidence.winner.number).model
    np.testing.assert_allclose(said_by(best, folder), evidence.probabilities[0], atol=1e-6)


def test_more_seeds_train_those_that_are_missing_and_fewer_none(folder: Path) -> None:
    before = kept(folder)
    evidence, begun = gathered(folder, "report.seeds=3")
    assert begun == ["training the winner anew, 3 of 3"]
    assert len(evidence.probabilities) == 3
    after = kept(folder)
    assert {name: after[name] for name in before} == before
    third = gatherer(folder, "report.seeds=3").names[2]
    assert after.keys() - before.keys() == {f"{third}.keras", f"{third}.npz"}
    fewer, begun = gathered(folder, "report.seeds=1")
    assert begun == []
    np.testing.assert_array_equal(fewer.probabilities, evidence.probabilities[:1])


def test_an_interrupted_report_goes_on_with_the_second_refit(bare: Path) -> None:
    epochs = select(bare).best_epoch

    class Interrupted(Counted):
        def advance(self, units: float = 1.0) -> None:
            super().advance(units)
            if self.done > epochs:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gatherer(bare, "report.seeds=2", steps=Interrupted()).refits()
    (first, again) = gatherer(bare, "report.seeds=2").names
    before = kept(bare)
    assert set(before) == {f"{first}.keras", f"{first}.npz"}
    steps = Counted()
    made = gatherer(bare, "report.seeds=2", steps=steps).refits()
    assert (steps.begun, steps.done) == (["training the winner anew, 2 of 2"], 2 * epochs)
    after = kept(bare)
    assert set(after) - set(before) == {f"{again}.keras", f"{again}.npz"}
    assert {name: after[name] for name in before} == before
    assert len(made) == 2


@pytest.mark.parametrize("lost", ["predictions", "model"])
def test_what_is_damaged_or_gone_is_made_again_and_is_the_same(folder: Path, lost: str) -> None:
    paths, name = SweepPaths(folder).report, gatherer(folder, "report.seeds=2").names[0]
    before, _ = gathered(folder, "report.seeds=2")
    if lost == "predictions":
        file = paths.predictions(name)
        file.write_bytes(file.read_bytes()[:200])
    else:
        paths.model(name).unlink()
    after, begun = gathered(folder, "report.seeds=2")
    assert begun == ["training the winner anew, 1 of 2"]
    np.testing.assert_allclose(after.probabilities, before.probabilities, atol=1e-6)
    assert paths.model(name).is_file()


def test_the_next_best_trials_are_predicted_by_their_checkpoints(folder: Path) -> None:
    evidence, begun = gathered(folder, "report.seeds=2", "report.top_trials=2")
    ranked = select(folder).ranked(9)
    assert [record.result.objective for record in ranked] == sorted(record.result.objective or 0 for record in ranked)
    numbers = [record.number for record in ranked[1:]]
    assert list(evidence.others) == numbers
    assert begun == [f"predicting with the checkpoint of trial {number}" for number in numbers]
    for number in numbers:
        said = said_by(SweepPaths(folder).trial(number).model, folder)
        np.testing.assert_allclose(evidence.others[number], said, atol=1e-6)


def test_a_new_winner_is_trained_and_its_files_are_its_own(folder: Path) -> None:
    first, before = select(folder).winner, kept(folder)
    with claimed(folder) as (study, claim, trial):
        shutil.copyfile(SweepPaths(folder).trial(first.number).model, trial.model)
        study.finish(claim, State.COMPLETED, Result(0.001, 1, 2, 0.5))
    evidence, begun = gathered(folder, "report.seeds=1")
    number = claim.number
    assert (evidence.winner.number, evidence.winner.value, evidence.winner.best_epoch) == (number, 0.001, 1)
    assert begun == ["training the winner anew, 1 of 1", f"predicting with the checkpoint of trial {number}"]
    after = kept(folder)
    assert {name: after[name] for name in before} == before
    assert after.keys() - before.keys() == {
        f"trial-{number:04d}{end}" for end in ("-seed-0.keras", "-seed-0.npz", ".npz")
    }
    old = predictions.read(SweepPaths(folder).report.predictions(f"trial-{first.number:04d}-seed-0"))
    assert old is not None
    assert np.abs(old.probabilities - evidence.probabilities[0]).max() > 0.01


def test_another_test_set_is_predicted_anew(folder: Path, tiny_file: Path, tmp_path: Path) -> None:
    with np.load(tiny_file) as file:
        arrays = {name: file[name] for name in file.files}
    np.savez(tmp_path / "cut.npz", **(arrays | {"x_test": arrays["x_test"][:12], "y_test": arrays["y_test"][:12]}))
    before, _ = gathered(folder, "report.seeds=1")
    for file_ in folder.rglob("*.yaml"):
        text = file_.read_text(encoding="utf-8").replace(str(tiny_file), str(tmp_path / "cut.npz"))
        file_.write_text(text, encoding="utf-8")
    evidence, begun = gathered(folder, "report.seeds=1")
    np.testing.assert_allclose(evidence.probabilities, before.probabilities[:, :12], atol=1e-6)
    number = evidence.winner.number
    assert begun == ["training the winner anew, 1 of 1", f"predicting with the checkpoint of trial {number}"]


def test_a_trial_with_another_test_set_is_not_compared(folder: Path, tiny_file: Path, tmp_path: Path) -> None:
    with np.load(tiny_file) as file:
        arrays = {name: file[name] for name in file.files}
    np.savez(tmp_path / "other.npz", **(arrays | {"y_test": arrays["y_test"][::-1]}))
    other = select(folder).ranked(2)[1].number
    config = SweepPaths(folder).trial(other).config
    text = config.read_text(encoding="utf-8").replace(str(tiny_file), str(tmp_path / "other.npz"))
    config.write_text(text, encoding="utf-8")
    evidence, _ = gathered(folder, "report.seeds=2", "report.top_trials=1")
    assert not evidence.others
    assert f"trial {other} has another test set; it is not compared with the winner." in evidence.notes[0]


@pytest.mark.parametrize("lost", ["missing", "cannot be loaded: .*CRC", "cannot be loaded"])
def test_a_checkpoint_that_is_lost_is_said_or_cannot_be_done_without(bare: Path, lost: str) -> None:
    winner = select(bare).winner.number
    model = SweepPaths(bare).trial(winner).model
    content = model.read_bytes()
    if lost == "missing":
        model.unlink()
    else:
        middle = len(content) // 2
        broken = bytes([content[middle] ^ 255]) if "CRC" in lost else b""
        model.write_bytes(content[:middle] + broken + (content[middle + 1 :] if broken else b""))
    with pytest.raises(StudyError, match=rf"{winner:04d}.best\.keras: the model .*{lost}"):
        gathered(bare, "report.refit=false")
    assert not SweepPaths(bare).report.folder.exists()
    if lost == "missing":
        evidence, _ = gathered(bare, "report.seeds=1")
        assert evidence.checkpoint is None
        assert evidence.notes == [f"{model}: the model of trial {winner} is missing."]


def test_robustness_is_measured_once_with_all_models(reported: Reported) -> None:
    steps = Counted()
    found = gatherer(reported.folder, "report.seeds=2", "report.robustness=true", steps=steps).robustness()
    assert (steps.begun, steps.done) == ([], NUM_DISTORTED)
    evidence, _ = gathered(reported.folder, "report.seeds=2")
    assert found is not None
    assert found.num_images == 20
    right = (evidence.probabilities.argmax(axis=2) == evidence.labels).mean(axis=1)
    for response in found.responses:
        np.testing.assert_allclose(response.accuracy[:, 0], right)
        np.testing.assert_allclose(response.confidence[:, 0], evidence.probabilities.max(axis=2).mean(axis=1))
    assert sum(len(response.strengths) - 1 for response in found.responses) + 1 == NUM_DISTORTED


def test_a_model_that_ends_in_logits_and_compiles_itself_gives_probabilities(
    run_sweep: RunSweep, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = [f"model._target_={module}.logits", "+model.width=8,16", "trials=1", "trainer.epochs=2", "name=logits"]
    folder = run_sweep(sweep).paths.folder
    evidence, _ = gathered(folder, "report.seeds=1")
    name = gatherer(folder, "report.seeds=1").names[0]
    outputs = said_by(SweepPaths(folder).report.model(name), folder).astype(np.float64)
    assert np.abs(outputs.sum(axis=1) - 1).max() > 0.01
    raised = np.exp(outputs)
    np.testing.assert_allclose(evidence.probabilities[0], raised / raised.sum(axis=1, keepdims=True), atol=1e-6)
    assert evidence.checkpoint is not None
    np.testing.assert_allclose(evidence.checkpoint.validation.sum(axis=1), 1)
    given = evidence.checkpoint.validation.argmax(axis=1) == evidence.checkpoint.validation_labels
    assert given.mean() == pytest.approx(evidence.winner.value)
    from mnistsweep.evaluation import retraining

    def diverging(*arguments: Any) -> None:
        raise LookupError("no such\nlayer")

    monkeypatch.setattr(retraining, "refit", diverging)
    with pytest.raises(
        SweepStopped, match=r"^trial 0 cannot be trained anew: LookupError: no such layer; report\.refit=false takes"
    ):
        gathered(folder, "report.seeds=2")


def test_a_fit_of_the_users_own_that_tells_its_end_alone_gets_all_its_epochs(run_sweep: RunSweep, module: str) -> None:
    overrides = [f"model._target_={module}.Fitted", "trials=1", "oracle=random", "trainer.epochs=12", "name=fitted"]
    folder = run_sweep(overrides).paths.folder
    assert select(folder).winner.result.best_epoch == 1
    assert select(folder).best_epoch == 12
    steps = Counted()
    evidence = gather(gatherer(folder, "report.seeds=1", steps=steps))
    assert evidence.retraining_curves is not None
    assert evidence.retraining_curves[["loss", "examples"]].to_numpy().tolist() == [[12, 180]]
    assert steps.done == 12


def test_outputs_that_are_no_probabilities_are_said_and_not_kept(bare: Path, module: str) -> None:
    one = gatherer(bare)
    build = import_module(module).bad
    for record, kind, message in zip(
        one.selection.ranked(2),
        ("logits", "wide"),
        (
            r"the outputs of its model are no probabilities of classes: .*must lie from 0 to 1, row ",
            r"the outputs of its model must be one for each of 4 classes, received \(20, 7\)\.",
        ),
        strict=True,
    ):
        build((6, 6, 1), 4, kind).save(SweepPaths(bare).trial(record.number).model)
        with pytest.raises(StudyError, match=rf"^trial {record.number}: {message}"):
            one.checkpoint(record)
    with pytest.raises(StudyError, match="are no probabilities"):
        gathered(bare, "report.refit=false")
    config = SweepPaths(bare).trial(one.selection.winner.number).config
    content = yaml.safe_load(config.read_text(encoding="utf-8"))
    config.write_text(yaml.safe_dump(content | {"model": {"_target_": f"{module}.bad", "kind": "wide"}}))
    with pytest.raises(StudyError, match="must be one for each of 4 classes"):
        gathered(bare, "report.seeds=2")
    assert kept(bare) == {}


def test_what_is_kept_is_asked_where_it_came_from(folder: Path) -> None:
    paths, first = SweepPaths(folder).report, gatherer(folder, "report.seeds=2")
    own = dataclasses.replace(first.selection, checksum="of other data")
    other = dataclasses.replace(first, selection=own)
    assert first.refits()[0].loss == predictions.read(paths.predictions(first.names[0])).loss  # type: ignore[union-attr]
    steps = Counted()
    dataclasses.replace(other, steps=steps).checkpoint(own.winner)
    assert steps.begun == [f"predicting with the checkpoint of trial {own.winner.number}"]
