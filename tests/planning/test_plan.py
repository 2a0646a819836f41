"""A plan: its derived properties, and the same trials from `sweep.yaml` in another process."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from mnistsweep.config.checks import Faults
from mnistsweep.config.compose import to_config
from mnistsweep.config.recipe import Recipe
from mnistsweep.planning.plan import Plan
from mnistsweep.planning.plan_file import plan_from_json, plan_to_json
from mnistsweep.planning.planner import plan_sweep
from mnistsweep.planning.probes import probes
from mnistsweep.planning.same_search import differences


def planned(*overrides: str) -> Plan:
    return plan_sweep(Recipe(), overrides)


READER = """
import json, sys
from dataclasses import asdict
from mnistsweep.config.compose import to_config
from mnistsweep.planning.plan_file import plan_from_json
record, points = json.load(sys.stdin)
plan = plan_from_json(record)
print(json.dumps([asdict(to_config(plan.composer.trial(point, plan.seed_of(3)))) for point in points]))
"""


def test_another_process_composes_the_same_trials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sweeps").mkdir()
    (tmp_path / "sweeps" / "mine.yaml").write_text(
        "trainer: {epochs: 3}\nmodel: {activation: tanh}\n", encoding="utf-8"
    )
    monkeypatch.chdir(tmp_path)
    plan = planned(
        "+sweeps=mine", "optimizer=adam,sgd", "optimizer.momentum=0.9", "model.dropout=interval(0,0.6)", "seed=5",
        "trainer.batch_size=range(8,65,8)", "conditions={model.dropout: {optimizer: [sgd]}}", "+optimizer.clipnorm=1.0",
    )  # fmt: skip
    points = list(probes(plan.space, Faults()))
    monkeypatch.chdir("/")
    answer = subprocess.run(
        [sys.executable, "-c", READER],
        input=json.dumps([plan_to_json(plan), points]),
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(answer.stdout) == [asdict(to_config(plan.composer.trial(p, plan.seed_of(3)))) for p in points]
    again = plan_from_json(json.loads(json.dumps(plan_to_json(plan))))
    assert (again.space, again.groups, again.config, again.recipe) == (
        plan.space,
        plan.groups,
        plan.config,
        plan.recipe,
    )
    assert differences(again, plan) == []


@pytest.mark.parametrize(
    ("change", "differing"),
    [
        (["trials=50", "hours=1", "total_epochs=9", "workers=2", "max_consecutive_failed_trials=9", "logs=x"], []),
        (["seed=1"], ["seed"]),
        (["optimizer.learning_rate=0.5"], ["optimizer"]),
        (["model.dropout=0,0.1,0.2"], ["model.dropout (swept)"]),
        (["trainer.epochs=1,2"], ["trainer", "trainer.epochs (swept)"]),
        (["objective=val_loss", "oracle=random"], ["objective", "oracle"]),
        (["direction=max"], []),  # what `auto` stands for with val_accuracy
    ],
)
def test_what_makes_it_another_search(change: list[str], differing: list[str]) -> None:
    assert differences(planned("model.dropout=0,0.1", *change), planned("model.dropout=0,0.1")) == differing


@pytest.mark.parametrize(
    ("overrides", "num_trials"),
    [
        (["model.dropout=0,0.1"], 2),
        (["model.dropout=interval(0,0.1)"], 20),
        (["model.dropout=0,0.1", "trials=null"], 2),
        (["model.dropout=interval(0,0.1)", "trials=null", "hours=1"], None),
    ],
)
def test_how_many_trials_there_will_be(overrides: list[str], num_trials: int | None) -> None:
    assert planned(*overrides).num_trials == num_trials


@pytest.mark.parametrize(
    ("overrides", "most"),
    [(["model.dropout=0,0.1"], 5), (["trainer.epochs=2,9,4"], 9), (["trainer.epochs=int(interval(1,7))"], 7)],
)
def test_the_longest_training(overrides: list[str], most: int) -> None:
    assert planned(*overrides).max_epochs() == most


@pytest.mark.parametrize(
    ("overrides", "direction"),
    [([], "max"), (["objective=val_loss"], "min"), (["objective=val_loss", "direction=max"], "max")],
)
def test_the_direction(overrides: list[str], direction: str) -> None:
    assert planned("model.dropout=0,0.1", *overrides).direction == direction


@pytest.mark.parametrize(
    ("overrides", "threads"),
    [
        (["oracle=random"], 4),
        (["oracle=quasi_random", "pruner=none"], 4),
        (["oracle=grid", "trainer.threads=7"], 7),
        (["oracle=random", "pruner=median"], 1),  # who is pruned depends on who comes first
        (["oracle=tpe"], 1),
        (["oracle=auto"], 1),
    ],
)
def test_threads_follow_the_workers_only_where_no_table_is_promised(
    overrides: list[str], threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mnistsweep.devices.num_cores", lambda: 8)
    dimension = "model.layer_size=32,64" if "oracle=grid" in overrides else "model.dropout=interval(0,0.5)"
    for workers in (8, 16):
        plan = plan_sweep(Recipe(), [f"workers={workers}", dimension, *overrides])
        assert plan.threads == threads
