"""A sweep folder, a report and a `best.yaml` of version 0.1 (commit 2380043): this version opens and continues them.

``fixtures/v0.1/sweep`` holds three completed trials, a fourth that was interrupted after epoch 34 of 40, and the models
and predictions of a report. ``completed.csv`` is the `results.csv` of the same sweep after version 0.1 completed it.
"""

from __future__ import annotations

import csv
import io
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from commands import command

import mnistsweep
from mnistsweep.config.compose import compose, to_config
from mnistsweep.config.recipe import Recipe
from mnistsweep.models import builders

FIXTURE = Path(__file__).parent / "fixtures" / "v0.1"

# The command that started the sweep.
OVERRIDES = (
    *("name=v01", "data=npz", "data.path=tiny.npz", "data.validation=60", "model=perceptron", "optimizer=adam,sgd"),
    *("model.layer_size=8,16", "model.dropout=interval(0,0.5)", "optimizer.momentum=0.9", "trainer.epochs=40"),
    *("trainer.batch_size=16", "trainer.threads=1", "oracle=random"),
)
INTERRUPTED_AFTER = 34

# When the winner's checkpoint was written, in nanoseconds: its kept predictions are valid for this file only.
CHECKPOINT_TIME = 1795688509885002430


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the sweep's folder, with its data in the working directory."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(FIXTURE / "tiny.npz", tmp_path)
    copy = Path(shutil.copytree(FIXTURE / "sweep", tmp_path / "logs" / "v01"))
    os.utime(copy / "trials" / "0001" / "best.keras", ns=(CHECKPOINT_TIME, CHECKPOINT_TIME))
    return copy


def rows(text: str) -> list[dict[str, str]]:
    return [{**row, "seconds": ""} for row in csv.DictReader(io.StringIO(text))]


def test_it_is_opened_from_python(folder: Path) -> None:
    sweep = mnistsweep.load_sweep(folder)
    assert list(sweep.trials["objective"]) == [0.8500000238418579, 0.9833333492279053, 0.949999988079071]
    assert sweep.curves.groupby("trial").size().to_dict() == {0: 40, 1: 40, 2: 40, 3: INTERRUPTED_AFTER}
    assert sweep.best is not None
    assert sweep.best["model"]["layer_size"] == 16
    report = mnistsweep.load_report(folder)
    assert report.probabilities.shape == (2, 40, 4)


def test_status_and_export_read_it(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    status = command(capfd, "status", str(folder))
    assert status.code == 0, status.err
    assert "3 completed" in status.out
    assert "trial 3 after 34 epochs, interrupted" in " ".join(status.out.split())
    exported = command(capfd, "export", str(folder))
    assert exported.out == (FIXTURE / "sweep" / "best.yaml").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_sweep_continues_where_it_was_interrupted(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    history = folder / "trials" / "0003" / "history.csv"
    before = history.read_text(encoding="utf-8")
    divided = "data.scaling=divide"  # was the default for files of arrays
    continued = command(capfd, "sweep", *OVERRIDES, divided, "trials=4")
    assert continued.code == 0, continued.err
    assert history.read_text(encoding="utf-8").startswith(before)
    assert len(history.read_text(encoding="utf-8").splitlines()) == 1 + 40
    expected = rows((FIXTURE / "completed.csv").read_text(encoding="utf-8"))
    found = rows((folder / "results.csv").read_text(encoding="utf-8"))
    assert found[:3] == expected[:3]
    # Another processor may round sums differently in the last six epochs; all else is the same to the last digit.
    measured = ("objective", "best_epoch")
    assert {k: v for k, v in found[3].items() if k not in measured} == {
        k: v for k, v in expected[3].items() if k not in measured
    }
    assert float(found[3]["objective"]) == pytest.approx(float(expected[3]["objective"]), abs=0.1)


def test_another_search_is_refused(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    refused = command(capfd, "sweep", *OVERRIDES, "trials=4", "model.activation=relu")
    assert refused.code != 0
    assert "model" in refused.err


@pytest.mark.slow
def test_a_report_uses_the_predictions_that_were_kept(
    folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("Keras was started, although all predictions are there")

    monkeypatch.setattr("mnistsweep.devices.start_keras", refuse)
    kept = {path: path.read_bytes() for path in (folder / "report" / "predictions").iterdir()}
    made = command(capfd, "report", str(folder), "report.seeds=2", "report.robustness=false")
    assert made.code == 0, made.err
    assert kept == {path: path.read_bytes() for path in (folder / "report" / "predictions").iterdir()}
    assert (folder / "report" / "index.html").is_file()


def test_best_yaml_composes_to_the_configuration_that_won(folder: Path) -> None:
    recipe = Recipe(config_name="best", folders=(f"file://{folder}", *Recipe().folders))
    config = to_config(compose(recipe))
    written = yaml.safe_load((folder / "best.yaml").read_text(encoding="utf-8"))
    assert (config.model, config.optimizer) == (written["model"], written["optimizer"])
    assert (config.seed, config.trainer.epochs) == (written["seed"], 40)


@pytest.mark.parametrize("name", ["conv_dense", "deep_conv", "fast_conv", "perceptron", "tiny_conv"])
def test_the_paths_of_the_built_in_models_stay_importable(name: str) -> None:
    from mnistsweep import models

    assert callable(getattr(models, name))
    assert builders.BUILDERS[f"mnistsweep.models.{name}"] is getattr(models, name)


@pytest.mark.parametrize("name", ["load_mnist", "load_fashion_mnist", "load_idx", "load_npz"])
def test_the_paths_of_the_built_in_loaders_stay_importable(name: str) -> None:
    from mnistsweep.data import sources

    assert callable(getattr(sources, name))


def test_checkpoints_are_loaded(folder: Path) -> None:
    import keras

    model = keras.saving.load_model(folder / "trials" / "0001" / "best.keras")
    with np.load(FIXTURE / "tiny.npz") as data:
        images, labels = data["x_train"][100:], data["y_train"][100:]
    accuracy = float(np.mean(model.predict(images[..., None] / 255, verbose=0).argmax(axis=1) == labels))
    assert accuracy == pytest.approx(0.9833333492279053, abs=1e-6)
