"""Reports of real sweeps over every kind of data and target: each number follows from what Keras predicts."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import keras
import numpy as np
import pytest
from commands import command
from sklearn import metrics

from mnistsweep.commands.report import report
from mnistsweep.commands.show import show
from mnistsweep.config.recipe import Recipe
from mnistsweep.errors import DataError
from mnistsweep.evaluation.report import Report, load_report
from mnistsweep.planning.opening import open_sweep
from mnistsweep.planning.planner import plan_sweep
from mnistsweep.stop_signal import StopSignal
from mnistsweep.workers.worker import work

MODULE = """
import keras
import numpy as np
import pandas as pd
from keras import layers
from sklearn import datasets, preprocessing

def two_outputs():
    x = np.random.default_rng(7).normal(size=(160, 4)).astype("float32")
    y = {"sum": x.sum(axis=1), "sign": np.where(x[:, 0] > 0, "plus", "minus")}
    return tuple((x[part], {name: one[part] for name, one in y.items()}) for part in (slice(120), slice(120, 160)))

def branched(input_shape, rate):
    x = layers.Dense(16, "relu")(inputs := keras.Input(input_shape))
    outputs = {"sum": layers.Dense(1, name="sum")(x), "sign": layers.Dense(1, "sigmoid", name="sign")(x)}
    model = keras.Model(inputs, outputs)
    losses = {"sum": "mse", "sign": "binary_crossentropy"}
    model.compile(keras.optimizers.Adam(rate), losses, metrics={"sum": "mae", "sign": "accuracy"})
    return model

def ratings():
    rng = np.random.default_rng(1)
    y = rng.integers(0, 5, 200)
    x = pd.DataFrame({"length": y + rng.normal(0, 0.2, 200), "noise": rng.normal(size=200)}).astype("float32")
    return (x[:150], pd.Series(y[:150], name="stars")), (x[150:], pd.Series(y[150:], name="stars"))

def dense(input_shape, rate):
    model = keras.Sequential([keras.Input(input_shape), layers.Dense(16, "relu"), layers.Dense(1)])
    model.compile(keras.optimizers.Adam(rate), "mse", metrics=["mae"])
    return model

