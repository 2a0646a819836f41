from __future__ import annotations

import json
from typing import Any

import numpy as np

from mnistsweep.training.packing import pack, unpack

STATE: dict[str, Any] = {
    "plain": [None, True, 3, -0.0, float("inf"), "text", []],
    "arrays": {"f": np.arange(6.0).reshape(2, 3).T, "i": np.int64(2**62), "empty": np.zeros((0, 3), "float32")},
    "half": np.array([1.5, -2.0]).astype("bfloat16"),
    "texts": np.array(["a", "bcd"]),
    "flags": np.array([True, False]),
}


def test_unpack_reverses_pack() -> None:
    arrays: list[Any] = []
    packed = json.loads(json.dumps(pack(STATE, arrays)))
    state = unpack(packed, np.concatenate(arrays))
    assert repr(state) == repr(STATE)
    for name, array in STATE["arrays"].items():
        assert type(state["arrays"][name]) is type(array)
        assert state["arrays"][name].dtype == array.dtype
    assert state["half"].dtype == STATE["half"].dtype


def test_unpacked_arrays_are_writable_copies() -> None:
    arrays: list[Any] = []
    packed = pack({"flags": np.array([True, False])}, arrays)
    data = np.concatenate(arrays)
    state = unpack(packed, data)
    state["flags"][0] = False
    assert data.tolist() == [1, 0]
