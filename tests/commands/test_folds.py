"""A sweep with cross-validation and with keys that go together: its tables, its repetition, its repair."""

from __future__ import annotations

import csv
import math
import statistics
from pathlib import Path

import pandas as pd
import pytest
import yaml
from commands import command
from fakes import RunSweep

from mnistsweep.paths import SweepPaths
from mnistsweep.study.ledger import Ledger
from mnistsweep.study.records import State

SEARCH = [
    *("data.folds=3", "model.layer_size=16,8,4", "model.activation=relu,relu,tanh", "name=s", "oracle=grid"),
    *("zip=[[model.layer_size,model.activation]]", "trainer.epochs=2", "optimizer.learning_rate=0.01"),
]


@pytest.fixture
def swept(run_sweep: RunSweep) -> SweepPaths:
    return run_sweep(SEARCH).paths


def objectives(folder: Path) -> list[float]:
    files = [folder / name / "history.csv" for name in (".", "fold-1", "fold-2")]
    return [pd.read_csv(file, dtype=str)["val_accuracy"].astype(float).max() for file in files]


def test_the_tables_of_a_sweep(swept: SweepPaths, capfd: pytest.CaptureFixture[str]) -> None:
    with swept.results.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0])[:4] == ["trial", "state", "objective", "standard_error"]
    assert [(row["model.layer_size"], row["model.activation"]) for row in rows] == [
        ("16", "relu"), ("8", "relu"), ("4", "tanh"),
    ]  # fmt: skip
    for number, (row, record) in enumerate(zip(rows, Ledger(swept).records(), strict=True)):
        values = objectives(swept.trial(number).folder)
        assert float(row["objective"]) == record.result.objective == statistics.fmean(values)
        assert float(row["standard_error"]) == record.result.standard_error
        assert record.result.standard_error == pytest.approx(statistics.stdev(values) / math.sqrt(3))
        assert record.result.epochs == 6
        assert record.result.checkpoint.objective == values[0]
    best = max(Ledger(swept).records(), key=lambda record: record.result.objective)
    head = swept.best.read_text().splitlines()[0]
    assert head.endswith(f"(standard error over folds {best.result.standard_error:.4g}).")
    shown = command(capfd, "status", str(swept.folder)).out
    assert f"{best.result.objective:.4f} ± {best.result.standard_error:.4f}" in shown
    assert all(text in shown for text in ("layer_size=4", "activation=tanh"))


def test_the_best_configuration_has_the_objective_again(
    swept: SweepPaths, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    answer = command(capfd, "train", "--config-dir", str(swept.folder), "--config-name", "best")
    best = max(Ledger(swept).records(), key=lambda record: record.result.objective)
    assert answer.code == 0
    assert (
        f"val_accuracy {best.result.objective!r} at epoch {best.result.best_epoch} (standard error over" in answer.out
    )
    assert "mean of 2 folds: val_accuracy 0." in answer.out
    assert yaml.safe_load(swept.best.read_text())["data"]["folds"] == 3


def test_a_lost_ledger_is_rebuilt(swept: SweepPaths, capfd: pytest.CaptureFixture[str]) -> None:
    def reports() -> list[dict[int, float]]:
        ledger = Ledger(swept)
        return [trial.intermediate_values for trial in ledger._storage.get_all_trials(ledger._study_id)]

    before, seen = [(r.point, r.result) for r in Ledger(swept).records()], reports()
    assert [list(steps) for steps in seen] == [[1, 2, 4]] * 3
    swept.journal.unlink()
    assert command(capfd, "repair", str(swept.folder)).code == 0
    assert [(r.point, r.result) for r in Ledger(swept).records()] == before
    assert reports() == seen


def test_a_trial_is_pruned_between_its_folds(run_sweep: RunSweep) -> None:
    """Successive halving with a first rung at the second fold: a trial is compared by the mean of two folds."""
    pruning = ["pruner=successive_halving", "pruner.first_rung=4", "pruner.reduction_factor=2"]
    records = Ledger(run_sweep([*SEARCH, "name=pruned", *pruning]).paths).records()
    assert [(record.state, record.result.epochs) for record in records if record.state is State.PRUNED]
    for record in records:
        if record.state is State.PRUNED:
            assert (record.result.reason, record.result.epochs) == ("pruned after fold 2 of 3", 4)