def cancer():
    x, y = datasets.load_breast_cancer(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    x, y = preprocessing.scale(x).astype("float32")[order], y[order]
    return (x[:450], y[:450]), (x[450:], y[450:])

def logistic(input_shape, rate):
    model = keras.Sequential([keras.Input(input_shape), layers.Dense(8, "relu"), layers.Dense(1, "sigmoid")])
    model.compile(keras.optimizers.Adam(rate), "binary_crossentropy", metrics=["accuracy"])
    return model

def separated(input_shape, rate):  # a support vector machine: margins of the hinge loss
    model = keras.Sequential([keras.Input(input_shape), layers.Dense(1)])
    model.compile(keras.optimizers.Adam(rate), "hinge", metrics=[keras.metrics.BinaryAccuracy(threshold=0.0)])
    return model

def parts():
    (x, y), (x_test, y_test) = cancer()
    return tuple(({"first": a[:, :10], "rest": a[:, 10:]}, b) for a, b in ((x, y), (x_test, y_test)))

def merged(input_shape, rate):
    inputs = {name: keras.Input(shape, name=name) for name, shape in input_shape.items()}
    x = layers.Dense(8, "relu")(layers.Concatenate()(list(inputs.values())))
    model = keras.Model(inputs, layers.Dense(1, "sigmoid")(x))
    model.compile(keras.optimizers.Adam(rate), "binary_crossentropy", metrics=["accuracy"])
    return model
"""

Made = Callable[..., Path]


@pytest.fixture
def sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Made]:
    """Run a sweep of one trial over a user's data and model, with a worker in this process; returns its folder."""
    name = f"kinds_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    before = dict(os.environ)  # a worker sets variables for the backend

    def run(source: str, model: str, *more: str) -> Path:
        targets = ["data=custom", f"data._target_={name}.{source}", f"model._target_={name}.{model}"]
        own = ["+model.rate=0.03,0.02", "data.validation=0.2", "trainer.batch_size=32", "trials=1", "name=kind"]
        plan = plan_sweep(Recipe(), [*targets, *own, *more])
        open_sweep(plan)
        with StopSignal() as stop:
            work(plan.paths.folder, 0, "test", stop)
        return plan.paths.folder

    yield run
    os.environ.clear()
    os.environ.update(before)


def predicted(one: Report) -> list[np.ndarray | dict[str, np.ndarray]]:
    """What Keras predicts with the saved models of a report."""
    files = sorted((one.paths.report.folder / "models").glob("*.keras"))
    return [keras.saving.load_model(file).predict(one.held_out.inputs, verbose=0) for file in files]


@pytest.mark.slow
def test_several_outputs(sweep: Made, capfd: pytest.CaptureFixture[str]) -> None:
    folder = sweep("two_outputs", "branched", "trainer.epochs=8", "objective=val_sum_mae", "direction=min")
    made = report(folder, ["report.seeds=1"])
    printed = capfd.readouterr().out
    one = load_report(folder)
    (plain,) = predicted(one)
    assert isinstance(plain, dict)
    truth = one.held_out.targets
    numbers, classes = one.outputs["sum"], one.outputs["sign"]
    np.testing.assert_allclose(numbers.predictions[0], plain["sum"], atol=1e-5)
    assert numbers.scores.committee.mae[0] == pytest.approx(np.abs(plain["sum"][:, 0] - truth["sum"]).mean(), abs=1e-5)
    assert classes.names == ["minus", "plus"]
    accuracy = ((plain["sign"][:, 0] > 0.5) == (truth["sign"] == "plus")).mean()
    assert classes.scores.mean == one.mistakes.right.size / 40 == accuracy
    assert f"sum: test MAE: {numbers.scores.committee.mae[0]:.4g}" in printed
    assert f"sign: test accuracy: {100 * accuracy:.2f} %" in printed
    assert made.failed == {}
    html = made.index.read_text(encoding="utf-8")
    for heading in ("sum: Errors", "sum: Residuals", "sign: Misclassified rows", "sign: Thresholds"):
        assert f"<h2>{heading}</h2>" in html
    with pytest.raises(DataError, match=r"must have one output; received 'sign', 'sum'; use report.outputs\[NAME\]"):
        _ = one.output
    show(folder, 3)
    lines = capfd.readouterr().out.splitlines()
    assert lines[0].startswith("row 3, sign: label ")
    assert "row 3, sum:" in lines
    assert any(line.startswith("input 0: ") for line in lines)
    before = [file.stat().st_mtime_ns for file in sorted(folder.glob("report/predictions/*"))]
    assert report(folder, ["report.seeds=1"]).failed == {}
    assert [file.stat().st_mtime_ns for file in sorted(folder.glob("report/predictions/*"))] == before


def test_ratings_are_numbers_for_a_model_of_one_output(sweep: Made, capfd: pytest.CaptureFixture[str]) -> None:
    folder = sweep("ratings", "dense", "trainer.epochs=3", "objective=val_mae")
    made = report(folder, ["report.seeds=1"])
    one = load_report(folder)
    assert one.output.kind == "regression"
    assert (one.output.names, one.words.many) == (["stars"], "rows")
    mean = np.mean(predicted(one), axis=0)
    truth = one.held_out.targets
    committee = one.output.scores.committee
    assert committee.mae[0] == pytest.approx(metrics.mean_absolute_error(truth, mean), abs=1e-5)
    assert committee.r2[0] == pytest.approx(metrics.r2_score(truth, mean), abs=1e-5)
    html = made.index.read_text(encoding="utf-8")
    assert "Calibration: left out; the model predicts numbers." in html
    assert "noise" in html[html.index('id="worst"') :]
    answer = command(capfd, "show", str(folder), "0", "--next-wrong")
    assert (answer.code, answer.out) == (2, "")
    assert "--next-wrong: needs a model that predicts classes" in answer.err
    assert answer.err.count("\n") == 1
    answer = command(capfd, "report", str(folder), "report.class_names=[a,b]")
    assert answer.code == 2
    assert "report.class_names: must be 5 names" in answer.err
    answer = command(capfd, "clean", str(folder))
    assert answer.code == 2
    assert "clean: needs a model that predicts class probabilities; received the kind 'regression'" in answer.err


@pytest.mark.slow
def test_two_classes_have_the_areas_of_scikit_learn(sweep: Made) -> None:
    folder = sweep("cancer", "logistic", "trainer.epochs=8")
    assert report(folder, ["report.seeds=1"]).failed == {}
    one = load_report(folder)
    (plain,) = predicted(one)
    assert isinstance(plain, np.ndarray)
    html = one.paths.report.page.read_text(encoding="utf-8")
    area = metrics.roc_auc_score(one.labels, plain[:, 0])
    assert f"<strong>{area:.4f}</strong>" in html
    assert f"<strong>{metrics.average_precision_score(one.labels, plain[:, 0]):.4f}</strong>" in html


@pytest.mark.slow
def test_margins_rank_and_have_no_calibration(sweep: Made, capfd: pytest.CaptureFixture[str]) -> None:
    folder = sweep("cancer", "separated", "trainer.epochs=8", "objective=val_binary_accuracy")
    made = report(folder, ["report.seeds=1"])
    assert made.failed == {}
    one = load_report(folder)
    (plain,) = predicted(one)
    assert isinstance(plain, np.ndarray)
    margins = plain[:, 0]
    assert margins.min() < 0 < margins.max()
    right = (margins > 0) == one.labels
    assert one.output.scores.mean == right.mean()
    np.testing.assert_array_equal(np.argsort(one.probabilities[0, :, 1]), np.argsort(margins))
    page = made.index.read_text(encoding="utf-8")
    assert "Calibration, thresholds, log loss and robustness: left out; the outputs of the model are margins" in page
    assert "log-loss" not in page
    assert '<section id="calibration"' not in page
    capfd.readouterr()
    show(folder, 3)
    assert "scaled margin" in capfd.readouterr().out
    answer = command(capfd, "clean", str(folder), "clean.plant=0.05", "clean.folds=3", "clean.seeds=1")
    assert answer.code == 0, answer.err
    rows = (folder / "clean" / "suspects.csv").read_text(encoding="utf-8").splitlines()
    at = rows[0].split(",").index("planted")
    assert sum(row.split(",")[at] == "True" for row in rows[1:19]) >= 12


@pytest.mark.slow
@pytest.mark.parametrize(("source", "model"), [("cancer", "logistic"), ("parts", "merged")])
def test_planted_label_errors_of_a_table_are_found(
    source: str, model: str, sweep: Made, capfd: pytest.CaptureFixture[str]
) -> None:
    """Also with several inputs."""
    folder = sweep(source, model, "trainer.epochs=12")
    answer = command(capfd, "clean", str(folder), "clean.plant=0.05", "clean.folds=3", "clean.seeds=1")
    assert answer.code == 0, answer.err
    suspects = (folder / "clean" / "suspects.csv").read_text(encoding="utf-8").splitlines()
    columns = suspects[0].split(",")
    assert "input: input 0" in columns or "input: first.0" in columns
    planted = [row.split(",")[columns.index("planted")] == "True" for row in suspects[1:]]
    assert sum(planted[:18]) >= 12, "18 labels were planted; the first 18 of the ranking hold most of them"
