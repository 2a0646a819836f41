"""Errors of `mnistsweep report`: invalid options, sweeps without a winner, missing data, a second process."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from commands import command, finished_sweep, tree
from reports import Reported, copied

from mnistsweep.commands import report as report_command
from mnistsweep.config.overrides import quoted
from mnistsweep.locks import exclusive_lock
from mnistsweep.paths import SweepPaths


def test_a_second_process_is_refused(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    paths = SweepPaths(folder).report
    left = paths.model(".trial-0000-seed-0-0123456789ab")
    left.touch()
    before = tree(folder)
    with exclusive_lock(paths.lock):
        answer = command(capfd, "report", str(folder))
    assert answer.code == 2
    assert "another `mnistsweep report` is running here. Repeat the command when that one has ended." in answer.err
    assert {path: at for path, at in tree(folder).items() if not path.endswith(paths.lock.name)} == {
        path: at for path, at in before.items() if not path.endswith(paths.lock.name)
    }
    with report_command._lock(paths):
        assert not left.exists()


INVALID = [
    (
        ["report.class_names=[a,b]"],
        r"report\.class_names: must be 4 names, one for each class, received 2: \['a', 'b'\]\.",
    ),
    (["report.against=model.layer_sise"], r"report\.against: .*did you mean 'model\.layer_size'\?"),
    (["report.seeds=0"], r"report\.seeds: must be between 1 and 100; received 0\."),
    (["report.seds=1"], r"report\.seds: there is no such key; did you mean 'report\.seeds'\?"),
    (["extra"], r"report: expects one sweep and keys of its own, report\.KEY=VALUE; received 'extra'\."),
    (["--seeds"], r"report: there is no option '--seeds'"),
]


def test_invalid_options_are_one_message_and_write_nothing(
    reported: Reported, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = copied(reported.folder, tmp_path / "search", report=False)
    for options, message in INVALID:
        answer = command(capfd, "report", str(folder), *options)
        assert (answer.code, answer.out) == (2, ""), options
        assert re.fullmatch(rf"mnistsweep: {message}.*\n", answer.err), answer.err
        assert not SweepPaths(folder).report.folder.exists()


def test_sweeps_without_a_winner_or_without_their_data(
    tiny_data: list[str], tiny_file: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    own = tmp_path / "own.npz"
    shutil.copyfile(tiny_file, own)
    sweep = [*tiny_data, f"data.path={quoted(str(own))}", "model=perceptron", "model.layer_size=4,8", "oracle=grid"]
    failed = finished_sweep([*sweep, "name=failed"], [None, None]).paths
    done = finished_sweep([*sweep, "name=done"], [0.5, 0.6]).paths

    def refused(name: str, message: str, code: int = 2) -> None:
        answer = command(capfd, "report", name)
        assert answer.code == code, answer
        assert re.fullmatch(rf"mnistsweep: {message}\n", answer.err), answer.err
        assert not failed.report.folder.exists()
        assert not done.report.folder.exists()

    refused("dne", r"logs/dne: no sweep found \(sweep\.yaml is missing\); did you mean 'done'\? .*")
    refused("logs/dne", r"logs/dne: no sweep found \(sweep\.yaml is missing\); did you mean 'done'\? .*")
    failure = "Trial 0: it broke. Correct the cause, then: another search: name=NAME."
    refused("failed", re.escape(f"logs/failed: every trial failed (2 of 2). {failure}"), code=1)
    with np.load(own) as file:
        arrays = {name: file[name] for name in file.files}
    np.savez(own, **(arrays | {"y_train": arrays["y_train"][::-1]}))
    refused("done", r"logs/done: the data differ from those of the sweep \(checksum .*; restore them, or .*")
    own.unlink()
    refused("done", r"logs/done: the data of this sweep can no longer be loaded: .*own\.npz.*")
    done.trial(1).config.unlink()
    refused("done", r"logs/done/trials/0001/config\.yaml: the configuration of trial 1 cannot be read: .*")
