"""Trainings on data that stream and with weights of classes: the curves are those of plain Keras."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
import streaming_data
from interrupted_trainings import make_training, read_state
from sklearn.utils.class_weight import compute_class_weight

from mnistsweep.config.compose import compose, to_config
from mnistsweep.config.recipe import Recipe
from mnistsweep.data import load
from mnistsweep.errors import MnistSweepError
from mnistsweep.paths import TrialPaths
from mnistsweep.planning.planner import plan_sweep
from mnistsweep.seeds import repeat_seed
from mnistsweep.stop_signal import StopSignal
from mnistsweep.training.callbacks.stopping import Interrupted
from mnistsweep.training.engines import StreamSplit, announcement
from mnistsweep.training.loop import FitOptions, fit
from mnistsweep.training.resume_file import read_resume_file, resume_fingerprint
from mnistsweep.training.trainer import Hooks
from mnistsweep.tuner.hypermodel_training import train_once

EPOCHS = 3
THREE = {"_target_": "streaming_data.three"}


def overrides(source: str, model: str = "net", *more: str) -> list[str]:
    """Overrides of a configuration with a user's data and model."""
    targets = ["data=custom", f"data._target_=streaming_data.{source}", f"model._target_=streaming_data.{model}"]
    rate = ["optimizer.learning_rate=0.02"]
    return [*targets, *rate, f"trainer.epochs={EPOCHS}", "objective=val_accuracy", *more]


def train(folder: Path, source: str, *more: str, model: str = "net") -> pd.DataFrame:
    """Train one configuration; returns its curves."""
    config = to_config(compose(Recipe(tuple(overrides(source, model, *more)))))
    train_once(config, "max", TrialPaths(folder), Hooks())
    return pd.read_csv(TrialPaths(folder).history)


def plain_keras(
    train: Any, validation: Any, loss: str = "sparse_categorical_crossentropy", **options: Any
) -> dict[str, list[float]]:
    """The history of `fit` for the same model, with the seed of the first repeat."""
    config = to_config(compose(Recipe(tuple(overrides("three")))))
    keras.utils.set_random_seed(repeat_seed(config.seed, 0))
    model = streaming_data.net((4,))
    model.compile(keras.optimizers.Adam(0.02), loss, metrics=["accuracy"])
    x, *targets = train if isinstance(train, tuple) else (train,)
    fitted = model.fit(x, *targets, epochs=EPOCHS, verbose=0, validation_data=validation, **options)
    return dict(fitted.history)


def assert_same_curves(found: pd.DataFrame, expected: dict[str, list[float]]) -> None:
    assert len(found) == EPOCHS
    for name, values in expected.items():
        assert found[name].to_numpy() == pytest.approx(values, rel=1e-4, abs=1e-5), name


slow = pytest.mark.slow


@pytest.mark.parametrize(
    "source",
    [
        "three",
        *(pytest.param(source, marks=slow) for source in ("py_three", "weighted", "torch_three", "stream_with_arrays")),
    ],
)
def test_the_curves_of_a_stream_are_those_of_fit(source: str, tmp_path: Path) -> None:
    pytest.importorskip("torch") if source == "torch_three" else None
    parts = getattr(streaming_data, source)()
    assert_same_curves(train(tmp_path / "trial", source), plain_keras(*parts[:2]))


def test_an_infinite_dataset_goes_on_where_the_last_epoch_ended(tmp_path: Path) -> None:
    parts = streaming_data.endless()
    found = train(tmp_path / "trial", "endless", "trainer.steps_per_epoch=3")  # 7 batches hold all examples
    assert_same_curves(found, plain_keras(*parts[:2], steps_per_epoch=3))


@slow
@pytest.mark.parametrize("source", ["three", "py_three"])
def test_targets_are_converted_for_the_loss(source: str, tmp_path: Path) -> None:
    loss = "categorical_crossentropy"
    found = train(tmp_path / "trial", source, f"trainer.loss={loss}")
    make: Callable[..., Any] = streaming_data.dataset if source == "three" else streaming_data.Batches
    parts = [make(x, np.eye(3, dtype="float32")[y]) for x, y in streaming_data.arrays()]
    assert_same_curves(found, plain_keras(*parts[:2], loss=loss))


@slow
def test_texts_are_classes(tmp_path: Path) -> None:
    assert_same_curves(train(tmp_path / "trial", "texts"), plain_keras(*streaming_data.three()[:2]))


