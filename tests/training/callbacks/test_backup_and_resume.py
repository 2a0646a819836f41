"""A training that is killed and resumed has the same results, to the last bit, as one that is not interrupted."""

from __future__ import annotations

import gc
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from fakes import start
from interrupted_trainings import (
    MODULE,
    InterruptedTraining,
    assert_same,
    make_training,
    read_state,
    train,
    without_seconds,
)

from mnistsweep.config.overrides import quoted
from mnistsweep.errors import TrialFailed
from mnistsweep.study.records import State
from mnistsweep.training.callbacks.backup_and_resume import ResumeMismatch
from mnistsweep.training.resume_file import TrainingState
from mnistsweep.training.trainer import Hooks

Pair = Callable[..., tuple[InterruptedTraining, InterruptedTraining]]


@pytest.fixture
def pair(tmp_path: Path, tiny_data: list[str]) -> Pair:
    """Two trainings of one configuration: one to be killed, one not."""
    gc.freeze()

    def make(*overrides: str, killer: str = "") -> tuple[InterruptedTraining, InterruptedTraining]:
        whole = InterruptedTraining(tmp_path / "whole", tiny_data, overrides, killer)
        return InterruptedTraining(tmp_path / "killed", tiny_data, overrides, killer), whole

    return make


REDUCE = "callbacks={_target_: keras.callbacks.ReduceLROnPlateau, patience: 1, factor: 0.5, min_delta: 0.05}"
AUGMENTATION = ["data.augmentation.rotation=10", "data.augmentation.shift=0.1"]
CASES = {
    "momentum": ["optimizer=sgd", "optimizer.nesterov=true", "optimizer.momentum=0.8", "trainer.patience=3", REDUCE],
    "schedule": ["schedule=cosine", "schedule.warmup_epochs=1.5", "model.dropout=0.4", *AUGMENTATION],
    "callbacks": [f"callbacks={{_target_: {MODULE}.Dice}}", f"callbacks={{_target_: {MODULE}.Diary}}"],
    "random numbers without a seed": [f"model._target_={MODULE}.noisy"],
    "half precision": [f"model._target_={MODULE}.half"],
}


FAST = ("momentum", "callbacks")


@pytest.mark.parametrize(
    "case", [case if case in FAST else pytest.param(case, marks=pytest.mark.slow) for case in CASES]
)
def test_a_killed_training_has_the_results_of_an_uninterrupted_one(pair: Pair, case: str) -> None:
    killed, whole = pair(*CASES[case])
    killed.request_kill()
    killed.run_killed()
    outcome = killed.run()
    assert without_seconds(outcome) == without_seconds(whole.run())
    assert_same(killed, whole)
    epochs = whole.started
    assert killed.started == [1, 2, 3, *epochs[2:]], "one epoch was repeated"
    assert outcome.result.epochs == len(epochs)


@pytest.mark.slow
def test_a_killed_process_is_resumed_by_another(pair: Pair) -> None:
    killed, whole = pair("model.dropout=0.3", "trainer.patience=4", killer=", really: true")
    killed.request_kill()
    codes = []
    for _ in range(2):
        process = start(train, killed.overrides, killed.folder)
        process.join(120)
        codes.append(process.exitcode)
    assert codes == [-signal.SIGKILL, 0]
    whole.run()
    assert_same(killed, whole)
    assert killed.started == [1, 2, 3, 3, 4, 5]


@pytest.mark.slow
def test_a_training_is_killed_in_each_of_its_repeats(pair: Pair) -> None:
    reports: dict[int, float] = {}
    hooks = Hooks(report_objective=lambda epoch, value: bool(reports.setdefault(epoch, value) != value))
    killed, whole = pair("trainer.repeats=2", "model.dropout=0.2", "trainer.epochs=3")
    killed.request_kill("yes", "no", "yes")
    killed.run_killed()
    killed.run_killed(hooks)
    outcome = killed.run(hooks)
    assert without_seconds(outcome) == without_seconds(whole.run(hooks))
    assert set(reports) == {1, 2, 3}, "and every attempt reports the same value for an epoch"
    assert_same(killed, whole, (".", "repeat-1"))
    assert killed.started == [1, 2, 3, 3, 1, 2, 3, 3]
    assert outcome.result.epochs == 6


