"""Selection of the winner, its configuration, and the check of its data."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from commands import finished_sweep

from mnistsweep.config.overrides import quoted
from mnistsweep.errors import ConfigError, DataError, StudyError, SweepStopped
from mnistsweep.evaluation.selection import check_data, select

Finish = Callable[..., Path]


@pytest.fixture
def own_file(tiny_file: Path, tmp_path: Path) -> Path:
    """A data file to change."""
    return Path(shutil.copyfile(tiny_file, tmp_path / "own.npz"))


@pytest.fixture
def finish(tiny_data: list[str], own_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Finish:
    """Create a sweep with trials that were never trained; each has a score, None is a failure."""
    monkeypatch.chdir(tmp_path)
    data = [*tiny_data, f"data.path={quoted(str(own_file))}", "model=perceptron", "name=search"]

    def make(*scores: float | None, overrides: tuple[str, ...] = ()) -> Path:
        sweep = ["optimizer=adam,sgd", "model.layer_size=4,8,16", "oracle=random", "seed=3", *overrides]
        return finished_sweep([*data, *sweep], scores).paths.folder

    return make


def test_the_best_trial_by_validation_wins_and_the_others_follow(finish: Finish) -> None:
    selection = select(finish(0.4, None, 0.9, 0.2, 0.9))
    assert [record.number for record in selection.ranked(9)] == [2, 4, 0, 3]
    assert [record.number for record in selection.ranked(2)] == [2, 4]
    assert (selection.winner.number, selection.winner.result.objective, selection.best_epoch) == (2, 0.9, 1)
    assert len(selection.records) == 5


def test_the_smallest_wins_where_less_is_better(finish: Finish) -> None:
    assert select(finish(0.4, 0.2, 0.9, overrides=("objective=val_loss",))).winner.number == 1


def test_the_winner_has_the_configuration_that_it_was_trained_with(finish: Finish) -> None:
    selection = select(finish(0.4, 0.9), ["report.seeds=7"])
    for record in selection.records:
        config = selection.config_of(record)
        assert config.seed == record.seed
        assert config.optimizer["name"] == record.point["optimizer"]
        assert config.model["layer_size"] == record.point["model.layer_size"]
    assert (selection.plan.config.report.seeds, config.report.seeds, config.trainer.threads) == (7, 7, 1)


def test_a_missing_or_damaged_configuration_is_one_line(finish: Finish) -> None:
    selection = select(finish(0.4))
    file = selection.paths.trial(0).config
    whole = file.read_text(encoding="utf-8")
    file.unlink()
    for content, message in (
        (None, "No such file or directory"),
        ("", "'NoneType' object has no attribute 'items'"),
        ("- 1", "'list' object has no attribute 'items'"),
        ("a: b: c", "mapping values are not allowed here"),
        ("seed: 3\ntrainer: {}", "objective, direction, data, model, optimizer, schedule missing"),
        (whole.replace("\nseed:", "\nseed: x"), "seed: must be a whole number; received 'x"),
        (whole.replace("  epochs:", "  epoch:"), "trainer.epoch: there is no such key; did you mean 'trainer.epochs'?"),
    ):
        if content is not None:
            file.write_text(content, encoding="utf-8")
        with pytest.raises(StudyError) as raised:
            selection.config_of(selection.winner)
        said = str(raised.value)
        assert said.startswith(f"{file}: the configuration of trial 0 cannot be read: "), said
        assert message in said
        assert "\n" not in said


def test_a_sweep_without_a_completed_trial_says_why(finish: Finish) -> None:
    with pytest.raises(SweepStopped) as raised:
        select(finish(None, None))
    assert str(raised.value).startswith(
        "logs/search: every trial failed (2 of 2). Trial 0: it broke. Correct the cause, then: "
    )


def test_a_sweep_without_trials_has_no_winner(finish: Finish) -> None:
    with pytest.raises(
        StudyError, match=r"no trial has completed yet \(none was started\); the same command continues\."
    ):
        select(finish())


def test_the_nearest_sweep_is_named(finish: Finish) -> None:
    folder = finish(0.5)
    with pytest.raises(StudyError, match=r"no sweep found .*did you mean 'search'\?"):
        select(folder.with_name("serch"))


def test_invalid_options_are_errors(finish: Finish) -> None:
    folder = finish(0.5)
    for override, message in {
        "report.seds=3": r"report\.seds: there is no such key; did you mean 'report\.seeds'\?",
        "report.seeds=0": r"report\.seeds: must be between 1 and 100; received 0\.",
        "report.seeds=two": r"report\.seeds: must be a whole number",
        "report.seeds=1,2": r"report\.seeds: must be one value, not a range",
        "report.top=0": r"report\.top: must be between 1 and 1000; received 0\.",
        "trials=3": r"report: expects one sweep and keys of its own, report\.KEY=VALUE; received 'trials=3'\.",
        "clean.seeds=3": r"received 'clean\.seeds=3'\.",
    }.items():
        with pytest.raises(ConfigError, match=message):
            select(folder, [override])
    with pytest.raises(ConfigError) as raised:
        select(folder, ["report.seeds=0", "report.top=0", "trials=3"])
    assert len(str(raised.value).splitlines()) == 3


def test_missing_or_different_data_are_errors(finish: Finish, own_file: Path) -> None:
    selection = select(finish(0.5))
    config = selection.config_of(selection.winner)
    check_data(selection, config)
    with np.load(own_file) as file:
        arrays = {name: file[name] for name in file.files}
    np.savez(own_file, **(arrays | {"x_test": arrays["x_test"] // 2}))
    check_data(selection, config)
    np.savez(own_file, **(arrays | {"x_train": arrays["x_train"] // 2}))
    with pytest.raises(DataError, match=r"the data differ from those of the sweep \(checksum \w{16} then, \w{16} n"):
        check_data(selection, config)
    own_file.unlink()
    with pytest.raises(DataError, match=r"can no longer be loaded: .*own\.npz"):
        check_data(selection, config)


def test_a_trial_may_have_other_data_than_the_sweep(finish: Finish, own_file: Path) -> None:
    """Where the data were searched, the sweep has the checksum of the data that it was started with."""
    selection = select(finish(0.5, overrides=("data.scaling=divide,none",)))
    config = selection.config_of(selection.winner)
    with np.load(own_file) as file:
        arrays = {name: file[name] for name in file.files}
    other = own_file.with_name("other.npz")
    np.savez(other, **(arrays | {"x_train": arrays["x_train"] // 2}))
    config.data["path"] = str(other)
    check_data(selection, config)
    other.unlink()
    with pytest.raises(DataError, match=r"can no longer be loaded: .*other\.npz"):
        check_data(selection, config)


def test_a_trial_has_the_data_of_the_sweep_unless_they_were_searched(finish: Finish, own_file: Path) -> None:
    selection = select(finish(0.5))
    config = selection.config_of(selection.winner)
    with np.load(own_file) as file:
        np.savez(own_file.with_name("other.npz"), **{name: file[name][::-1] for name in file.files})
    config.data["path"] = str(own_file.with_name("other.npz"))
    with pytest.raises(DataError, match=r"the data differ from those of the sweep"):
        check_data(selection, config)
