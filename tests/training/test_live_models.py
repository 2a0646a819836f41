"""A training that goes on with a model in memory has the results, to the last bit, of one that is built again."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

import live_trainings
import pytest
from live_trainings import GENERATED_NAME, LiveWorker, Shared, assert_same

from mnistsweep.errors import ConfigError
from mnistsweep.study.records import State

MODULE = live_trainings.__name__
NOISY = [
    "model=custom",
    f"model._target_={MODULE}.noisy",
    f"objective=val_{GENERATED_NAME}",
    "trainer.batch_size=16",
    "trainer.epochs=8",
]
PERCEPTRON = ["model=perceptron", "trainer.batch_size=16", "trainer.epochs=8"]
PLATEAU = "{_target_: keras.callbacks.ReduceLROnPlateau, patience: 1, factor: 0.5, min_delta: 0.05}"
CASES = {
    "noise, average of weights": [*NOISY, "trainer.patience=7", "data.augmentation.shift=0.1"],
    "momentum": [*PERCEPTRON, "optimizer=sgd", "optimizer.momentum=0.8", f"trainer.callbacks=[{PLATEAU}]"],
    "schedule": [*PERCEPTRON, "schedule=cosine", "schedule.warmup_epochs=1.5", "optimizer=adam", "model.dropout=0.4"],
}  # fmt: skip
slow = pytest.mark.slow


@pytest.mark.parametrize("case", ["noise, average of weights", *(pytest.param(c, marks=slow) for c in list(CASES)[1:])])
def test_interleaved_trials_go_on_without_building(tmp_path: Path, tiny_data: list[str], case: str) -> None:
    overrides = [*tiny_data, *CASES[case]]
    live = LiveWorker(tmp_path / "live", overrides)
    whole = LiveWorker(tmp_path / "whole", overrides, 0)
    for number, until in ((0, 1), (1, 1), (0, 2), (1, 2), (0, 4), (1, 4)):
        assert live.run(number, until).state is State.PAUSED
        assert live.live.numbers == ({0} if number == 0 and until == 1 else {0, 1})
    ended = live.run(0)
    assert ended.state is State.COMPLETED
    assert live.builds == [0, 1]
    assert live.live.numbers == {1}
    whole.run(0)
    assert_same(live, whole, 0)


@pytest.mark.parametrize("maximum", [0, pytest.param(4, marks=slow)])
def test_the_scale_of_the_loss_and_untracked_variables_of_an_optimizer_are_restored(
    tmp_path: Path, tiny_data: list[str], maximum: int
) -> None:
    overrides = [*tiny_data, *PERCEPTRON, "model=custom", f"model._target_={MODULE}.half_precision", "trainer.epochs=3"]
    jobs, whole = LiveWorker(tmp_path / "jobs", overrides, maximum), LiveWorker(tmp_path / "whole", overrides, 0)
    jobs.run(0, 1)
    jobs.run(0)
    whole.run(0)
    assert jobs.builds == ([0] if maximum else [0, 0])
    assert_same(jobs, whole, 0)


@pytest.mark.parametrize(
    ("builder", "variable"),
    [(["returned_again"], "dense/kernel"), (["sharing", "+model.trainable=true"], "shared/kernel")],
)
def test_a_model_that_an_earlier_training_has_changed_is_refused(
    tmp_path: Path, tiny_data: list[str], monkeypatch: pytest.MonkeyPatch, builder: list[str], variable: str
) -> None:
    monkeypatch.setattr(Shared, "layer", None)
    monkeypatch.setattr(Shared, "model", None)
    target, *arguments = builder
    model = ["model=custom", f"model._target_={MODULE}.{target}", *arguments]
    worker = LiveWorker(tmp_path / "w", [*tiny_data, *PERCEPTRON, "trainer.epochs=1", *model])
    assert worker.run(0).state is State.COMPLETED
    with pytest.raises(ConfigError, match=f"model: must be built from new layers for each training.*{variable}"):
        worker.run(1)


def test_a_checkpoint_that_cannot_be_used_needs_a_new_model(tmp_path: Path, tiny_data: list[str]) -> None:
    worker = LiveWorker(tmp_path / "w", [*tiny_data, *PERCEPTRON])
    worker.run(0, 1)
    worker.paths(0).resume.write_bytes(b"damaged")
    assert worker.run(0, 2).result.epochs == 2
    assert worker.builds == [0, 0]
    model = worker.models()[0].model
    model.layers[-1].kernel.assign(model.layers[-1].kernel * float("nan"))  # whatever happens to it meanwhile
    model.optimizer.learning_rate = 1e6
    fresh = LiveWorker(tmp_path / "fresh", [*tiny_data, *PERCEPTRON], 0)
    fresh.run(0, 3)
    worker.run(0, 3)
    assert worker.builds == [0, 0]
    assert_same(worker, fresh, 0)


@slow
def test_a_model_that_does_not_fit_its_checkpoint_is_built_again(tmp_path: Path, tiny_data: list[str]) -> None:
    worker = LiveWorker(tmp_path / "w", [*tiny_data, *PERCEPTRON])
    worker.run(0, 1)
    model = worker.models()[0].model
    model.optimizer.add_variable((2,))
    assert worker.run(0, 2).result.epochs == 2
    assert worker.builds == [0, 0]
    assert worker.live.numbers == {0}


def test_models_that_are_not_kept_are_freed(tmp_path: Path, tiny_data: list[str]) -> None:
    worker = LiveWorker(tmp_path / "w", [*tiny_data, *PERCEPTRON], 1)
    worker.run(0, 1)
    found = worker.models()[0]
    functions = weakref.ref(found.engine.engine), weakref.ref(found.model), weakref.ref(found.model.variables[0])
    del found
    worker.run(1, 1)
    gc.collect()
    assert worker.live.numbers == {1}
    assert [reference() for reference in functions] == [None, None, None]
    assert worker.run(0, 2).result.epochs == 2
    assert worker.builds == [0, 1, 0]
    assert worker.live.clear()
    assert not worker.live.clear()
    assert worker.live.numbers == set()


@pytest.mark.parametrize(
    "overrides",
    [
        pytest.param(["model=custom", f"model._target_={MODULE}.counting"], id="a variable that Keras does not know"),
        pytest.param(["model=custom", f"model._target_={MODULE}.of_tensorflow"], id="random numbers of TensorFlow"),
        pytest.param(["model=custom", f"model._target_={MODULE}.of_python"], id="code that runs in Python"),
        pytest.param([f"trainer.callbacks=[{{_target_: {MODULE}.Own}}]"], id="a callback of the user"),
        pytest.param(["model=custom", f"model._target_={MODULE}.half"], id="a builder that changes the process"),
    ],
)
def test_models_with_state_outside_of_the_checkpoint_are_built_again(
    tmp_path: Path, tiny_data: list[str], overrides: list[str]
) -> None:
    worker = LiveWorker(tmp_path / "w", [*tiny_data, *PERCEPTRON, *overrides])
    worker.run(0, 1)
    assert worker.live.numbers == set()
    worker.run(0, 2)
    assert worker.builds == [0, 0]


@slow
def test_models_that_share_a_layer_do_not_break_each_other(
    tmp_path: Path, tiny_data: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Shared, "layer", None)  # so that the first model makes it
    worker = LiveWorker(tmp_path / "w", [*tiny_data, *PERCEPTRON, "model=custom", f"model._target_={MODULE}.sharing"])
    for until in (1, 2):
        for number in (0, 1):
            assert worker.run(number, until).state is State.PAUSED
    assert worker.builds == [0, 1, 0, 1]
    assert worker.run(1, 3).result.epochs == 3


def test_little_memory_and_a_number_of_0_keep_no_model(tmp_path: Path, tiny_data: list[str]) -> None:
    free = [1e9]
    worker = LiveWorker(tmp_path / "w", [*tiny_data, *PERCEPTRON], 4, free_bytes=lambda: free[0])
    worker.run(0, 1)
    assert worker.live.numbers == {0}
    assert 1e7 < worker.models()[0].num_bytes < 2e7
    free[0] = 7e7  # enough for one
    worker.run(1, 1)
    assert worker.live.numbers == {1}
    free[0] = 2e7
    worker.run(1, 2)
    assert worker.live.numbers == set()
    assert worker.builds == [0, 1]
    none = LiveWorker(tmp_path / "none", [*tiny_data, *PERCEPTRON], 0)
    none.run(0, 1)
    none.run(0, 2)
    assert none.builds == [0, 0]
