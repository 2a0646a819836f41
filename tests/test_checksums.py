"""Checksums of arrays and files. Their values are in sweep folders and reports, so they must not change."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from mnistsweep.checksums import array_checksum, file_checksum
from mnistsweep.data import Examples, HeldOut
from mnistsweep.data.scaling import Scaling
from mnistsweep.data.task import PossibleTasks, Task


def test_values_are_those_of_version_0_1() -> None:
    images, labels = np.arange(12, dtype=np.uint8).reshape(3, 2, 2), np.array([0, 1, 1], np.int32)
    assert array_checksum(images, labels) == "7412125a0c4bdf4a"
    held_out = HeldOut(Examples(images, labels), PossibleTasks((Task("classes", (0, 1)),)), Scaling.fit("none", images))
    assert held_out.checksum == array_checksum(images, labels)


def test_texts_count_by_their_content() -> None:
    texts = np.array(["ab", "c"], object)
    assert array_checksum(texts) == array_checksum(np.array(["".join(["a", "b"]), "c"], object))
    assert array_checksum(texts) != array_checksum(np.array(["a", "bc"], object))


def test_dtype_shape_content_and_order_count_but_not_the_memory_layout() -> None:
    array = np.arange(6, dtype=np.int32).reshape(2, 3)
    others = [array.astype(np.int64), array.reshape(3, 2), array + 1]
    assert len({array_checksum(one) for one in [array, *others]}) == 4
    assert array_checksum(array, others[0]) != array_checksum(others[0], array)
    assert array_checksum(np.asfortranarray(array)) == array_checksum(array)


def test_the_checksum_of_a_file_is_the_sha_256_of_its_content(tmp_path: Path) -> None:
    content = bytes(range(256)) * 5000
    (tmp_path / "file").write_bytes(content)
    assert file_checksum(tmp_path / "file") == hashlib.sha256(content).hexdigest()
