"""Every fault of a sweep is found before the start, and all faults are reported together."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from mnistsweep.config.recipe import Recipe
from mnistsweep.errors import ConfigError, DataError
from mnistsweep.planning.plan import Plan
from mnistsweep.planning.planner import plan_sweep


def planned(*overrides: str) -> Plan:
    return plan_sweep(Recipe(), overrides)


def faults_of(*overrides: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        planned(*overrides)
    return str(caught.value).splitlines()


def keys(faults: Sequence[str]) -> list[str]:
    return [fault.split(":")[0].split(" must ")[0] for fault in faults]


def test_faults_of_all_kinds_come_together() -> None:
    faults = faults_of(
        "trainer.epcohs=3,4", "model.drpout=0.1,0.2", "optmizer=adam", "workers=0", "data.vaildation=3", "trials=x",
        "model.dropout=0.1,1.5", "pruner.first_rung=0", "enqueue=[{model.drop: 1}]", "optimizer=adam,adm", "a=[",
    )  # fmt: skip
    assert sorted(keys(faults)) == sorted(
        ["trainer.epcohs", "model.drpout", "optmizer", "workers", "data.vaildation", "trials", "model.dropout",
         "pruner.first_rung", "enqueue[0].model.drop", "optimizer", "a"]
    )  # fmt: skip


def test_data_and_configuration_are_wrong_together() -> None:
    faults = faults_of("model.dropout=0.1,1.5", "data=npz", "data.path=nowhere.npz")
    assert keys(faults) == ["model.dropout", "data.path"]


def test_data_alone_are_wrong() -> None:
    with pytest.raises(DataError, match=r"nowhere\.npz"):
        planned("model.dropout=0,0.1", "data=npz", "data.path=nowhere.npz")


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["model.dropout=0.1,0.2,1.5,0.3"], r"^model\.dropout must be .*; received 1\.5$"),
        (["model.dropout=interval(0,1)"], r"^model\.dropout must be .*; received 1\.0$"),
        (["optimizer=adam,sgd", "optimizer.nesterov=maybe,true"], r"^optimizer\.nesterov must .*; received 'maybe'$"),
        (["model=perceptron,fast_conv", "model.pool_size=2,0"], r"^model\.pool_size must be .*; received 0$"),
        (["trainer.batch_size=range(-5,1000)"], r"^trainer\.batch_size: must be at least 1; received -5\.$"),
        (["schedule=cosine", "schedule.warmup_epochs=3", "trainer.epochs=2,5"], r"^schedule\.warmup_.* 3 and 2$"),
        (["trainer.loss=poisson,poison"], r"^trainer\.loss: .*'poison'; did you mean 'poisson'\?"),
        (["data.validation=100,60000"], r"^data\.validation=60000 leaves one side empty"),
        (["trainer.epochs=interval(1,5)"], r"^trainer\.epochs: whole .* write int\(interval\(1, 5\)\)\.$"),
        (["trainer.batch_size=tag(log,interval(8,64))"], r"^trainer\..* int\(tag\(log, interval\(8, 64\)\)\)\.$"),
        (["model.dense_layers=interval(1,3)"], r"^model\.dense_layers: whole .* write int\(interval\(1, 3\)\)\.$"),
    ],
)  # fmt: skip
def test_each_value_is_checked(overrides: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        planned(*overrides)


def test_conditions_in_a_cycle() -> None:
    with pytest.raises(ConfigError, match="cycle"):
        planned(
            "model.dropout=0,0.1", "trainer.epochs=1,2",
            "conditions={model.dropout: {trainer.epochs: 1}, trainer.epochs: {model.dropout: 0}}",
        )  # fmt: skip
