"""Predictions and arrays on disk, with their origin."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mnistsweep import data
from mnistsweep.config.schema import Config
from mnistsweep.evaluation import inference, retraining
from mnistsweep.evaluation.saved_arrays import write_arrays
from mnistsweep.evaluation.saved_predictions import Predictions, read_predictions, write_predictions


def test_damaged_predictions_are_none(tmp_path: Path) -> None:
    file = tmp_path / "kept.npz"
    made = Predictions(outputs={"": np.full((200, 4), 0.25)}, kinds={"": "classes"}, loss=0.1, parameters=7)
    write_predictions(file, made, {"trial": 3})
    whole = file.read_bytes()
    for damaged in (b"", whole[:30], whole[: len(whole) // 2], whole[:60] + b"????????" + whole[68:]):
        file.write_bytes(damaged)
        assert read_predictions(file, {"trial": 3}) is None
    write_arrays(file, {"other": np.zeros(3)}, {"trial": 3})
    assert read_predictions(file, {"trial": 3}) is None


def test_what_a_model_says_is_kept_with_what_it_came_from(config: Config, tmp_path: Path) -> None:
    dataset, held_out = data.load(config.data), data.load_test(config.data)
    trained = retraining.retrain(config, dataset, seed=5, epochs=2)
    made = inference.predict(trained.model, config, held_out, dataset, validation=True, curve=trained.curve)
    assert made.outputs[""].shape == (20, 4)
    assert made.validation is not None
    assert made.validation[""].shape == (60, 4)
    expected = -np.log(made.outputs[""][np.arange(20), held_out.labels]).mean()
    assert made.loss == pytest.approx(expected, rel=1e-4)
    assert made.parameters == trained.model.count_params()
    file = tmp_path / "kept.npz"
    write_predictions(file, made, {"trial": 3, "seed": 1})
    kept = read_predictions(file, {"seed": 1, "trial": 3})
    assert isinstance(kept, Predictions)
    np.testing.assert_array_equal(kept.outputs[""], made.outputs[""])
    assert (kept.loss, kept.curve) == (made.loss, trained.curve)
    assert read_predictions(file, {"trial": 4, "seed": 1}) is None
    file.write_bytes(file.read_bytes()[:100])
    assert read_predictions(file) is None


def test_margins_of_an_earlier_version_are_computed_again(tmp_path: Path) -> None:
    """That version saved the outputs of a hinge loss as they are; probabilities are read as before."""
    notes = {"loss": 0.1, "parameters": 7, "curve": [], "outputs": [["", "classes"]]}
    for rows, is_read in (([[2.5, -1.5]], False), ([[0.25, 0.75]], True)):
        arrays = {"notes": np.array(json.dumps(notes)), "probabilities": np.array(rows)}
        write_arrays(tmp_path / "kept.npz", arrays, {"trial": 3})
        assert (read_predictions(tmp_path / "kept.npz") is not None) is is_read
    made = Predictions(
        outputs={"": np.array([[0.25, 0.75]])}, kinds={"": "classes"}, loss=0.1, parameters=7, margins=[""]
    )
    write_predictions(tmp_path / "kept.npz", made, {})
    found = read_predictions(tmp_path / "kept.npz")
    assert found is not None
    assert list(found.margins) == [""]
