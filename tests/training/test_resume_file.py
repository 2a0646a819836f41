from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mnistsweep.config.compose import compose, to_config
from mnistsweep.config.recipe import Recipe
from mnistsweep.training import resume_file
from mnistsweep.training.resume_file import TrainingState, read_resume_file, resume_fingerprint, write_resume_file

PHASE: dict[str, Any] = {
    "plain": ["text", 3],
    "weights": np.arange(6.0).reshape(2, 3),
    "empty": np.zeros((0, 3), "float32"),
    "half": np.array([1.5, -2.0]).astype("bfloat16"),
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "resume.npy"


def test_a_state_is_read_as_it_was_written(file: Path) -> None:
    state = TrainingState("mine", 1, [{"value": 0.5}], 2.5)
    write_resume_file(file, replace(state, phases=[PHASE]))
    found = read_resume_file(file, "mine")
    assert found is not None
    assert replace(found, phases=[]) == state
    assert repr(found.phases) == repr([PHASE])
    assert list(file.parent.iterdir()) == [file]


def test_the_record_has_the_keys_of_every_version_before(file: Path) -> None:
    write_resume_file(file, TrainingState("mine", 1, [{"value": 0.5}], 2.5))
    record = re.search(rb'\{"format.*\}', file.read_bytes())
    assert record is not None
    keys = list(json.loads(record[0]))
    assert keys == ["format", "identity", "repeat", "runs", "seconds", "phases"]


def test_a_restarted_training_keeps_its_duration_only() -> None:
    state = TrainingState("mine", 1, [{"value": 0.5}], 2.5, [PHASE])
    assert state.restarted() == TrainingState("mine", seconds=2.5)


def damage(file: Path, how: str) -> None:
    content = file.read_bytes()
    at = content.index(b"text")
    changed = {
        "cut": content[: len(content) // 2],
        "empty": b"",
        "a byte": content[:at] + b"T" + content[at + 1 :],
        "not npy": b"not at all",
    }
    file.write_bytes(changed[how])


@pytest.mark.parametrize("how", ["cut", "empty", "a byte", "not npy"])
def test_a_damaged_file_is_not_used(file: Path, caplog: pytest.LogCaptureFixture, how: str) -> None:
    write_resume_file(file, TrainingState("mine", phases=[PHASE]))
    damage(file, how)
    assert read_resume_file(file, "mine") is None
    (record,) = caplog.records
    assert record.name == "mnistsweep"
    assert record.getMessage().startswith(f"{file}: cannot resume from this file: ")


def test_a_file_of_another_training_or_version_is_not_used(
    file: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert read_resume_file(file, "mine") is None
    assert not caplog.records, "there is usually no file"
    write_resume_file(file, TrainingState("other"))
    assert read_resume_file(file, "mine") is None
    monkeypatch.setattr(resume_file, "FORMAT", 2)
    assert read_resume_file(file, "other") is None
    assert [record.getMessage().split(": ")[2] for record in caplog.records] == [
        "it was written for another configuration; the trial restarts from scratch",
        "another version of mnistsweep wrote it; the trial restarts from scratch",
    ]


def test_a_file_that_cannot_be_written_leaves_the_previous_one(file: Path) -> None:
    write_resume_file(file, TrainingState("mine", seconds=1.0))
    with pytest.raises(TypeError):
        write_resume_file(file, TrainingState("mine", seconds=2.0, phases=[{"what": object()}]))
    state = read_resume_file(file, "mine")
    assert state is not None
    assert state.seconds == 1.0
    assert list(file.parent.iterdir()) == [file]


def test_the_fingerprint_ignores_the_sweep_around_a_trial(tiny_data: list[str]) -> None:
    def name(*overrides: str) -> str:
        return resume_fingerprint(
            to_config(compose(Recipe((*tiny_data, "model=perceptron", "objective=val_accuracy", *overrides))))
        )

    same = ["trials=99", "workers=2", "logs=elsewhere", "trainer.threads=1", "trial.timeout_minutes=9", "oracle=tpe"]
    assert {name(override) for override in same} == {name()}
    others = ["seed=1", "trainer.epochs=6", "model.dropout=0.1", "optimizer=sgd", "data.validation=50"]
    assert len({name(), *map(name, others)}) == 1 + len(others)
    assert len(name()) == 64, "as in the files of every version before"