def test_a_training_that_was_killed_after_its_last_epoch_trains_no_more(pair: Pair) -> None:
    killed, whole = pair("trainer.patience=1", "optimizer.learning_rate=1e-9", killer=", last: true")
    killed.request_kill()
    killed.run_killed()
    trained = killed.started
    outcome = killed.run()
    assert without_seconds(outcome) == without_seconds(whole.run())
    assert killed.started == trained == [1, 2]
    assert_same(killed, whole)


def test_a_pruned_training_stays_pruned(pair: Pair) -> None:
    killed, whole = pair(killer=", last: true")
    killed.request_kill()
    killed.run_killed(Hooks(report_objective=lambda epoch, value: epoch == 2))
    outcome = killed.run(Hooks(report_objective=lambda epoch, value: False))
    assert outcome.state is State.PRUNED
    pruned = whole.run(Hooks(report_objective=lambda epoch, value: epoch == 2))
    assert without_seconds(outcome) == without_seconds(pruned)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Skipping variable loading for optimizer")
def test_a_model_with_two_optimizers_that_is_built_by_its_first_batch(pair: Pair) -> None:
    killed, whole = pair(f"model._target_={MODULE}.two_rates", "objective=val_loss", "direction=min")
    killed.request_kill()
    killed.run_killed()
    killed.run()
    whole.run()
    assert killed.started == [1, 2, 3, 3, 4, 5]
    assert_same(killed, whole)


@pytest.mark.slow
def test_a_users_own_fit_is_resumed_in_the_interrupted_phase(pair: Pair) -> None:
    killed, whole = pair(f"model._target_={MODULE}.Phases", "trainer.epochs=4")
    killed.request_kill("yes", "no", "yes")
    killed.run_killed()
    killed.run_killed()
    outcome = killed.run()
    assert without_seconds(outcome) == without_seconds(whole.run())
    assert killed.started == [1, 2, 3, 3, 1, 2, 3, 3, 4]
    assert outcome.result.epochs == 7
    assert_same(killed, whole)


def test_a_users_own_fit_that_passes_no_callback_on_is_resumed(pair: Pair) -> None:
    killed, whole = pair(f"model._target_={MODULE}.Silent", "trainer.epochs=4")
    killed.request_kill()
    killed.run_killed()
    outcome = killed.run()
    assert killed.started == [1, 2, 3, 3, 4]
    assert without_seconds(outcome) == without_seconds(whole.run())


def test_a_users_own_loop_that_restarts_at_the_first_epoch_is_detected(pair: Pair) -> None:
    killed, _ = pair(f"model._target_={MODULE}.Loop")
    killed.request_kill()
    killed.run_killed()
    with pytest.raises(ResumeMismatch, match="the training continued with epoch 1, expected epoch 3"):
        killed.run()


def test_a_callback_with_a_state_that_cannot_be_written_fails_the_trial(pair: Pair) -> None:
    trial, _ = pair(f"callbacks={{_target_: {MODULE}.Diary, broken: true}}")
    with pytest.raises(TrialFailed, match=rf"{MODULE}.Diary.get_state\(\): must return a dictionary of plain"):
        trial.run()


@pytest.fixture(scope="module")
def interrupted(tiny_file: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[InterruptedTraining, TrainingState]:
    """A training that was killed in its third epoch, and its state."""
    tiny_data = ["data=npz", f"data.path={quoted(str(tiny_file))}", "data.validation=60"]
    folder = tmp_path_factory.mktemp("interrupted") / "trial"
    killed = InterruptedTraining(folder, tiny_data, [f"callbacks={{_target_: {MODULE}.Dice}}"])
    killed.request_kill()
    killed.run_killed()
    state = read_state(killed.overrides, killed.folder)
    assert state is not None
    return killed, state


Interrupted = tuple[InterruptedTraining, TrainingState]


def test_seconds_are_those_of_all_attempts(interrupted: Interrupted) -> None:
    killed, state = interrupted
    assert state.seconds > 0
    resumed = make_training(killed.overrides, killed.folder)
    assert resumed.run(replace(state, seconds=state.seconds + 1000)).result.seconds > 1000


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("model.layer_size=8", r"the model: the file contains float32\[36, \d+\], the training has float32\[36, 8\]"),
        ("trainer.callbacks=[]", rf"the callbacks: the file contains {MODULE}.Killer, the training has nothing"),
        ("optimizer=sgd", r"optimizer: "),
    ],
)
def test_another_model_and_other_callbacks_are_detected(interrupted: Interrupted, override: str, message: str) -> None:
    killed, state = interrupted
    other = make_training([*killed.overrides, override], killed.folder)
    with pytest.raises(ResumeMismatch, match=message):
        other.run(state)