def test_a_callback_may_add_values_of_any_type_to_the_logs() -> None:
    added = {"note": "good", "none": None, "matrix": np.zeros((2, 2)), "share": np.float32(0.5)}
    callback = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(added))
    train_part, validation = (StreamSplit(part) for part in (load(THREE).train, load(THREE).validation))
    (record,) = fit(streaming_data.compiled((4,)), train_part, validation, FitOptions(1, 32, seed=0), [callback])
    assert record.keys() == {"loss", "accuracy", "val_loss", "val_accuracy", "share"}


WEIGHTS = {0: 1.0, 1: 5.0, 2: 0.5}


@pytest.mark.parametrize("source", ["arrays", *(pytest.param(source, marks=slow) for source in ("three", "py_three"))])
def test_weights_of_classes_are_those_of_fit(source: str, tmp_path: Path) -> None:
    more = ["trainer.class_weight={0:1,1:5,2:0.5}"]
    parts, options = getattr(streaming_data, source)(), {}
    if source == "arrays":  # one batch, so that the order of the examples does not count
        more, options = [*more, "trainer.batch_size=200"], {"batch_size": 200}
    found = train(tmp_path / "trial", source, *more)
    assert_same_curves(found, plain_keras(*parts[:2], class_weight=WEIGHTS, **options))


def test_balanced_weights_are_those_of_fit_with_the_weights_of_scikit_learn(tmp_path: Path) -> None:
    """The training split counts, not the validation split, in which the classes have other shares."""
    (x, y), validation, _ = streaming_data.arrays()
    found = train(tmp_path / "trial", "three", "trainer.class_weight=balanced")
    weights = compute_class_weight("balanced", classes=np.arange(3), y=y)
    assert weights != pytest.approx(compute_class_weight("balanced", classes=np.arange(3), y=validation[1]), rel=0.01)
    parts = streaming_data.dataset(x, y), streaming_data.dataset(*validation)
    assert_same_curves(found, plain_keras(*parts, class_weight=dict(enumerate(weights))))


@slow
def test_weights_of_classes_multiply_sample_weights(tmp_path: Path) -> None:
    found = train(tmp_path / "trial", "weighted", "trainer.class_weight={0:1,1:5,2:0.5}")
    train_part, validation, _ = streaming_data.arrays()
    (x, y), (x_validation, y_validation) = train_part, validation
    weights = np.array([0, 5.0, 0.5], "float32")
    parts = (
        streaming_data.dataset(x, y, weights[y]),
        streaming_data.dataset(x_validation, y_validation, np.where(y_validation == 0, 0.0, 1.0).astype("float32")),
    )
    assert_same_curves(found, plain_keras(*parts))


@slow
def test_a_shuffled_stream_starts_alike_in_each_training(tmp_path: Path) -> None:
    first, second = (train(tmp_path / name, "reshuffled") for name in "ab")
    metrics = [name for name in first if name.endswith(("loss", "accuracy"))]
    pd.testing.assert_frame_equal(first[metrics], second[metrics])


@slow
def test_an_own_fit_gets_the_dataset(tmp_path: Path) -> None:
    found = train(tmp_path / "trial", "three", "+model.hp={units: 4}", model="OwnFit")
    assert_same_curves(found, plain_keras(*streaming_data.three()[:2]))


@slow
@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="only TensorFlow has ragged tensors")
def test_ragged_rows_of_a_dataset(tmp_path: Path) -> None:
    found = train(tmp_path / "trial", "ragged", model="of_rows")
    keras.utils.set_random_seed(repeat_seed(to_config(compose(Recipe(tuple(overrides("ragged"))))).seed, 0))
    data, validation, _ = streaming_data.ragged()
    fitted = streaming_data.of_rows((None,)).fit(data, validation_data=validation, epochs=EPOCHS, verbose=0)
    assert_same_curves(found, dict(fitted.history))


@slow
def test_several_outputs_of_a_stream(tmp_path: Path) -> None:
    more = ["objective=val_kind_accuracy", "direction=max"]
    found = train(tmp_path / "trial", "two_outputs", *more, model="with_two_outputs")
    keras.utils.set_random_seed(repeat_seed(to_config(compose(Recipe(tuple(overrides("two_outputs"))))).seed, 0))
    data, validation, _ = streaming_data.two_outputs()
    fitted = streaming_data.with_two_outputs((4,)).fit(data, validation_data=validation, epochs=EPOCHS, verbose=0)
    assert {"val_kind_accuracy", "val_kind_loss", "val_sum_loss", "sum_loss"} <= set(fitted.history)
    assert_same_curves(found, dict(fitted.history))


