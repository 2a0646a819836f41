"""A worker over a real sweep continues the models that it keeps, with the same results as without them."""

from __future__ import annotations

from typing import Any

import pytest
from fakes import RunSweep

from mnistsweep.study.ledger import Ledger
from mnistsweep.study.records import TrialRecord
from mnistsweep.study.sweep import Sweep
from mnistsweep.tuner.hypermodel import ConfiguredHyperModel

OVERRIDES = ["optimizer.learning_rate=interval(0.0001,0.1)", "trainer.epochs=4", "model.dropout=0.2", "oracle=asha"]


class Builds(list[float]):
    """Learning rates of the trials whose models were built, in order.

    Attributes:
        fails_at: Number of the build, from 1, that fails for lack of memory; 0: none.
    """

    fails_at = 0


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch) -> Builds:
    built, build = Builds(), ConfiguredHyperModel.build

    def counted(self: Any, hp: Any) -> Any:
        built.append(self.config.optimizer["learning_rate"])
        if len(built) == built.fails_at:
            raise MemoryError("no memory is left")
        return build(self, hp)

    monkeypatch.setattr(ConfiguredHyperModel, "build", counted)
    return built


def records_of(sweep: Sweep) -> list[TrialRecord]:
    return Ledger(sweep.paths).records()


def test_each_trial_is_built_once(run_sweep: RunSweep, builds: Builds) -> None:
    live = run_sweep([*OVERRIDES, "trials=4", "total_epochs=7", "name=live"])
    records = records_of(live)
    epochs = [record.result.epochs for record in records]
    assert sum(epochs) == 7
    assert max(epochs) > 2
    assert builds == [record.point["optimizer.learning_rate"] for record in records]
    assert [record.result.builds for record in records] == [1] * len(records)
    assert all(0 < record.result.build_seconds < record.result.seconds for record in records)
    builds.clear()
    none = run_sweep([*OVERRIDES, "trials=4", "total_epochs=7", "name=none", "search.live_models=0"])
    assert len(builds) > len(records)
    assert sum(record.result.builds for record in records_of(none)) == len(builds)
    assert live.trials.drop(columns="seconds").equals(none.trials.drop(columns="seconds"))


@pytest.mark.slow
def test_a_trial_does_not_fail_because_live_models_take_its_memory(
    run_sweep: RunSweep, builds: Builds, caplog: pytest.LogCaptureFixture
) -> None:
    builds.fails_at = 2
    sweep = run_sweep([*OVERRIDES, "trials=2", "total_epochs=3", "name=memory"])
    assert [record.result.epochs for record in records_of(sweep)] in ([1, 2], [2, 1])
    assert builds[1] == builds[2]
    lines = [record.message for record in caplog.records if "memory" in record.message]
    assert lines == ["trial 1: memory ran out; it goes on without models of paused trials"]
