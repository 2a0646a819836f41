"""A training in several jobs has the results, to the last bit, of one that runs at once."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest
from interrupted_trainings import MODULE, InterruptedTraining, assert_same, read_state, without_seconds
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from mnistsweep.paths import TrialPaths
from mnistsweep.study.records import State
from mnistsweep.training.callbacks import backup_and_resume
from mnistsweep.training.trainer import Hooks

REDUCE = "callbacks={_target_: keras.callbacks.ReduceLROnPlateau, patience: 1, factor: 0.5, min_delta: 0.05}"
CASES = {
    "momentum": [
        "optimizer=sgd", "optimizer.momentum=0.8", "optimizer.nesterov=true", "trainer.patience=7", "model.dropout=0.3",
        REDUCE, f"callbacks={{_target_: {MODULE}.Dice}}",
    ],
    "schedule": ["schedule=cosine", "schedule.warmup_epochs=1.5", "optimizer=adam", "model.dropout=0.4"],
}  # fmt: skip


def points_of(training: InterruptedTraining, run: str, tag: str) -> list[tuple[int, float]]:
    """The curve that TensorBoard shows."""
    events = EventAccumulator(str(training.folder / run)).Reload()
    return [(event.step, event.tensor_proto.float_val[0]) for event in events.Tensors(tag)]


@pytest.mark.parametrize("case", [pytest.param("momentum", marks=pytest.mark.slow), "schedule"])
def test_jobs_of_one_one_two_and_four_epochs_are_one_run_of_eight(
    tmp_path: Path, tiny_data: list[str], case: str
) -> None:
    overrides = [*CASES[case], "trainer.epochs=8"]
    jobs = InterruptedTraining(tmp_path / "jobs", tiny_data, overrides)
    whole = InterruptedTraining(tmp_path / "whole", tiny_data, overrides)
    seconds = [0.0]
    for until in (1, 2, 4):
        paused = jobs.run(until=until)
        assert paused.state is State.PAUSED
        assert paused.result.epochs == until
        assert paused.result.seconds > seconds[-1]
        seconds.append(paused.result.seconds)
    ended, expected = jobs.run(), whole.run()
    assert ended.state is State.COMPLETED
    assert ended.result.seconds > seconds[-1]
    assert without_seconds(ended) == without_seconds(expected)
    assert_same(jobs, whole)
    assert jobs.started == whole.started == list(range(1, 9))
    for run, tag in (("train", "epoch_loss"), ("validation", "epoch_accuracy"), ("train", "epoch_learning_rate")):
        points = points_of(jobs, run, tag)
        assert points == points_of(whole, run, tag)
        assert [step for step, _ in points] == list(range(1, 9))


def test_a_training_that_ends_by_itself_at_the_end_of_its_job_is_complete(tmp_path: Path, tiny_data: list[str]) -> None:
    ended = InterruptedTraining(tmp_path / "t", tiny_data, ["trainer.stop_after=2", "optimizer=sgd"])
    assert ended.run(until=2).state is State.COMPLETED
    assert ended.run(until=3).state is State.COMPLETED  # its process was killed before the result was recorded
    assert ended.started == [1, 2]


def test_a_job_that_was_killed_after_its_last_epoch_trains_nothing_again(tmp_path: Path, tiny_data: list[str]) -> None:
    killed = InterruptedTraining(tmp_path / "t", tiny_data, ["optimizer=sgd"])
    first: Any = killed.run(until=2)
    again = killed.run(until=2)
    assert again.state is State.PAUSED
    assert without_seconds(again) == without_seconds(first)
    assert killed.started == [1, 2]
    state = read_state(killed.overrides, killed.folder)
    assert state is not None
    assert not state.phases[0]["stopped"]
    assert TrialPaths(killed.folder).resume.is_file()


def test_a_full_disk_is_a_reason_to_make_room(
    tmp_path: Path, tiny_data: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    module = "mnistsweep.training.callbacks.backup_and_resume.write_resume_file"
    freed, refusals = list[bool](), [True, True]
    write = backup_and_resume.write_resume_file

    def write_if_there_is_room(*arguments: Any, **options: Any) -> None:
        if refusals and refusals.pop():
            raise OSError(errno.ENOSPC, "No space left on device")
        write(*arguments, **options)

    monkeypatch.setattr(module, write_if_there_is_room)
    training = InterruptedTraining(tmp_path / "t", tiny_data, ["optimizer=sgd"])
    outcome = training.run(Hooks(free_space=lambda: not freed.append(True)), until=1)
    assert outcome.state is State.PAUSED
    assert freed == [True, True]
    refusals.append(True)
    with pytest.raises(OSError, match="No space left"):
        training.run(until=2)
