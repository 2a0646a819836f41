"""Cross-validation: each trial is trained once a fold, and its objective is the mean."""

from __future__ import annotations

import gc
import math
import statistics
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
from interrupted_trainings import InterruptedTraining, assert_same, make_training, without_seconds
from sklearn.model_selection import StratifiedKFold
from sklearn.utils.class_weight import compute_class_weight

from mnistsweep import data
from mnistsweep.checksums import file_checksum
from mnistsweep.config.compose import compose, to_config
from mnistsweep.config.recipe import Recipe
from mnistsweep.paths import TrialPaths
from mnistsweep.seeds import repeat_seed
from mnistsweep.study.records import CheckpointRecord, Result, State
from mnistsweep.training.outcome import Outcome, RepeatResult, summarize
from mnistsweep.training.trainer import Hooks

FOLDS = 3
NO_HOOKS = Hooks()


@pytest.fixture
def folded(tiny_data: list[str]) -> list[str]:
    gc.freeze()
    return [*tiny_data, "data.validation=10000", f"data.folds={FOLDS}", "model=perceptron", "seed=5"]


def run(overrides: Sequence[str], folder: Path, hooks: Hooks = NO_HOOKS) -> Outcome:
    folder.mkdir(exist_ok=True)
    return make_training(overrides, folder, hooks).run()


def curve(folder: Path) -> pd.Series[float]:
    return pd.read_csv(folder / "history.csv", dtype=str)["val_accuracy"].astype(float)


def test_the_objective_is_the_mean_that_plain_keras_gives_on_scikit_learns_folds(
    folded: list[str], tiny_file: Path, tmp_path: Path
) -> None:
    """A batch holds the whole training set, so that the order of the examples does not matter."""
    whole = ["trainer.batch_size=180", "trainer.epochs=6", "optimizer.learning_rate=0.02", "trainer.metrics=[accuracy]"]
    found = run([*folded, *whole], tmp_path / "trial").result
    with np.load(tiny_file) as arrays:
        x, y = arrays["x_train"][..., None].astype("float32") / 255, arrays["y_train"]
    config = to_config(compose(Recipe((*folded, *whole))))
    best, losses = [], []
    parts = StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(x, y)
    for fold, (train, validation) in enumerate(parts):
        keras.utils.set_random_seed(repeat_seed(5, fold))
        model = make_training([*folded, *whole], tmp_path / "unused").build()
        model.compile(keras.optimizers.Adam(0.02), config.trainer.loss, metrics=["accuracy"])
        history = model.fit(
            x[train], y[train], batch_size=180, epochs=6, validation_data=(x[validation], y[validation]), verbose=0
        ).history
        best.append(max(history["val_accuracy"]))
        losses.append(history["val_loss"][0])
    assert found.objective == pytest.approx(statistics.fmean(best), abs=1e-6)
    assert len({*best}) > 1
    assert found.standard_error == pytest.approx(statistics.stdev(best) / math.sqrt(FOLDS), abs=1e-6)
    curves = [pd.read_csv(tmp_path / "trial" / name / "history.csv") for name in (".", "fold-1", "fold-2")]
    assert [one["val_loss"].iloc[0] for one in curves] == pytest.approx(losses, rel=1e-4)
    assert found.best_epoch == sorted(one["val_accuracy"].idxmax() + 1 for one in curves)[1]
    assert (found.epochs, found.std) == (18, None)
    check_checkpoint(found, TrialPaths(tmp_path / "trial"), data.load(config.data))


