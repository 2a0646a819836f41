"""`mnistsweep clean` on a real sweep over tiny data: results, files and errors."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from easy import write_easy_data

from mnistsweep.analysis.treatments import ARMS
from mnistsweep.commands.clean import clean
from mnistsweep.config.overrides import quoted
from mnistsweep.config.recipe import Recipe
from mnistsweep.errors import SweepStopped, TrialFailed
from mnistsweep.locks import exclusive_lock
from mnistsweep.paths import SweepPaths
from mnistsweep.planning.opening import open_sweep
from mnistsweep.planning.planner import plan_sweep
from mnistsweep.report_paths import CleanPaths
from mnistsweep.stop_signal import StopSignal

OPTIONS = ["clean.plant=0.05", "clean.seeds=1"]

# One trial that trains in a fraction of a second. `clean.folds` of the sweep applies to the experiment, too.
SWEEP = [
    *("model=perceptron", "model.layer_size=16,17", "trials=1", "name=search", "clean.folds=2"),
    *("data=npz", "data.validation=60", "data.validation_from=first"),
    *("trainer.epochs=5", "trainer.batch_size=16", "optimizer.learning_rate=0.03"),
]


@dataclass(frozen=True)
class Cleaned:
    """A sweep with its experiment, a copy from before the training, and the output of the command."""

    folder: Path
    before: Path
    data: Path
    printed: str

    @property
    def files(self) -> CleanPaths:
        return SweepPaths(self.folder).clean

    @property
    def summary(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.files.summary.read_text(encoding="utf-8"))
        return found


@pytest.fixture(scope="module")
def cleaned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cleaned]:
    from mnistsweep.workers.worker import work

    place, environment = tmp_path_factory.mktemp("clean"), dict(os.environ)
    file = write_easy_data(place)
    plan = plan_sweep(Recipe(), [*SWEEP, f"logs={quoted(str(place))}", f"data.path={quoted(str(file))}"])
    open_sweep(plan)
    shutil.copytree(plan.paths.folder, place / "before")
    with StopSignal() as stop:
        work(plan.paths.folder, 0, "test", stop)
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        clean(plan.paths.folder, OPTIONS)
    yield Cleaned(plan.paths.folder, place / "before", file, printed.getvalue())
    os.environ.clear()
    os.environ.update(environment)


def trainings(printed: str) -> list[str]:
    """Titles of the trainings from printed lines such as `3 of 7: nothing removed, seed 1 of 1`."""
    return re.findall(r"^\d+ of \d+: (.*)$", printed, re.MULTILINE)


def read_rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def test_planted_errors_are_found_and_the_arms_compared(cleaned: Cleaned) -> None:
    folds = [f"out-of-fold predictions, fold {fold}" for fold in (1, 2)]
    assert trainings(cleaned.printed) == [*folds, *(f"{what}, seed 1 of 1" for what in ARMS.values())]
    summary = cleaned.summary
    assert (summary["examples"], summary["validation"], summary["identity"]["epochs"]) == (240, 60, 5)
    assert summary["planted"]["num_planted"] == 12
    assert summary["planted"]["recall"] >= 0.9
    assert summary["sentence"].startswith("One seed per arm gives no interval")
    assert summary["sentence"] in cleaned.printed
    rows = {row["arm"]: row for row in read_rows(cleaned.files.runs)}
    assert list(rows) == list(ARMS)
    suspected = str(summary["suspected"])
    assert [row["removed"] for row in rows.values()] == ["0", suspected, suspected, "0", suspected]
    assert all(float(row["accuracy"]) > 0.8 and 0 < float(row["loss"]) < 1 for row in rows.values())


def test_folds_have_predictions_and_the_first_suspects_are_saved(cleaned: Cleaned) -> None:
    with np.load(cleaned.files.folds) as kept:
        assert np.bincount(kept["fold"]).tolist() == [120, 120]
        assert kept["probabilities"].shape == (240, 4)
        np.testing.assert_allclose(kept["probabilities"].sum(axis=1), 1, atol=1e-5)
        assert len(kept["planted"]) == 12
    with np.load(cleaned.files.images) as kept:
        images = kept["images"]
    rows = read_rows(cleaned.files.suspects)
    with np.load(cleaned.data) as source:
        assert (images.shape, images.dtype) == ((40, 6, 6), np.uint8)
        shown = source["x_train"][[int(row["index"]) for row in rows]]
        np.testing.assert_allclose(images / images.max(), shown / source["x_train"].max(), atol=0.03)


def test_suspects_have_their_positions_in_the_data_source(cleaned: Cleaned) -> None:
    rows, summary = read_rows(cleaned.files.suspects), cleaned.summary
    margins = [float(row["normalized_margin"]) for row in rows]
    assert len(rows) == 40
    assert margins == sorted(margins)
    assert sum(row["suspected"] == "True" for row in rows) == summary["suspected"]
    assert sum(row["planted"] == "True" for row in rows[:12]) == round(12 * summary["planted"]["recall"])
    with np.load(cleaned.data) as source:  # the first 60 of it validate
        labels = source["y_train"]
    assert min(int(row["index"]) for row in rows) >= 60
    for row in rows:
        assert (labels[int(row["index"])] != int(row["label"])) == (row["planted"] == "True")


def test_a_repeated_training_gives_the_same_result(
    cleaned: Cleaned, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = SweepPaths(shutil.copytree(cleaned.folder, tmp_path / "copy")).clean

    def known() -> set[tuple[str, ...]]:
        return {(row["arm"], row["accuracy"], row["loss"]) for row in read_rows(files.runs)}

    before, lines = known(), files.runs.read_text(encoding="utf-8").splitlines()
    files.runs.write_text("\n".join(line for line in lines if not line.startswith("corrected")), encoding="utf-8")
    clean(tmp_path / "copy", OPTIONS)
    assert trainings(capsys.readouterr().out) == ["suspected labels corrected, seed 1 of 1"]
    assert known() == before


def test_a_failed_training_is_an_error_with_its_reason(
    cleaned: Cleaned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mnistsweep.evaluation import retraining

    def diverging(*arguments: Any) -> None:
        raise TrialFailed("the loss of epoch 1 is nan")

    shutil.copytree(cleaned.folder, tmp_path / "copy")
    monkeypatch.setattr(retraining, "retrain", diverging)
    with pytest.raises(SweepStopped, match=r"the training failed: .*the loss of epoch 1 is nan; repeat the command"):
        clean(tmp_path / "copy", ["clean.plant=0"])


# Runs commands in a separate process; prints the output of each, and the imported Keras modules.
CHILD = """
import contextlib, io, json, sys
from pathlib import Path
from mnistsweep.commands.clean import clean
from mnistsweep.errors import MnistSweepError
said = []
for folder, options in json.loads(sys.argv[1]):
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        try:
            clean(Path(folder), options)
            said.append(printed.getvalue())
        except MnistSweepError as error:
            said.append(f"{type(error).__name__}: {error}")
