"""The recorded learning curves: their recording with tiny settings, and the tables in the repository."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmark_commands import BENCHMARKS

from mnistsweep.models.optimizers import build_learning_rate

CURVES = BENCHMARKS / "curves"
NAMES = sorted(path.stem for path in CURVES.glob("*.npz"))

TINY = """
import dataclasses, sys
sys.argv = ["record.py", "--folder", sys.argv[1], "--output", sys.argv[2], "--tables", sys.argv[3]]
import definitions, record
made = definitions.DEFINITIONS[sys.argv[5]]
fixed = {**made.fixed, **{key: 2 for key in made.fixed if key.endswith("epochs")}}
tiny = dataclasses.replace(made, train=60, validation=40, test=30, fixed=fixed, configurations=3, repeated=2)
definitions.DEFINITIONS[sys.argv[5]] = tiny
record.main()
"""


def record(folder: Path, name: str) -> str:
    program = TINY.replace("sys.argv[5]", repr(name))
    paths = os.pathsep.join((str(CURVES), *filter(None, [os.environ.get("PYTHONPATH")])))
    command = [sys.executable, "-c", program, str(folder / "sweeps"), str(folder / "tables"), name]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()[-1]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["fashion_cosine", "friedman_regression", "mnist_grid"])
def test_a_recording_gives_a_table_and_continues_where_it_was_interrupted(
    benchmarks: None, tmp_path: Path, name: str
) -> None:
    if name == "fashion_cosine" and not Path("/usr/share/datasets/fashion-mnist").is_dir():
        pytest.skip("needs Debian's dataset-fashion-mnist")
    line = record(tmp_path, name)
    assert line == f"{name}: 3 configurations, 2 with two seeds"
    table = import_module("helpers.search.tables").Table.read(name, tmp_path / "tables")
    assert table.seeds.tolist() == [2, 2, 1]
    for index, epochs in enumerate(table.max_epochs):
        assert table.points[index].get("trainer.epochs", 2) == epochs
        assert np.isfinite(table.values[index, 0, :epochs]).all()
        assert np.isnan(table.values[index, :, epochs:]).all()
    assert np.isnan(table.values[2, 1]).all()
    assert not np.array_equal(table.values[0, 0], table.values[0, 1])
    first = (tmp_path / "tables" / f"{name}.npz").read_bytes()
    assert record(tmp_path, name) == line
    assert (tmp_path / "tables" / f"{name}.npz").read_bytes() == first


@pytest.mark.parametrize(
    ("settings", "peer", "more"),
    [
        ({"optimizer": "adam"}, "Adam", {}),
        ({"optimizer": "rmsprop"}, "RMSprop", {}),
        ({"optimizer": "sgd"}, "SGD", {}),
        ({"optimizer": "sgd", "momentum": 0.9}, "SGD", {"momentum": 0.9}),
        ({"optimizer": "sgd", "momentum": 0.9, "nesterov": True}, "SGD", {"momentum": 0.9, "nesterov": True}),
    ],
)
def test_the_optimizers_of_the_numpy_trainings_are_those_of_keras(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], peer: str, more: dict[str, Any]
) -> None:
    import keras

    monkeypatch.syspath_prepend(str(CURVES))
    values = {"dense_layers": 1, "layer_size": 4, "learning_rate": 0.05, **settings}
    model = import_module("perceptron").Perceptron(values, 3, 2, seed=0)
    variables = [keras.Variable(one) for one in model._parameters]
    optimizer = getattr(keras.optimizers, peer)(learning_rate=0.05, **more)
    rng = np.random.default_rng(0)
    for _ in range(6):
        gradients = [rng.normal(size=one.shape).astype(np.float32) for one in model._parameters]
        model._update(gradients, steps_per_epoch=10)
        optimizer.apply([keras.ops.convert_to_tensor(one) for one in gradients], variables)
        for ours, theirs in zip(model._parameters, variables, strict=True):
            np.testing.assert_allclose(ours, keras.ops.convert_to_numpy(theirs), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("warmup", [0, 1])
def test_the_schedule_of_the_numpy_trainings_is_that_of_mnistsweep_with_a_warm_up_one_step_ahead(
    monkeypatch: pytest.MonkeyPatch, warmup: int
) -> None:
    monkeypatch.syspath_prepend(str(CURVES))
    values = {"dense_layers": 1, "layer_size": 4, "cosine": True, "epochs": 4, "warmup_epochs": warmup}
    model = import_module("perceptron").Perceptron(values, 3, 2, seed=0)
    schedule: Any = build_learning_rate(0.5, {"name": "cosine", "warmup_epochs": warmup}, 10, 4)
    for step in range(40):
        model._steps = step
        ahead = 1 if step < 10 * warmup else 0
        assert 0.5 * model._schedule(10) == pytest.approx(float(schedule(step + ahead)), abs=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_a_recorded_table_is_complete(benchmarks: None, name: str) -> None:
    table: Any = import_module("helpers.search.tables").Table.read(name)
    assert len(table) >= 300
    assert (table.seeds == 2).sum() >= (5 if name == "mnist_grid" else 100)  # Keras trainings take longer
    assert max(table.max_epochs) >= 16
    assert sum(path.stat().st_size for path in CURVES.glob(f"{name}.*")) < 500_000
    keys = set(table.space.keys)
    for index, point in enumerate(table.points):
        assert point.keys() <= keys
        assert np.isnan(table.values[index, :, table.max_epochs[index] :]).all()
        assert (np.isfinite(table.values[index]) == np.isfinite(table.test_scores[index])).all()
        assert table.space.distances(point).argmin() == index
    assert 0 < table.typical_seconds < 10
