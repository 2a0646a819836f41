"""Sweeps whose trainings contain those of fewer epochs: each result is that of a training of its own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from commands import command
from fakes import RunSweep

from mnistsweep.study.sweep import Sweep

Capture = pytest.CaptureFixture[str]

PLATEAU = "{_target_: keras.callbacks.ReduceLROnPlateau, monitor: loss, patience: 1, min_delta: 1, factor: 0.5}"
STOPPING = "{_target_: keras.callbacks.EarlyStopping, monitor: val_accuracy, patience: 2, restore_best_weights: true}"


def trained(capfd: Capture, folder: Path, name: str, *overrides: str) -> tuple[str, int]:
    """Objective and best epoch of a training by itself, as the command prints them."""
    answer = command(capfd, "train", "--config-dir", str(folder), "--config-name", name, "name=alone", *overrides)
    assert answer.code == 0, answer.err
    found = re.search(r"^\S+ (\S+) at epoch (\d+)$", answer.out, re.MULTILINE)
    assert found is not None, answer.out
    return found[1], int(found[2])


def check(sweep: Sweep, capfd: Capture, rows: Sequence[int] | None = None) -> None:
    """Train some rows of the table of configurations by themselves, and the best configuration."""
    table = sweep.configurations
    for index in range(len(table)) if rows is None else rows:
        row = table.iloc[index]
        folder = sweep.paths.trial(int(row["trial"])).folder
        alone = trained(capfd, folder, "config", f"trainer.epochs={row['trainer.epochs']}")
        assert alone == (repr(float(row["objective"])), row["best_epoch"]), dict(row)
        assert row["val_accuracy"] == row["objective"]
    assert sweep.best is not None
    best = sweep.trials.loc[sweep.trials["objective"].idxmax()]
    assert trained(capfd, sweep.paths.folder, "best") == (repr(float(best["objective"])), best["best_epoch"])
    listed = sweep.config["plan"]["nested_epochs"]
    assert sweep.best["trainer"]["epochs"] == min(e for e in listed if e >= best["best_epoch"])


def test_a_training_contains_those_of_fewer_epochs(run_sweep: RunSweep, capfd: Capture) -> None:
    callbacks = f"trainer.callbacks=[{PLATEAU},{STOPPING}]"
    sweep = run_sweep(["trainer.epochs=8,2,4", "trainer.batch_size=16", callbacks])
    assert sweep.config["plan"]["nested_epochs"] == [2, 4, 8]
    assert sweep.trials["state"].tolist() == ["completed"]
    assert sweep.configurations["trainer.epochs"].tolist() == [2, 4, 8]
    check(sweep, capfd, [1])


@pytest.mark.slow
def test_each_configuration_equals_a_training_of_its_own(run_sweep: RunSweep, capfd: Capture) -> None:
    sweep = run_sweep(["trainer.epochs=6,2,3", "model.dropout=0,0.5", "trainer.batch_size=16", "trainer.patience=1"])
    assert list(sweep.trials.columns[-1:]) == ["model.dropout"]
    assert sweep.configurations[["trial", "trainer.epochs", "model.dropout"]].values.tolist() == [
        [trial, epochs, dropout] for trial, dropout in ((0, 0.0), (1, 0.5)) for epochs in (2, 3, 6)
    ]
    assert sweep.configurations["seed"].nunique() == 2  # the configurations of one training share its seed
    assert len(sweep.curves) < 12  # stopped early
    check(sweep, capfd)


@pytest.mark.slow
def test_a_paused_training_has_the_results_that_are_certain(run_sweep: RunSweep, capfd: Capture) -> None:
    overrides = ["trainer.epochs=1,2,3,8", "model.dropout=interval(0,0.5)", "trainer.batch_size=16"]
    sweep = run_sweep([*overrides, "oracle=freeze_thaw", "trials=3", "total_epochs=9"])
    table, last = sweep.configurations, sweep.curves.groupby("trial")["epoch"].max()
    assert {"stopped"} <= set(sweep.trials["state"])
    expected = {(trial, epochs) for trial, reached in last.items() for epochs in (1, 2, 3, 8) if epochs <= reached}
    assert set(zip(table["trial"], table["trainer.epochs"], strict=True)) == expected
    check(sweep, capfd)
    exported = command(capfd, "export", str(sweep.paths.folder))
    assert (exported.out, exported.err) == (sweep.paths.best.read_text(encoding="utf-8"), "")


EXPLODING = """
def rate(epoch, learning_rate):
    return 1e38 if epoch == 3 else learning_rate
"""


@pytest.fixture
def exploding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Override with which a training diverges in its fourth epoch."""
    (tmp_path / "exploding.py").write_text(EXPLODING, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    schedule = "{_target_: exploding.rate, _partial_: true}"
    return f"trainer.callbacks=[{{_target_: keras.callbacks.LearningRateScheduler, schedule: {schedule}}}]"


@pytest.mark.slow
def test_a_training_that_fails_has_the_results_of_those_that_did_not(
    run_sweep: RunSweep, capfd: Capture, exploding: str
) -> None:
    sweep = run_sweep(["trainer.epochs=2,3,6", "trainer.batch_size=16", exploding])
    (state,), (reason,) = sweep.trials["state"], sweep.trials["reason"]
    assert (state, reason[:36]) == ("pruned", "failed after epoch 3: loss became na")
    assert sweep.trials["seconds"][0] > 0
    assert sweep.configurations["trainer.epochs"].tolist() == [2, 3]
    check(sweep, capfd)
    assert not sweep.paths.trial(0).model.is_file()
    assert sweep.paths.trial(0).error.is_file()


@pytest.mark.slow
def test_a_lost_ledger_is_rebuilt_and_the_table_is_derived_again(
    run_sweep: RunSweep, capfd: Capture, exploding: str
) -> None:
    overrides = ["trainer.epochs=2,3,6", "model.dropout=0,0.5", "trainer.batch_size=16", exploding]
    paths = run_sweep([*overrides, "oracle=grid", "trials=1"]).paths
    before = paths.configurations.read_text(encoding="utf-8")
    paths.journal.unlink()
    paths.configurations.unlink()
    repaired = command(capfd, "repair", str(paths.folder))
    assert (repaired.code, repaired.err) == (0, "")
    sweep = run_sweep([*overrides, "oracle=grid", "trials=2"])
    assert paths.configurations.read_text(encoding="utf-8").startswith(before)
    assert sweep.configurations["trial"].tolist() == [0, 0, 1, 1]
    assert sweep.trials["state"].tolist() == ["pruned", "pruned"]