def test_balanced_weights_are_those_of_the_training_part_of_each_fold(
    folded: list[str], tiny_file: Path, tmp_path: Path
) -> None:
    """The number of examples of a class is no multiple of the folds, so each fold has weights of its own."""
    with np.load(tiny_file) as arrays:
        content = dict(arrays)
    x, y = content["x_train"], np.sort(np.random.default_rng(0).integers(0, 10, len(content["y_train"])))
    keep = np.concatenate([np.flatnonzero(y)[::2], np.flatnonzero(y == 0)])  # an uneven number of each class
    x, y = x[keep], y[keep].astype(np.uint8)
    file = tmp_path / "uneven.npz"
    np.savez(file, **{**content, "x_train": x, "y_train": y})
    size = f"trainer.batch_size={len(x)}"
    own = [
        f"data.path={file}",
        size,
        "trainer.epochs=2",
        "optimizer.learning_rate=0.02",
        "trainer.class_weight=balanced",
    ]
    run([*folded, *own], tmp_path / "trial")
    x = x[..., None].astype("float32") / 255
    parts = list(StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(x, y))
    all_weights = [compute_class_weight("balanced", classes=np.arange(10), y=y[train]) for train, _ in parts]
    assert not np.allclose(all_weights[0], all_weights[1])
    fold, (train, validation) = 1, parts[1]
    keras.utils.set_random_seed(repeat_seed(5, fold))
    model = make_training([*folded, *own], tmp_path / "unused").build()
    model.compile(keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy", metrics=["accuracy"])
    expected = model.fit(
        x[train], y[train], batch_size=len(x), epochs=2, verbose=0,
        validation_data=(x[validation], y[validation]), class_weight=dict(enumerate(all_weights[fold])),
    ).history  # fmt: skip
    found = pd.read_csv(tmp_path / "trial" / "fold-1" / "history.csv")
    for name in ("loss", "val_loss"):
        assert found[name].tolist() == pytest.approx(expected[name], rel=1e-4)


def check_checkpoint(found: Result, paths: TrialPaths, first: data.Dataset) -> None:
    """The checkpoint is that of the first fold, with its own objective on the split that `data.load` returns."""
    score = curve(paths.folder).max()
    assert found.checkpoint == CheckpointRecord(file_checksum(paths.model), score)
    images, labels = first.validation.inputs, first.labels(first.validation)
    measured = keras.models.load_model(paths.model).evaluate(images, labels, verbose=0, return_dict=True)
    assert measured["accuracy"] == pytest.approx(score, abs=1e-6)
    assert score != found.objective


@pytest.mark.slow
def test_folds_are_repeated_as_a_whole(folded: list[str], tmp_path: Path) -> None:
    counts: list[int] = []
    hooks = Hooks(report_folds=lambda folds, mean: bool(counts.append(folds)))
    outcome = run([*folded, "trainer.epochs=1", "trainer.repeats=2"], tmp_path / "trial", hooks)
    assert (counts, outcome.state) == ([2], State.COMPLETED), "neither the last fold nor another repeat is reported"
    found = outcome.result
    names = [".", "fold-1", "fold-2", "repeat-1", "repeat-1-fold-1", "repeat-1-fold-2"]
    scores = [curve(tmp_path / "trial" / name).max() for name in names]
    assert found.objective == statistics.fmean(scores)
    by_fold = [statistics.fmean(scores[fold::3]) for fold in range(3)]
    assert found.standard_error == pytest.approx(statistics.stdev(by_fold) / math.sqrt(3))
    assert found.checkpoint is not None
    assert found.checkpoint.objective == max(scores[0], scores[3])


def test_a_trial_is_pruned_between_folds(folded: list[str], tmp_path: Path) -> None:
    epochs: list[int] = []
    means: list[tuple[int, float]] = []
    hooks = Hooks(
        report_objective=lambda epoch, value: bool(epochs.append(epoch)),
        report_folds=lambda folds, mean: means.append((folds, mean)) is None,
    )
    outcome = run([*folded, "trainer.epochs=2"], tmp_path / "trial", hooks)
    scores = [curve(tmp_path / "trial" / name).max() for name in (".", "fold-1")]
    assert epochs == [1, 2], "the epochs of the first fold only"
    assert means == [(2, statistics.fmean(scores))]
    assert outcome.state is State.PRUNED
    assert (outcome.result.reason, outcome.result.epochs) == ("pruned after fold 2 of 3", 4)
    assert outcome.result.objective == statistics.fmean(scores)
    assert not (tmp_path / "trial" / "fold-2").exists()


@pytest.mark.slow
def test_a_training_is_killed_in_its_folds(tmp_path: Path, tiny_data: list[str]) -> None:
    gc.freeze()
    overrides = [f"data.folds={FOLDS}", "model.dropout=0.2", "trainer.epochs=2"]
    whole, killed = (
        InterruptedTraining(tmp_path / name, tiny_data, overrides, killer=", epoch: 2") for name in ("whole", "killed")
    )
    killed.request_kill("no", "yes")
    killed.run_killed()
    outcome = killed.run()
    assert without_seconds(outcome) == without_seconds(whole.run())
    assert_same(killed, whole, (".", "fold-1", "fold-2"))
    assert killed.started == [1, 2, 1, 2, 2, 1, 2], "it continues with the second epoch of the second fold"
    assert outcome.result.epochs == 6


def test_the_spread_is_named() -> None:
    results = [RepeatResult(value, best_epoch, 4, None) for value, best_epoch in ((0.5, 1), (0.75, 4), (0.5, 2))]
    found = summarize(results, "max", 1.0, folds=3).result
    assert found.best_epoch == 2
    assert found.spread_text == " (standard error over folds 0.08333)"
    assert summarize(results, "max", 1.0).result.spread_text == " (standard deviation over repeats 0.1443)"
    assert Result(0.5).spread_text == ""
