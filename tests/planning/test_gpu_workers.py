"""`workers_per_gpu`: the number of workers follows from the GPUs of this machine, as the scheduler shows them."""

from __future__ import annotations

import pytest

from mnistsweep.config.recipe import Recipe
from mnistsweep.errors import ConfigError
from mnistsweep.planning.plan import Plan
from mnistsweep.planning.planner import plan_sweep
from mnistsweep.workers.launchers import choose_launcher, launch_processes

RANGE = "model.dropout=0,0.2"


def planned(*overrides: str) -> Plan:
    return plan_sweep(Recipe(), [RANGE, *overrides])


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-aa,5")


def test_each_gpu_has_its_workers(two_gpus: None) -> None:
    plan = planned("workers_per_gpu=3")
    assert plan.config.workers == 6
    assert choose_launcher(plan) is launch_processes
    assert planned("workers_per_gpu=3", "workers=6").config.workers == 6
    assert planned("workers=4").config.workers == 4


def test_two_numbers_of_workers_are_refused(two_gpus: None) -> None:
    with pytest.raises(ConfigError, match=r"^workers: must not differ from workers_per_gpu=3 for each of 2 GPUs; rec"):
        planned("workers_per_gpu=3", "workers=4")


def test_a_machine_without_a_gpu_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.raises(ConfigError, match=r"^workers_per_gpu: must be null on a machine without a GPU .* workers=2\.$"):
        planned("workers_per_gpu=2")


def test_other_launchers_have_their_own_gpus(two_gpus: None) -> None:
    plan = planned("workers_per_gpu=1", "hydra/launcher=basic")
    with pytest.raises(
        ConfigError,
        match=r"^workers_per_gpu: counts the GPUs of this machine, .* hydra/launcher=basic; write workers=N",
    ):
        choose_launcher(plan)
