"""Options of `mnistsweep report` and `clean`."""

from __future__ import annotations

import pytest

from mnistsweep.config.compose import compose, to_config
from mnistsweep.config.options import with_options
from mnistsweep.config.recipe import Recipe
from mnistsweep.config.schema import Config
from mnistsweep.errors import ConfigError
from mnistsweep.planning.same_search import differences


@pytest.fixture
def config() -> Config:
    return to_config(compose(Recipe(("report.seeds=2", "clean.folds=4"))))


def test_options_replace_values_of_the_sweep(config: Config) -> None:
    read = with_options(config, ["report.refit=false", "report.class_names=[cat,dog]"], "report")
    assert (read.report.seeds, read.report.refit, read.report.class_names) == (2, False, ["cat", "dog"])
    assert read.clean.folds == 4
    assert config.report.refit
    assert read.trainer == config.trainer


def test_all_faults_come_at_once(config: Config) -> None:
    with pytest.raises(ConfigError) as caught:
        with_options(
            config,
            ["report.sedes=3", "report.top=0", "report.refit=2", "trainer.epochs=9", "report.seeds=1,2", "report"],
            "report",
        )
    lines = str(caught.value).splitlines()
    assert any("report.sedes: there is no such key; did you mean 'report.seeds'?" in line for line in lines)
    assert "report.top: must be between 1 and 1000; received 0." in lines
    assert "report.refit: must be true or false; received 2." in lines
    assert "report: expects one sweep and keys of its own, report.KEY=VALUE; received 'trainer.epochs=9'." in lines
    assert "report: expects one sweep and keys of its own, report.KEY=VALUE; received 'report'." in lines
    assert "report.seeds: must be one value, not a range; received 'report.seeds=1,2'." in lines
    assert len(lines) == 6


@pytest.mark.parametrize("value", ["-0.1", "0.6"])
def test_at_most_half_of_the_labels_are_planted(config: Config, value: str) -> None:
    with pytest.raises(ConfigError, match=rf"clean.plant: must be between 0 and 0.5; received {value}"):
        with_options(config, [f"clean.plant={value}"], "clean")


def test_options_do_not_make_another_search() -> None:
    from mnistsweep.planning.planner import plan_sweep

    plain = plan_sweep(Recipe(), ["model.dropout=0.1,0.2"])
    other = plan_sweep(Recipe(), ["model.dropout=0.1,0.2", "report.seeds=7", "clean.plant=0.1"])
    assert other.config.report.seeds == 7
    assert differences(plain, other) == []
    with pytest.raises(ConfigError, match=r"report\.seeds"):
        plan_sweep(Recipe(), ["report.seeds=1,2"])
