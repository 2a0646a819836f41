"""Temperature scaling: a model made over-confident by a known temperature gets that temperature back."""

from __future__ import annotations

import numpy as np
import pytest

from mnistsweep.analysis.calibration import measure_calibration
from mnistsweep.analysis.log_loss import log_loss
from mnistsweep.analysis.temperature import apply_temperature, fit_temperature
from mnistsweep.errors import DataError


def softmax(logits: np.ndarray) -> np.ndarray:
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


def draw(examples: int, classes: int, spread: float = 2.0, seed: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and labels drawn from their softmax: a model that is calibrated."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, spread, (examples, classes))
    return logits, (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)


@pytest.mark.parametrize("classes", [2, 3, 10])
@pytest.mark.parametrize("planted", [0.5, 1.0, 2.5])
def test_the_planted_temperature_comes_back(classes: int, planted: float) -> None:
    logits, labels = draw(8000, classes)
    found = fit_temperature(softmax(logits * planted), labels)
    assert found.value == pytest.approx(planted, rel=0.08)
    assert found.low < planted < found.high
    assert found.is_significant == (planted != 1.0)
    # But for which labels were drawn, exactly: sharpened by a factor, the temperature has that factor more.
    assert found.value == pytest.approx(planted * fit_temperature(softmax(logits), labels).value, rel=1e-5)


def test_float32_saturated_at_one_loses_nothing() -> None:
    logits, labels = draw(8000, 10)
    exact = softmax(logits * 6)
    stored = exact.astype(np.float32)
    assert (stored.max(axis=1) == 1).mean() > 0.04
    assert (stored > 0).all()
    assert fit_temperature(stored, labels).value == pytest.approx(fit_temperature(exact, labels).value, rel=1e-6)


def test_what_underflowed_makes_it_too_small() -> None:
    logits, labels = draw(8000, 10, spread=3)
    stored = softmax(logits * 25).astype(np.float32)
    assert (stored == 0).mean() > 0.2
    assert 15 < fit_temperature(stored, labels).value < 25


def test_it_undoes_itself_and_calibrates() -> None:
    logits, labels = draw(8000, 10)
    true, sharp = softmax(logits), softmax(logits * 2)
    np.testing.assert_allclose(apply_temperature(apply_temperature(true, 0.5), 2.0), true, rtol=0, atol=1e-12)
    np.testing.assert_allclose(apply_temperature(sharp, 2.0), true, rtol=0, atol=1e-12)
    np.testing.assert_allclose(apply_temperature(np.stack([sharp, true]), 2.0)[0], true, rtol=0, atol=1e-12)
    found = fit_temperature(sharp, labels)
    assert found.loss_before == pytest.approx(log_loss(sharp, labels), abs=1e-12)
    after = apply_temperature(sharp, found.value)
    assert found.loss_after == pytest.approx(log_loss(after, labels), abs=1e-12)
    assert found.loss_after < found.loss_before
    assert measure_calibration(sharp, labels).miscalibrated
    assert not measure_calibration(after, labels).miscalibrated
    assert (after.argmax(axis=1) == sharp.argmax(axis=1)).all()


def test_the_interval_narrows_with_the_root_of_the_number() -> None:
    logits, labels = draw(16000, 5)
    few, many = (fit_temperature(softmax(logits[:n] * 2), labels[:n]) for n in (1000, 16000))
    assert (few.high - few.low) / (many.high - many.low) == pytest.approx(4, rel=0.15)


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    covered = 0
    for seed in range(100):
        logits, labels = draw(500, 3, seed=seed)
        found = fit_temperature(softmax(logits * 2), labels)
        covered += found.low < 2.0 < found.high
    assert 90 <= covered <= 99


def test_all_right_has_no_temperature() -> None:
    found = fit_temperature([[0.9, 0.1], [0.2, 0.8]], [0, 1])
    assert not found.determined
    assert not found.is_significant
    assert found.value < 0.2


def test_all_wrong_is_never_unsure_enough() -> None:
    found = fit_temperature([[0.9, 0.1], [0.2, 0.8]], [1, 0])
    assert not found.determined
    assert found.value == pytest.approx(100, rel=1e-2)


def test_a_model_that_says_the_same_of_all_needs_none() -> None:
    found = fit_temperature(np.full((20, 4), 0.25), np.arange(20) % 4)
    assert (found.value, found.determined, found.is_significant) == (1.0, False, False)
    assert found.low == pytest.approx(0.01)
    assert found.high == pytest.approx(100)


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan"), float("inf")])
def test_a_temperature_is_above_zero(temperature: float) -> None:
    with pytest.raises(DataError, match=rf"temperature: must be a number above 0, received {temperature}"):
        apply_temperature([[0.5, 0.5]], temperature)
