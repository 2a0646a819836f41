"""The counts of `faults.py`: each kind of damage to a finished sweep is found."""

from __future__ import annotations

import dataclasses
import json
import random
import shutil
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from benchmark_commands import importable_benchmarks


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep of the fake trainings without a disturbance: three trials of two epochs."""
    folder = tmp_path_factory.mktemp("finished") / "swept"
    with importable_benchmarks():
        faulty, harm = import_module("helpers.faulty"), import_module("helpers.harm")
        settings = faulty.Settings(trials=3, workers=1, epochs=2, epoch_seconds=0.01, lease_seconds=15.0, seed=0)
        settings.write(folder)
        done = harm.run([*faulty.COMMAND, folder], folder, [], harm.killer(random.Random(0)), 100.0)
    assert (done.harms, done.gave_up) == ([], 0)
    return folder


@pytest.fixture
def swept(benchmarks: None, finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished sweep that a test may change."""
    return Path(shutil.copytree(finished, tmp_path / "swept"))


def count(folder: Path) -> tuple[int, int, int, int, int, int]:
    found = import_module("helpers.audit").audit(folder, [])
    assert found.finished == 3
    return found.lost, found.doubled, found.over_budget, found.repeated, found.most_repeated, found.repeated_whole


def rewrite(path: Path, before: str, after: str) -> None:
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after, 1))


def append(log: Path, found: list[Any]) -> None:
    with log.open("a") as file:
        file.writelines(json.dumps(dataclasses.asdict(event)) + "\n" for event in found)


def test_faults_finds_nothing_where_nothing_was_harmed(swept: Path) -> None:
    assert count(swept) == (0, 0, 0, 0, 0, 0)


def test_faults_finds_a_trial_that_the_table_has_lost(swept: Path) -> None:
    table = swept / "results.csv"
    table.write_text("".join(line for line in table.read_text().splitlines(True) if not line.startswith("1,")))
    assert count(swept)[0] == 1


def test_faults_finds_a_result_that_is_wrong(swept: Path) -> None:
    objective = import_module("helpers.audit").rows(swept / "results.csv")[1]["objective"]
    rewrite(swept / "study.journal", f'"objective":{objective}', '"objective":0.5')
    assert count(swept)[0] == 1


def test_faults_finds_a_trial_beyond_the_budget(swept: Path) -> None:
    rewrite(swept / "settings.json", '"trials": 3', '"trials": 2')
    assert count(swept)[2] == 1


def test_faults_finds_an_outcome_that_was_written_twice(swept: Path) -> None:
    lines = (swept / "study.journal").read_text().splitlines()
    ended = next(line for line in lines if json.loads(line)["op_code"] == 6)
    with (swept / "study.journal").open("a") as journal:
        journal.write(ended + "\n")
    assert count(swept)[1] == 1


def test_faults_finds_epochs_that_were_trained_again(swept: Path) -> None:
    events, log = import_module("helpers.events"), swept / "events.log"
    again = [e for e in events.read(log) if e.trial == 2 and e.what in (events.CLAIM, events.BEGIN)]
    append(log, [dataclasses.replace(event, at=event.at + 100, attempt="another") for event in again])
    assert count(swept) == (0, 0, 0, 2, 2, 2)


def test_faults_finds_two_processes_at_one_trial(swept: Path) -> None:
    events, log = import_module("helpers.events"), swept / "events.log"
    first = next(e for e in events.read(log) if e.trial == 2 and e.what == events.END)
    append(log, [dataclasses.replace(first, at=first.at - 0.001, attempt="another", what=events.CLAIM)])
    assert count(swept)[1] == 1
