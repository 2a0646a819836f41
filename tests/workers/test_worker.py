"""A worker over a real, small sweep: what it leaves on disk, and that bad trials do not stop it."""

from __future__ import annotations

import csv
import os
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
import yaml
from fakes import RunSweep
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2
from tensorboard.util import tensor_util
from user_modules import write_module

from mnistsweep.config.compose import compose, to_config
from mnistsweep.config.recipe import Recipe
from mnistsweep.config.resources import default_folders
from mnistsweep.errors import StudyError, SweepStopped
from mnistsweep.paths import SweepPaths, TrialPaths
from mnistsweep.planning.opening import open_sweep
from mnistsweep.planning.planner import plan_sweep
from mnistsweep.stop_signal import StopSignal
from mnistsweep.study.records import State
from mnistsweep.training.trainer import Hooks
from mnistsweep.tuner.hypermodel_training import train_once
from mnistsweep.workers.messages import REPLACE, SWEEP_STOPPED
from mnistsweep.workers.worker import work_job

BAD_MODELS = """
import os
import keras
from keras import layers

def net(input_shape, classes, kind):
    if kind == "leaves":
        raise SystemExit(0)
    if kind == "raises":
        raise LookupError("no such\\nlayer")
    units = 2**57 if kind == "huge" else 4
    model = keras.Sequential([keras.Input(input_shape), layers.Flatten(), layers.Dense(units), layers.Dense(classes)])
    metrics = [] if kind == "unmeasured" else ["accuracy"]
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(1e30 if kind == "diverges" else 0.01), loss, metrics=metrics)
    return model
"""


@pytest.fixture
def bad_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    return f"{write_module(tmp_path, monkeypatch, BAD_MODELS)}.net"


