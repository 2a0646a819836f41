"""A worker over a real sweep of a scheduler that pauses trials: its files, and how the sweep goes on."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
import yaml
from fakes import RunSweep
from rungs import Rungs

from mnistsweep.commands.export import export
from mnistsweep.commands.status import print_status
from mnistsweep.commands.sweep_output import print_header
from mnistsweep.commands.train import train
from mnistsweep.config.recipe import Recipe
from mnistsweep.config.resources import default_folders
from mnistsweep.console import SafeConsole
from mnistsweep.planning.plan_file import plan_of
from mnistsweep.study.ledger import Ledger
from mnistsweep.study.ranking import ranked
from mnistsweep.study.records import State
from mnistsweep.study.sweep import Sweep

SELDOM = """
import keras

class Every2(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch % 2 and logs is not None:
            logs["val_custom"] = logs["val_accuracy"]
"""

OVERRIDES = [
    "optimizer.learning_rate=interval(0.0001,0.1)", "trainer.epochs=4", "schedule=cosine", "model.dropout=0.2",
    "name=jobs",
]  # fmt: skip


@pytest.fixture
def rungs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sweeps are scheduled by `Rungs`."""

    def make(config: Any, space: Any, seed: int, *rest: Any, **more: Any) -> Rungs:
        return Rungs(space, seed)

    monkeypatch.setattr("mnistsweep.planning.plan.make_scheduler", make)


def epochs_of(sweep: Sweep, number: int) -> list[int]:
    with sweep.paths.trial(number).history.open(encoding="utf-8", newline="") as file:
        return [int(row["epoch"]) for row in csv.DictReader(file)]


@pytest.mark.usefixtures("rungs")
def test_a_sweep_with_pauses(run_sweep: RunSweep, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    sweep = run_sweep([*OVERRIDES, "trials=null", "total_epochs=7"])
    records = Ledger(sweep.paths).records()
    assert sum(record.result.epochs for record in records) == 7
    assert {record.state for record in records} == {State.PAUSED}
    assert sweep.trials["state"].tolist() == ["stopped"] * len(records)
    assert [len(epochs_of(sweep, r.number)) for r in records] == [r.result.epochs for r in records]
    assert all(sweep.paths.trial(r.number).resume.is_file() for r in records)
    assert any(record.result.epochs > 1 for record in records)

    best = ranked(records, "max")[0]
    config = yaml.safe_load(sweep.paths.best.read_text())
    assert config["trainer"]["epochs"] == 4
    assert config["trainer"]["stop_after"] == best.result.epochs
    again = train(Recipe((), "best", (f"file://{sweep.paths.folder.absolute()}", *default_folders())))
    assert again == best.result.objective

    export(sweep.paths.folder, tmp_path / "best.yaml", tmp_path / "model.keras")
    assert (tmp_path / "best.yaml").read_text() == sweep.paths.best.read_text()
    assert (tmp_path / "model.keras").read_bytes() == sweep.paths.trial(best.number).model.read_bytes()
    capsys.readouterr()
    print_status(sweep.paths.folder)
    shown = capsys.readouterr().out
    assert f"{len(records)} stopped" in shown
    assert "ended: the budget of 7 epochs (total_epochs=7) was spent after 7 epochs, with " in shown

    longer = run_sweep([*OVERRIDES, "trials=null", "total_epochs=15"])
    records = Ledger(longer.paths).records()
    assert sum(record.result.epochs for record in records) == 15
    completed = [record.number for record in records if record.state is State.COMPLETED]
    assert completed
    for number in completed:
        assert epochs_of(longer, number) == [1, 2, 3, 4]
        assert not longer.paths.trial(number).resume.exists()
    assert plan_of(longer).budget.total_epochs == 15


@pytest.mark.usefixtures("rungs")
def test_a_damaged_and_a_missing_checkpoint_are_one_line_each(
    run_sweep: RunSweep, caplog: pytest.LogCaptureFixture
) -> None:
    sweep = run_sweep([*OVERRIDES, "trials=2", "total_epochs=2"])
    for number, content in enumerate((b"damaged", None)):
        resume = sweep.paths.trial(number).resume
        resume.unlink() if content is None else resume.write_bytes(content)
    caplog.clear()
    sweep = run_sweep([*OVERRIDES, "trials=4", "total_epochs=14"])
    records = Ledger(sweep.paths).records()
    lines = [record.message for record in caplog.records if record.name == "mnistsweep"]
    lost = [line for line in lines if "trains from" in line or "from its first epoch" in line or "from scratch" in line]
    restarted = [record for record in records if record.trained_epochs > record.last_epoch]
    assert len(lost) == len(restarted) >= 1
    assert sum(record.trained_epochs for record in records) <= 14
    for record in restarted:
        assert epochs_of(sweep, record.number) == list(range(1, record.last_epoch + 1))
        assert record.trained_epochs == record.last_epoch + 1


def test_an_objective_of_some_epochs_is_searched_with_whole_trials(
    run_sweep: RunSweep, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "seldom.py").write_text(SELDOM)
    monkeypatch.syspath_prepend(str(tmp_path))
    added = ["trainer.callbacks=[{_target_: seldom.Every2}]", "objective=val_custom", "direction=max"]
    search = ["name=seldom", "model.dropout=interval(0,0.6)", "trainer.epochs=3", "trials=1", *added]
    sweep = run_sweep(search)
    (record,) = Ledger(sweep.paths).records()
    assert (record.state, record.result.best_epoch, record.result.epochs) == (State.COMPLETED, 2, 3)
    assert list(record.values) == [2]
    curve = sweep.curves
    assert curve["val_custom"].notna().tolist() == [False, True, False]
    assert train(Recipe((), "best", (f"file://{sweep.paths.folder.absolute()}", *default_folders()))) == (
        record.result.objective
    )
    plan = plan_of(sweep)
    print_header(plan, Ledger(sweep.paths), SafeConsole())
    assert (
        "random points, then tpe, because a callback may report val_custom after some epochs only; if it is each"
        in (" ".join(capsys.readouterr().out.split()))
    )
    misspelt = run_sweep([*search, "name=misspelt", "objective=val_custon"])
    (failed,) = Ledger(misspelt.paths).records()
    assert failed.result.reason.startswith("objective: no epoch has 'val_custon'; did you mean 'val_custom'?")


@pytest.mark.parametrize("oracle", ["freeze_thaw", pytest.param("asha", marks=pytest.mark.slow)])
def test_a_space_of_one_point_is_one_trial_that_is_trained_to_its_end(run_sweep: RunSweep, oracle: str) -> None:
    sweep = run_sweep(["name=one", "model.dropout=choice(0.2)", "trainer.epochs=2", f"oracle={oracle}", "trials=5"])
    (record,) = Ledger(sweep.paths).records()
    assert (record.state, record.result.epochs) == (State.COMPLETED, 2)
    assert Ledger(sweep.paths).ending(plan_of(sweep).budget).reason == "the only point of the space was tried"  # type: ignore[union-attr]
