"""Names of metrics without a name: those of a new process, whatever else was created in this one."""

from __future__ import annotations

from typing import Any

import keras
import pytest
from small_training import data

from mnistsweep.training.callbacks.metric_names import StableNames
from mnistsweep.training.loop import FitOptions, fit
from mnistsweep.training.metric_names import with_stable_names


@pytest.fixture(autouse=True)
def new_session() -> None:
    keras.utils.clear_session()


def compiled(metrics: Any, outputs: int = 1) -> Any:
    keras.utils.set_random_seed(0)
    inputs = keras.Input((3,))
    made = [keras.layers.Dense(1, "sigmoid", name=name)(inputs) for name in ("price", "rate")[:outputs]]
    model = keras.Model(inputs, made if outputs > 1 else made[0])
    model.compile("sgd", "mse", metrics=metrics)
    return model


def test_a_metric_of_a_second_model_keeps_its_name() -> None:
    first = compiled([keras.metrics.AUC()])
    assert with_stable_names(first, {"val_auc": 0.5}) == {"val_auc": 0.5}
    second = compiled([keras.metrics.AUC(), keras.metrics.AUC(curve="PR"), "mae"])
    logs = {"auc_1": 1, "auc_2": 2, "mae": 3, "val_auc_1": 4, "val_auc_2": 5, "loss": 6}
    assert with_stable_names(second, logs) == {**logs, "auc": 1, "val_auc": 4}


def test_names_of_the_user_stay() -> None:
    model = compiled([keras.metrics.Precision(name="precision_0"), keras.metrics.Precision(name="precision_1")])
    logs = {"val_precision_0": 0.1, "val_precision_1": 0.9}
    assert with_stable_names(model, logs) == logs
    assert with_stable_names(compiled([keras.metrics.AUC(name="mine_7")]), {"mine_7": 1}) == {"mine_7": 1}


def test_metrics_of_one_of_several_outputs() -> None:
    keras.metrics.AUC()
    model = compiled({"price": [keras.metrics.AUC()], "rate": ["mae"]}, outputs=2)
    logs = {"price_auc_1": 1.0, "val_price_auc_1": 2.0, "val_rate_mae": 3.0}
    assert with_stable_names(model, logs) == {**logs, "price_auc": 1.0, "val_price_auc": 2.0}


def test_the_names_are_those_that_keras_measures_in_a_new_process() -> None:
    x, y = data()
    targets = (y > 0).astype("float32")
    kinds = [keras.metrics.AUC, lambda: keras.metrics.AUC(curve="PR"), lambda: keras.metrics.Recall(0.1)]
    expected = compiled([kind() for kind in kinds]).evaluate(x, targets, verbose=0, return_dict=True)
    again = compiled([kind() for kind in kinds])
    measured = again.evaluate(x, targets, verbose=0, return_dict=True)
    assert expected.keys() == {"loss", "auc", "auc_1", "recall"}
    assert measured.keys() == {"loss", "auc_2", "auc_3", "recall_1"}
    found = with_stable_names(again, measured)
    assert {name: found[name] for name in expected} == pytest.approx(expected)
    assert len(set(expected.values())) == 4, "a metric under the name of another one would show"


def test_callbacks_that_follow_find_the_stable_name() -> None:
    keras.metrics.AUC()
    model = compiled([keras.metrics.AUC()])
    seen = list[dict[str, float]]()
    recorder = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(dict(logs)))
    x, y = data()
    split = x, (y > 0).astype("float32")
    fit(model, split, split, FitOptions(2, 8, seed=0), [StableNames(), recorder])
    assert len(seen) == 2
    for logs in seen:
        assert logs["val_auc"] == logs["val_auc_1"] > 0