def table(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def score_again(trial: TrialPaths, folder: Path) -> float | None:
    """Train what a trial's `config.yaml` composes to, along the path of `mnistsweep train`."""
    folder.mkdir(parents=True)
    shutil.copy(trial.config, folder / "again.yaml")
    composed = compose(Recipe((), "again", (f"file://{folder}", *default_folders())))
    return train_once(to_config(composed), "max", TrialPaths(folder / "trial"), Hooks()).result.objective


def hparams_of(folder: Path) -> dict[str, plugin_data_pb2.HParamsPluginData]:
    """The records of TensorBoard's HParams table below a run's folder, by tag."""
    events = EventAccumulator(str(folder))
    events.Reload()
    found = {}
    for tag, content in events.summary_metadata.items():
        if tag.startswith("_hparams_"):
            found[tag] = plugin_data_pb2.HParamsPluginData.FromString(content.plugin_data.content)
    return found


def test_a_sweep_leaves_a_complete_table_and_configurations_that_give_the_same_score(
    run_sweep: RunSweep, tmp_path: Path
) -> None:
    ranges = ["optimizer=adam,sgd", "optimizer.learning_rate=0.01,0.03", "optimizer.momentum=0.5,0.9"]
    sweep = run_sweep([*ranges, "oracle=random", "trials=4", "trainer.epochs=2", "name=best one"])
    rows = table(sweep.paths.results)
    assert [row["trial"] for row in rows] == ["0", "1", "2", "3"]
    assert {row["state"] for row in rows} == {"completed"}
    assert len({row["seed"] for row in rows}) == 4
    assert all((row["optimizer.momentum"] == "") == (row["optimizer"] == "adam") for row in rows)
    for row in rows[:2]:
        trial = sweep.paths.trial(int(row["trial"]))
        history = table(trial.history)
        scores = [float(epoch["val_accuracy"]) for epoch in history]
        assert float(row["objective"]) == max(scores)
        assert int(row["best_epoch"]) == scores.index(max(scores)) + 1
        assert score_again(trial, tmp_path / "again" / row["trial"]) == float(row["objective"])
    best = max(rows, key=lambda row: (float(row["objective"]), -int(row["trial"])))
    assert yaml.safe_load(sweep.paths.best.read_text(encoding="utf-8"))["seed"] == int(best["seed"])


def test_tensorboard_shows_curves_and_the_table(run_sweep: RunSweep) -> None:
    sweep = run_sweep(["model.layer_size=4,8", "trials=2", "trainer.epochs=2", "name=shown"])
    experiment = hparams_of(sweep.paths.folder)["_hparams_/experiment"].experiment
    assert [info.name for info in experiment.hparam_infos] == ["model.layer_size"]
    for row in table(sweep.paths.results):
        trial = sweep.paths.trial(int(row["trial"]))
        records = hparams_of(trial.folder)
        start = records["_hparams_/session_start_info"].session_start_info
        assert start.hparams["model.layer_size"].number_value == float(row["model.layer_size"])
        assert records["_hparams_/session_end_info"].session_end_info.status == 1  # success
        events = EventAccumulator(str(trial.folder))
        events.Reload()
        (point,) = events.Tensors("objective")
        value = tensor_util.make_ndarray(point.tensor_proto)
        assert (point.step, value) == (int(row["best_epoch"]), np.float32(row["objective"]))
        curves = EventAccumulator(str(trial.folder / "validation"))
        curves.Reload()
        assert [point.step for point in curves.Tensors("epoch_accuracy")] == [1, 2]


def test_a_bad_trial_is_recorded_with_its_reason_and_the_sweep_goes_on(run_sweep: RunSweep, bad_models: str) -> None:
    kinds = ["raises", "diverges", "huge", "leaves", "unmeasured", "fine"]
    sweep = run_sweep(
        [
            f"model._target_={bad_models}",
            f"+model.kind={','.join(kinds)}",
            "trainer.batch_size=16",
            "name=bad",
            "max_consecutive_failed_trials=9",
        ]
    )
    rows = {row["model.kind"]: row for row in table(sweep.paths.results)}
    assert set(rows) == set(kinds)
    assert [rows[kind]["state"] for kind in kinds] == [State.FAILED] * 5 + [State.COMPLETED]
    reasons = {
        "raises": "LookupError: no such layer",
        "diverges": "loss became nan in epoch 1",
        "huge": "ResourceExhaustedError: OOM when allocating tensor with shape[36,144115188075855872]",
        "leaves": "SystemExit: 0",
        "unmeasured": "objective: the model does not measure 'val_accuracy'; Known: 'loss'",
    }
    for kind, reason in reasons.items():
        row, trial = rows[kind], sweep.paths.trial(int(rows[kind]["trial"]))
        assert row["reason"].startswith(reason)
        assert "\n" not in row["reason"]
        assert (row["objective"], row["best_epoch"]) == ("", "")
        assert "Traceback (most recent call last)" in trial.error.read_text(encoding="utf-8")
        assert trial.config.is_file()
        assert hparams_of(trial.folder)["_hparams_/session_end_info"].session_end_info.status == 2  # failure
    assert not sweep.paths.trial(int(rows["fine"]["trial"])).error.exists()


def test_too_many_failures_in_a_row_stop_the_sweep_with_the_first_reason(run_sweep: RunSweep, bad_models: str) -> None:
    overrides = [f"model._target_={bad_models}", "+model.kind=raises,leaves,unmeasured,fine", "oracle=grid"]
    with pytest.raises(SweepStopped, match=r"2 trials in a row have failed.* trial 0: LookupError: no such layer"):
        run_sweep([*overrides, "max_consecutive_failed_trials=2", "objective=val_accuracy", "name=stops"])
    assert work_job(Path("logs/stops"), 0, "again") == 0, "the next start has a new allowance of failures"
    assert [row["state"] for row in table(Path("logs/stops/results.csv"))] == ["failed"] * 3 + ["completed"]


def test_a_pruned_trial_is_recorded_as_pruned(run_sweep: RunSweep) -> None:
    rates = ["optimizer.learning_rate=0.03,1e-12", "enqueue=[{optimizer.learning_rate: 0.03}]", "oracle=grid"]
    pruner = ["pruner=median", "pruner.startup_trials=1", "trainer.epochs=5", "trainer.batch_size=16"]
    sweep = run_sweep([*rates, *pruner, "name=cut"])
    good, bad = table(sweep.paths.results)
    assert (good["state"], good["reason"]) == ("completed", "")
    epochs = len(table(sweep.paths.trial(1).history))
    assert epochs < 5
    assert (bad["state"], bad["reason"]) == ("pruned", f"pruned after epoch {epochs}")
    assert float(bad["objective"]) < float(good["objective"])
    assert hparams_of(sweep.paths.trial(1).folder)["_hparams_/session_end_info"].session_end_info.status == 1


def test_a_stopped_sweep_releases_its_trial_and_continues(
    run_sweep: RunSweep, tiny_data: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    overrides = ["model=perceptron", "trainer.epochs=1", "model.layer_size=4,8,16", "oracle=grid", "name=goes on"]
    plan = plan_sweep(Recipe(), [*tiny_data, *overrides])
    open_sweep(plan)

    def stop_at_the_second(number: int) -> None:
        if number == 1:
            os.kill(os.getpid(), signal.SIGINT)

    from mnistsweep.workers import worker

    with StopSignal() as stop, pytest.raises(KeyboardInterrupt):
        worker.work(plan.paths.folder, 0, "first", stop, stop_at_the_second)
    assert stop.exit_code == 130
    assert [row["trial"] for row in table(plan.paths.results)] == ["0"]
    seeds = [row["seed"] for row in table(plan.paths.results)]
    assert work_job(plan.paths.folder, 0, "second") == 0
    rows = table(plan.paths.results)
    assert [(row["trial"], row["state"]) for row in rows] == [(str(n), "completed") for n in range(3)]
    assert rows[0]["seed"] == seeds[0]
    assert work_job(plan.paths.folder, 0, "third") == 0, "a late worker finds no trial"
    assert capsys.readouterr().err == ""


def test_a_worker_that_used_too_much_memory_exits_between_trials(run_sweep: RunSweep) -> None:
    plan_of_three = ["model.layer_size=4,8,16", "oracle=grid", "name=grows", "worker_memory_gb=0.1"]
    sweep = run_sweep([*plan_of_three, "trials=1"])
    record = sweep.paths.sweep.read_text(encoding="utf-8")
    sweep.paths.sweep.write_text(record.replace("trials: 1\n", "trials: 3\n"), encoding="utf-8")
    assert work_job(sweep.paths.folder, 0, "second", parent=os.getppid()) == REPLACE
    assert len(table(sweep.paths.results)) == 2, "it exits after its first trial, not before"
    assert work_job(sweep.paths.folder, 0, "third") == 0, "without a supervisor it continues"
    assert len(table(sweep.paths.results)) == 3


def test_a_worker_prints_its_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert work_job(tmp_path / "nowhere", 0, "session") == StudyError.exit_code
    assert "sweep.yaml: cannot be read" in capsys.readouterr().err
    assert SWEEP_STOPPED not in (0, 1, 2)


def test_the_folder_of_a_sweep_may_move(run_sweep: RunSweep, tmp_path: Path) -> None:
    sweep = run_sweep(["model.layer_size=range(4,20)", "trials=1", "oracle=random", "name=moves"])
    moved = SweepPaths(tmp_path / "elsewhere" / "moves")
    moved.folder.parent.mkdir()
    sweep.paths.folder.rename(moved.folder)
    record = yaml.safe_load(moved.sweep.read_text(encoding="utf-8"))
    record["plan"]["config"]["trials"] = 2
    moved.sweep.write_text(yaml.safe_dump(record), encoding="utf-8")
    assert work_job(moved.folder, 0, "session") == 0
    assert len(table(moved.results)) == 2
    assert not sweep.paths.folder.exists()
