"""The declarations of the configuration's keys, and what follows from them."""

from __future__ import annotations

from omegaconf import OmegaConf

from mnistsweep.config.schema import CONTINUABLE_KEYS, LIMITS, SWEEP_KEYS, Config


def test_keys_that_cannot_be_searched() -> None:
    assert {
        *("name", "logs", "seed", "objective", "direction", "trials", "hours", "total_epochs", "workers", "storage"),
        *("enqueue", "conditions", "constraints", "zip", "warm_start", "oracle", "pruner"),
        *("space", "sweeps", "max_consecutive_failed_trials"),
        *("max_failed_trials", "failure_window", "lease_seconds", "worker_memory_gb"),
        *("trial", "trainer.threads", "trainer.deterministic", "report", "clean", "search", "confirm"),
        *("if_running", "detach", "notify", "workers_per_gpu"),
    } == SWEEP_KEYS


def test_keys_that_may_change_when_a_sweep_is_continued() -> None:
    assert {
        *("logs", "name", "trials", "hours", "total_epochs", "workers", "max_consecutive_failed_trials"),
        *("max_failed_trials", "failure_window", "lease_seconds", "worker_memory_gb"),
        *("report", "clean", "search", "confirm", "if_running", "detach", "notify", "workers_per_gpu"),
    } == CONTINUABLE_KEYS


def test_limits() -> None:
    assert LIMITS == {
        "seed": (0, 2**32 - 1),
        "trials": (1, None),
        "hours": (1e-6, None),
        "total_epochs": (1, None),
        "workers": (1, 256),
        "workers_per_gpu": (1, 64),
        "max_consecutive_failed_trials": (1, None),
        "max_failed_trials": (1, None),
        "failure_window": (1, None),
        "lease_seconds": (1, 3600),
        "worker_memory_gb": (0.1, None),
        "notify.timeout_seconds": (0.1, 600),
        "trial.timeout_minutes": (1e-6, None),
        "trial.max_parameters": (1, None),
        "trainer.epochs": (1, None),
        "trainer.batch_size": (1, None),
        "trainer.patience": (1, None),
        "trainer.repeats": (1, None),
        "trainer.threads": (1, 1024),
        "trainer.steps_per_epoch": (1, None),
        "trainer.stop_after": (1, None),
        "confirm.top": (0, 100),
        "confirm.seeds": (1, 100),
        "report.seeds": (1, 100),
        "report.top": (1, 1000),
        "report.top_trials": (0, 100),
        "clean.plant": (0, 0.5),
        "clean.folds": (2, 100),
        "clean.seeds": (1, 100),
        "search.checkpoints_gb": (0, 1e6),
        "search.live_models": (0, 1000),
    }


def test_omegaconf_reads_the_declarations() -> None:
    plain = OmegaConf.to_container(OmegaConf.structured(Config))
    assert isinstance(plain, dict)
    assert plain["trainer"]["metrics"] == ["accuracy"]
    assert (plain["trials"], plain["conditions"], plain["report"]["top"]) == (20, {}, 10)
