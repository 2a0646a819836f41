"""`mnistsweep clean` on a real sweep over tiny data: what it finds, what it leaves, and how it goes on."""

from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import RunSweep

from mnistsweep.analysis.cleaning import ARMS
from mnistsweep.cleaning import clean
from mnistsweep.config.compose import Recipe, quoted
from mnistsweep.errors import ConfigError, DataError, StudyError, SweepStopped, TrialFailed
from mnistsweep.paths import CleanPaths, SweepPaths
from mnistsweep.planning import plan_sweep
from mnistsweep.steps import Steps
from mnistsweep.sweeping import open_sweep

OPTIONS = ["clean.plant=0.05", "clean.seeds=1"]

# One trial whose model learns in a fraction of a second; the sweep's own options of the experiment hold, too.
SWEEP = [
    *("model.layer_size=32,33", "trials=1", "name=search", "data.validation_from=first", "clean.folds=2"),
    "objective=val_loss",  # the best epoch is a late one
    *("trainer.epochs=12", "trainer.batch_size=16", "optimizer.learning_rate=0.03"),
]


@pytest.fixture(scope="module")
def easy_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As `tiny_file`, but with more examples and less noise: a wrong label is seen by a model, if it is seen at all."""
    rng = np.random.default_rng(12)
    labels = (np.arange(320) % 4).astype(np.uint8)
    images = rng.integers(0, 120, (320, 6, 6))
    for image, label in zip(images, labels, strict=True):
        row, column = 3 * (label // 2), 3 * (label % 2)
        image[row : row + 3, column : column + 3] += 60
    file = tmp_path_factory.mktemp("data") / "easy.npz"
    images = images.astype(np.uint8)
    np.savez(file, x_train=images[:300], y_train=labels[:300], x_test=images[300:], y_test=labels[300:])
    return file


def read_rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def trainings(text: str) -> list[str]:
    """What was trained, from the lines that were printed: `3 of 8: nothing removed, seed 1 of 1`."""
    return re.findall(r"^\d+ of \d+: (.*)$", text, re.MULTILINE)


class Killed(BaseException):
    """Somebody pulled the plug."""


@pytest.fixture
def die(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path, list[str]], None]:
    """Run an experiment that dies as its second training begins."""
    begin = Steps.begin

    def run(folder: Path, options: list[str]) -> None:
        begun: list[str] = []

        def dying(steps: Steps, what: str) -> None:
            begun.append(what)
            if len(begun) == 2:
                raise Killed
            begin(steps, what)

        with monkeypatch.context() as patch:
            patch.setattr(Steps, "begin", dying)
            with pytest.raises(Killed):
                clean(folder, options)

    return run


def test_planted_errors_are_found_and_an_interrupted_experiment_goes_on(
    run_sweep: RunSweep, easy_file: Path, die: Callable[[Path, list[str]], None], capsys: pytest.CaptureFixture[str]
) -> None:
    paths = run_sweep([*SWEEP, f"data.path={quoted(str(easy_file))}"]).paths
    files = paths.clean
    die(paths.folder, OPTIONS)
    assert trainings(capsys.readouterr().out) == ["judging the training labels, fold 1"]
    assert [path.name for path in files.folder.iterdir()] == ["folds.npz"]

    clean(paths.folder, OPTIONS)
    printed = capsys.readouterr().out
    folds = ["judging the training labels, fold 2"]
    assert trainings(printed) == [*folds, *(f"{what}, seed 1 of 1" for what in ARMS.values())]
    summary = json.loads(files.summary.read_text(encoding="utf-8"))
    assert summary["planted"]["num_planted"] == 12
    assert summary["planted"]["recall"] >= 0.9
    assert summary["sentence"].startswith("One seed an arm gives no interval")
    assert summary["sentence"] in printed
    check_folds(files.folds)
    check_suspects(files.suspects, easy_file, summary)
    check_runs(files.runs, summary)
    with np.load(files.images) as kept:
        assert (kept["images"].shape, kept["images"].dtype) == ((40, 6, 6), np.uint8)
    check_that_it_is_shown_without_keras(paths.folder, printed)
    check_that_a_lost_run_is_repeated(paths.folder, files, capsys)
    check_that_more_seeds_go_on_from_fewer(paths.folder, files, capsys)
    die(paths.folder, [*OPTIONS, "clean.plant=0"])
    printed = capsys.readouterr().out
    assert printed.splitlines()[0] == "clean/ holds the experiment of another winner or other options; it begins anew"
    assert trainings(printed) == ["judging the training labels, fold 1"]
    assert [path.name for path in files.folder.iterdir()] == ["folds.npz"]
    with np.load(files.folds) as kept:
        assert len(kept["planted"]) == 0


def check_folds(file: Path) -> None:
    with np.load(file) as kept:
        assert np.bincount(kept["fold"]).tolist() == [120, 120]
        assert kept["probabilities"].shape == (240, 4)
        np.testing.assert_allclose(kept["probabilities"].sum(axis=1), 1, atol=1e-5)
        assert len(kept["planted"]) == 12


def check_suspects(file: Path, source: Path, summary: dict[str, Any]) -> None:
    rows = read_rows(file)
    margins = [float(row["normalized_margin"]) for row in rows]
    assert len(rows) == 40
    assert margins == sorted(margins)
    assert sum(row["suspected"] == "True" for row in rows) == summary["suspected"]
    assert sum(row["planted"] == "True" for row in rows[:12]) == round(12 * summary["planted"]["recall"])
    with np.load(source) as file_:  # the first 60 of it validate
        labels = file_["y_train"]
    assert min(int(row["index"]) for row in rows) >= 60
    for row in rows:
        assert (labels[int(row["index"])] != int(row["label"])) == (row["planted"] == "True")


def check_runs(file: Path, summary: dict[str, Any]) -> None:
    rows = {row["arm"]: row for row in read_rows(file)}
    assert list(rows) == list(ARMS)
    suspected = str(summary["suspected"])
    assert [row["removed"] for row in rows.values()] == ["0", suspected, suspected, "0", suspected]
    assert all(float(row["accuracy"]) > 0.8 and 0 < float(row["loss"]) < 1 for row in rows.values())


def check_that_it_is_shown_without_keras(folder: Path, printed: str) -> None:
    code = (
        "import sys; from pathlib import Path; from mnistsweep.cleaning import clean; "
        f"clean(Path({str(folder)!r}), {OPTIONS!r}); sys.exit('keras' in sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, encoding="utf-8")
    assert shown.stdout.splitlines() == printed.splitlines()[6:]


def check_that_a_lost_run_is_repeated(folder: Path, files: CleanPaths, capsys: pytest.CaptureFixture[str]) -> None:
    """It alone is trained again, and gives what it gave."""

    def known() -> set[tuple[str, ...]]:
        return {(row["arm"], row["accuracy"], row["loss"]) for row in read_rows(files.runs)}

    before, lines = known(), files.runs.read_text(encoding="utf-8").splitlines()
    files.runs.write_text("\n".join(line for line in lines if not line.startswith("corrected")), encoding="utf-8")
    files.summary.unlink()
    clean(folder, OPTIONS)
    assert trainings(capsys.readouterr().out) == ["suspected labels corrected, seed 1 of 1"]
    assert known() == before


def check_that_more_seeds_go_on_from_fewer(folder: Path, files: CleanPaths, capsys: pytest.CaptureFixture[str]) -> None:
    clean(folder, [*OPTIONS, "clean.seeds=2"])
    printed = capsys.readouterr().out
    assert trainings(printed) == [f"{what}, seed 2 of 2" for what in ARMS.values()]
    assert "8 of 12: nothing removed, seed 2 of 2" in printed
    assert "2 seeds give wide intervals" in printed
    clean(folder, OPTIONS)
    assert trainings(capsys.readouterr().out) == []
    assert len(read_rows(files.runs)) == 10


def test_what_cannot_be_is_said_before_anything_is_trained(run_sweep: RunSweep, tiny_file: Path) -> None:
    copy = Path("copy.npz").absolute()
    shutil.copyfile(tiny_file, copy)
    data = f"data.path={quoted(str(copy))}"
    folder = run_sweep([*SWEEP, data]).paths.folder
    with pytest.raises(ConfigError, match=r"clean\.plant"):
        clean(folder, ["clean.plant=0.6"])
    with pytest.raises(ConfigError, match=r"report\.seeds=2"):
        clean(folder, ["report.seeds=2"])
    with pytest.raises(
        DataError, match=r"class \d has \d+ examples in the training side, and there are to be 60 folds"
    ):
        clean(folder, ["clean.folds=60"])
    copy.unlink()
    with pytest.raises(DataError, match=r"cannot be loaded any more.*copy\.npz"):
        clean(folder, [])
    with pytest.raises(StudyError, match="no sweep is there"):
        clean(folder.parent / "serch", [])
    assert not SweepPaths(folder).clean.folder.exists()


def test_a_sweep_without_a_completed_trial_has_nothing_to_clean_with(
    tiny_data: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    plan = plan_sweep(Recipe(), [*tiny_data, "model=perceptron", "model.layer_size=32,33", "name=new"])
    open_sweep(plan)
    with pytest.raises(StudyError, match="no trial has completed yet"):
        clean(plan.paths.folder)


def test_a_training_that_fails_says_why(run_sweep: RunSweep, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = run_sweep(SWEEP).paths.folder
    from mnistsweep import refitting

    def diverging(*arguments: Any) -> None:
        raise TrialFailed("the loss of epoch 1 is nan")

    monkeypatch.setattr(refitting, "refit", diverging)
    with pytest.raises(SweepStopped, match=r"the training failed: .*the loss of epoch 1 is nan"):
        clean(folder)
