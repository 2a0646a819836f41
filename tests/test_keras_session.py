"""A fresh session of Keras keeps the dtype policy; settings of a process reach another one."""

from __future__ import annotations

import os
from collections.abc import Iterator

import keras
import pytest

from mnistsweep import keras_session


@pytest.fixture(autouse=True)
def usual_settings() -> Iterator[None]:
    yield
    keras.config.set_dtype_policy("float32")
    keras.config.set_epsilon(1e-7)


def test_a_fresh_session_keeps_the_dtype_policy() -> None:
    keras.config.set_dtype_policy("mixed_bfloat16")
    keras_session.clear_session()
    assert keras.layers.Dense(1).compute_dtype == "bfloat16"


def test_settings_reach_a_worker_only_if_they_are_unusual(monkeypatch: pytest.MonkeyPatch) -> None:
    assert keras_session.variables_of_process() == {"KERAS_BACKEND": keras.backend.backend()}
    keras.config.set_dtype_policy("mixed_bfloat16")
    keras.config.set_epsilon(1e-5)
    for name, value in keras_session.variables_of_process().items():
        monkeypatch.setitem(os.environ, name, value)
    keras.config.set_dtype_policy("float32")
    keras.config.set_epsilon(1e-7)
    keras_session.apply_settings()
    assert (keras.config.dtype_policy().name, keras.config.epsilon()) == ("mixed_bfloat16", 1e-5)