print(json.dumps([said, sorted({"keras", "tensorflow"} & set(sys.modules))]))
"""


def test_finished_experiments_are_printed_and_errors_are_raised_without_keras(cleaned: Cleaned, tmp_path: Path) -> None:
    fresh, gone = (shutil.copytree(cleaned.folder, tmp_path / name) for name in ("fresh", "gone"))
    for folder in (fresh, gone):
        shutil.rmtree(folder / "clean")
    for file in (gone / "sweep.yaml", gone / "trials" / "0000" / "config.yaml"):
        file.write_text(file.read_text(encoding="utf-8").replace("easy.npz", "lost.npz"), encoding="utf-8")
    refused = {
        (cleaned.before, ()): r"StudyError: .*before: no trial has completed yet",
        (gone, ()): r"DataError: .*gone: the data of this sweep can no longer be loaded.*lost\.npz",
        (fresh, ("clean.plnt=0.1",)): r"ConfigError: .*clean\.plnt.*did you mean 'clean\.plant'",
        (fresh, ("report.seeds=2",)): r"ConfigError: .*report\.seeds=2",
        (fresh, ("clean.plant=0.6",)): r"ConfigError: clean\.plant: must be between 0 and 0\.5; received 0\.6",
        (
            fresh,
            ("clean.folds=90",),
        ): r"DataError: .*class \d has \d+ examples in the training split, received 90 folds",
        (fresh.parent / "frsh", ()): r"StudyError: .*frsh.*no sweep found",
        (
            cleaned.folder,
            ("clean.plant=0",),
        ): r"StudyError: .*another `mnistsweep clean` is running here\. Repeat",
    }
    cases = [(str(cleaned.folder), OPTIONS), *((str(folder), options) for folder, options in refused)]
    with exclusive_lock(cleaned.files.lock):
        command = [sys.executable, "-c", CHILD, json.dumps(cases)]
        child = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, encoding="utf-8")
    (shown, *said), heavy = json.loads(child.stdout)
    assert shown.splitlines() == cleaned.printed.splitlines()[7:]
    for message, expected in zip(said, refused.values(), strict=True):
        assert re.match(expected, message), message
    assert heavy == []
    assert not (fresh / "clean").exists()
