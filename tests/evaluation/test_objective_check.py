"""Checkpoints without a checksum, where the objective of the file is not known either."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from mnistsweep.config.schema import Config
from mnistsweep.evaluation.objective_check import check_objective
from mnistsweep.study.records import CheckpointRecord, Result, State, TrialRecord


def test_a_checkpoint_that_nothing_verifies_is_a_warning() -> None:
    config, file = Config(), Path("best.keras")
    config.trainer.repeats = 2  # the recorded objective is a mean
    predictions: Any = SimpleNamespace(objective=0.9, validation={"y": [1, 2]})
    record = TrialRecord(3, State.COMPLETED, {}, 0, Result(0.5, 1, 2))
    assert check_objective(file, record, config, predictions) == (
        "best.keras: the checkpoint of trial 3 is not verified: the ledger has no checksum of it, and its objective is "
        "not known; it may be another model."
    )
    verified = TrialRecord(3, State.COMPLETED, {}, 0, Result(0.5, 1, 2, checkpoint=CheckpointRecord("ab", 0.9)))
    assert check_objective(file, verified, config, predictions) is None
