"""A sweep with cross-validation and with keys that go together: its tables, its repetition, its repair."""

from __future__ import annotations

import csv
import math
import statistics
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import yaml
from commands import command
from fakes import RunSweep

from mnistsweep.paths import SweepPaths
from mnistsweep.study.ledger import Ledger
from mnistsweep.study.records import State, TrialRecord

SEARCH = [
    *("data.folds=3", "model.layer_size=16,8", "model.activation=relu,relu", "name=s", "oracle=grid"),
    *("zip=[[model.layer_size,model.activation]]", "trainer.epochs=2", "optimizer.learning_rate=0.01"),
]


def objectives(folder: Path) -> list[float]:
    files = [folder / name / "history.csv" for name in (".", "fold-1", "fold-2")]
    return [pd.read_csv(file, dtype=str)["val_accuracy"].astype(float).max() for file in files]


def stored_reports(paths: SweepPaths) -> list[dict[int, float]]:
    ledger = Ledger(paths)
    return [trial.intermediate_values for trial in ledger._storage.get_all_trials(ledger._study_id)]


def check_tables(paths: SweepPaths, records: list[TrialRecord]) -> None:
    with paths.results.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0])[:4] == ["trial", "state", "objective", "standard_error"]
    assert [(row["model.layer_size"], row["model.activation"]) for row in rows] == [("16", "relu"), ("8", "relu")]
    for row, record in zip(rows, records, strict=True):
        values, result = objectives(paths.trial(record.number).folder), record.result
        assert float(row["objective"]) == result.objective == statistics.fmean(values)
        assert float(row["standard_error"]) == result.standard_error
        assert result.standard_error == pytest.approx(statistics.stdev(values) / math.sqrt(3))
        assert (result.epochs, result.checkpoint and result.checkpoint.objective) == (6, values[0])


@pytest.mark.slow
def test_tables_repetition_and_repair(run_sweep: RunSweep, capfd: pytest.CaptureFixture[str]) -> None:
    paths = run_sweep(SEARCH).paths
    records = list(Ledger(paths).records())
    check_tables(paths, records)
    best = max(records, key=lambda record: record.result.objective or 0).result
    spread = f"(standard error over folds {best.standard_error:.4g})"
    assert paths.best.read_text().splitlines()[0].endswith(f"{spread}.")
    shown = command(capfd, "status", str(paths.folder)).out
    assert f"{best.objective:.4f} ± {best.standard_error:.4f}" in shown
    assert all(text in shown for text in ("layer_size=8", "activation=relu"))

    assert yaml.safe_load(paths.best.read_text())["data"]["folds"] == 3
    trained = command(capfd, "train", "--config-dir", str(paths.folder), "--config-name", "best")
    assert f"val_accuracy {best.objective!r} at epoch {best.best_epoch} {spread}" in trained.out
    assert "mean of 2 folds: val_accuracy 0." in trained.out

    reports = stored_reports(paths)
    assert [list(steps) for steps in reports] == [[1, 2, 4]] * 2
    paths.journal.unlink()
    assert command(capfd, "repair", str(paths.folder)).code == 0
    rebuilt = Ledger(paths).records()
    expected = [(record.point, replace(record.result, checkpoint=None)) for record in records]
    assert [(record.point, record.result) for record in rebuilt] == expected
    assert stored_reports(paths) == reports


@pytest.mark.slow
def test_a_trial_is_pruned_between_its_folds(run_sweep: RunSweep) -> None:
    """Successive halving with a first rung at the second fold: a trial is compared by the mean of two folds."""
    pruning = ["pruner=successive_halving", "pruner.first_rung=4", "pruner.reduction_factor=2"]
    widths = ["model.layer_size=32,2,2", "model.activation=relu,relu,tanh", "name=pruned"]
    records = Ledger(run_sweep([*SEARCH, *widths, *pruning]).paths).records()
    pruned = [record for record in records if record.state is State.PRUNED]
    assert pruned
    for record in pruned:
        assert (record.result.reason, record.result.epochs) == ("pruned after fold 2 of 3", 4)
