"""The quantities of real trainings that constraints bound, in the ledger, in the table and in a rebuilt ledger."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fakes import RunSweep
from small_training import read_rows

from mnistsweep.commands.repair import repair
from mnistsweep.paths import SweepPaths
from mnistsweep.study.ledger import Ledger
from mnistsweep.study.records import State, TrialRecord

SEARCH = ["name=s", "model.layer_size=4,8,200", "trainer.epochs=2", "trainer.repeats=2", "oracle=grid", "trials=3"]


def test_quantities_are_measured_at_the_best_epochs(run_sweep: RunSweep) -> None:
    sweep = run_sweep([*SEARCH, "constraints=[parameters<=1000, val_loss<=1.0, val_accuracy>=0]"])
    small, medium, large = records = Ledger(sweep.paths).records()
    assert [record.state for record in records] == [State.COMPLETED, State.COMPLETED, State.FAILED]
    assert large.result.reason.startswith("violates parameters<=1000: the model has ")
    assert large.result.limited  # such a failure does not count against the sweep
    assert not sweep.paths.trial(2).history.exists()
    assert (small.result.violated, medium.result.violated) == (["val_loss<=1"], ["val_loss<=1"])
    curves = sweep.paths.trial(0).training(0, 1).history, sweep.paths.trial(0).training(1, 1).history
    best = [max(read_rows(curve), key=lambda row: float(row["val_accuracy"])) for curve in curves]  # the first one
    losses = [float(row["val_loss"]) for row in best]
    assert small.result.quantities["val_loss"] == pytest.approx(sum(losses) / 2)
    assert small.result.quantities["val_accuracy"] == small.result.objective
    assert small.result.quantities["parameters"] == 36 * 4 + 4 + 4 * 4 + 4
    assert not sweep.paths.best.exists()
    attrs = _attrs(sweep.paths)
    assert all(set(one) == {"parameters<=1000", "val_loss<=1", "val_accuracy>=0"} for one in attrs[:2])
    sweep.paths.journal.unlink()
    repair(sweep.paths.folder)
    rebuilt = Ledger(sweep.paths).records()
    assert [_rebuildable(one) for one in rebuilt] == [_rebuildable(one) for one in records]
    assert _attrs(sweep.paths) == attrs


def _rebuildable(record: TrialRecord) -> TrialRecord:
    """A record without what only the ledger has."""
    return replace(record, owner="", result=replace(record.result, checkpoint=None))


def _attrs(paths: SweepPaths) -> list[dict[str, float]]:
    """The violations as Optuna's samplers read them."""
    ledger = Ledger(paths)
    return [trial.constraints for trial in ledger._storage.get_all_trials(ledger._study_id)]
