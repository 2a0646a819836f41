"""Names that other programs use: of the package, of the commands, of keys and columns."""

from __future__ import annotations

from dataclasses import fields

import pytest

import mnistsweep
from mnistsweep import cli
from mnistsweep.config.schema import CleanConfig, Config, ReportConfig, SearchConfig, TrainerConfig, TrialConfig
from mnistsweep.evaluation.report import Report as ReportOfEvaluation
from mnistsweep.study.results_table import COLUMNS
from mnistsweep.study.sweep import Sweep as SweepOfResults


def test_names_of_the_package() -> None:
    assert sorted(mnistsweep.__all__) == [
        *("Choice", "Float", "Int", "KerasCallback", "Report", "Sweep", "SweepResult", "Trial", "__version__"),
        *("current_trial", "errors", "load_report", "load_sweep", "sweep"),
    ]
    assert set(mnistsweep.__all__) <= set(dir(mnistsweep))
    assert all(callable(getattr(mnistsweep, name)) for name in ("sweep", "Int", "Float", "Choice", "Trial"))
    assert issubclass(mnistsweep.errors.ConfigError, mnistsweep.errors.MnistSweepError)
    assert mnistsweep.Sweep is SweepOfResults
    assert mnistsweep.Report is ReportOfEvaluation
    assert callable(mnistsweep.load_sweep)
    assert callable(mnistsweep.load_report)
    assert mnistsweep.__version__.count(".") == 2
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = mnistsweep.nothing


def test_commands() -> None:
    assert sorted(cli.COMMANDS) == [
        *(
            "clean",
            "clean-up",
            "doctor",
            "export",
            "join",
            "list",
            "repair",
            "report",
            "show",
            "status",
            "stop",
            "sweep",
            "train",
        ),
    ]


def test_keys_of_the_configuration() -> None:
    assert {field.name for field in fields(Config)} == {
        *("name", "logs", "seed", "objective", "direction", "trials", "hours", "total_epochs", "workers", "storage"),
        *(
            "enqueue",
            "conditions",
            "constraints",
            "zip",
            "max_consecutive_failed_trials",
            "trainer",
            "confirm",
            "warm_start",
            "if_running",
            "detach",
            "workers_per_gpu",
            "notify",
        ),
        *("data", "model", "optimizer", "schedule", "oracle", "pruner", "trial", "report", "clean", "search"),
        *("max_failed_trials", "failure_window", "lease_seconds", "worker_memory_gb"),
    }
    assert {field.name for field in fields(ReportConfig)} == {
        *("seeds", "refit", "top", "top_trials", "robustness", "against", "class_names"),
    }
    assert {field.name for field in fields(CleanConfig)} == {"plant", "folds", "seeds"}
    assert {field.name for field in fields(SearchConfig)} == {"checkpoints_gb", "live_models"}
    assert {field.name for field in fields(TrialConfig)} == {"timeout_minutes", "max_parameters"}
    assert {field.name for field in fields(TrainerConfig)} == {
        *("epochs", "batch_size", "loss", "metrics", "patience", "repeats", "callbacks", "deterministic", "threads"),
        *("class_weight", "steps_per_epoch", "stop_after"),
    }


def test_columns_of_the_results() -> None:
    assert COLUMNS == ("trial", "state", "objective", "best_epoch", "seconds", "seed", "reason")