@pytest.mark.parametrize(
    ("source", "model", "more", "message"),
    [
        ("endless", "net", [], "trainer.steps_per_epoch: must be the number of batches .*; received null"),
        ("three", "net", ["trainer.steps_per_epoch=3"], "trainer.steps_per_epoch: .*received 3 for data of 200"),
        (
            "three",
            "net",
            ["trainer.batch_size=8,16"],
            "trainer.batch_size: has no effect .* of 32 examples; received a",
        ),
        ("three", "net", ["trainer.class_weight={0:1,7:2}"], "trainer.class_weight: there is no class 7"),
        ("arrays", "net", ["trainer.class_weight=[1,2]"], "each of the 3 classes"),
        ("two_outputs", "with_two_outputs", ["trainer.class_weight=balanced"], "needs targets that are classes"),
        ("three", "net", ["trainer.class_weight=heavy"], "must be balanced"),
        ("three", "NeedsTargets", [], "NeedsTargets.fit requires 'y' too"),
        ("torch_three", "net", ["trainer.class_weight=balanced"], "a torch.utils.data.DataLoader are not converted"),
    ],
)
def test_what_would_be_wrong_is_refused_before_the_sweep(
    source: str, model: str, more: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch") if source == "torch_three" else None
    monkeypatch.chdir(tmp_path)
    objective = ["objective=val_kind_accuracy", "direction=max"] if source == "two_outputs" else []
    with pytest.raises(MnistSweepError, match=message):
        plan_sweep(
            Recipe(), [*overrides(source, model, *more, *objective), "seed=1", "optimizer.learning_rate=0.1,0.2"]
        )
    assert not list(tmp_path.iterdir())


def test_a_batch_size_without_effect_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    line = [*overrides("three", "net", "trainer.batch_size=64"), "optimizer.learning_rate=0.1,0.2"]
    (warning,) = plan_sweep(Recipe(), line).warnings
    assert "trainer.batch_size: has no effect" in warning
    unbatched = [*overrides("two", "net", "+data.batch=0", "data.validation=0.2", "trainer.batch_size=64,128")]
    assert plan_sweep(Recipe(), unbatched).warnings == ()


@pytest.mark.parametrize("source", ["three", pytest.param("py_three", marks=slow)])
def test_a_stopped_training_resumes_after_its_last_epoch(source: str, tmp_path: Path) -> None:
    line, epochs = overrides(source), list[int]()

    def report(epoch: int, value: float) -> bool:
        epochs.append(epoch)
        return False

    stop = StopSignal()
    stops = Hooks(lambda epoch, value: report(epoch, value) or (epoch == 2 and (stop.request() or False)), stop)
    with pytest.raises(Interrupted):
        make_training(line, tmp_path / "trial", stops).run()
    config = to_config(compose(Recipe(tuple(line))))
    assert read_resume_file(TrialPaths(tmp_path / "trial").resume, resume_fingerprint(config)) is not None
    make_training(line, tmp_path / "trial", Hooks(report)).run(read_state(line, tmp_path / "trial"))
    assert epochs == [1, 2, 3]
    resumed, whole = pd.read_csv(TrialPaths(tmp_path / "trial").history), train(tmp_path / "whole", source)
    metrics = [name for name in whole if name.endswith(("loss", "accuracy"))]
    pd.testing.assert_frame_equal(resumed[metrics], whole[metrics], check_exact=True)


def test_the_engine_and_the_reason_are_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(announcement, "_written", [])
    caplog.set_level(logging.INFO, "mnistsweep.engine")
    for index, source in enumerate(["arrays", "arrays", "three"]):
        train(tmp_path / str(index), source)
    train(tmp_path / "own", "three", "+model.hp={units: 4}", model="OwnFit")
    first, *others = [record.message for record in caplog.records]
    assert first.startswith(("engine: resident (arrays of ", "engine: portable (it needs the TensorFlow backend"))
    assert others == [
        "engine: fit (the training data stream: a tf.data.Dataset in its own batches of 32)",
        "engine: fit (the hypermodel OwnFit has its own fit)",
    ]
