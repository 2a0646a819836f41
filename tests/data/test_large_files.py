"""Data files that unpack to more than the memory holds, or announce more than they hold: refused before it is read."""

from __future__ import annotations

import gzip
import io
import math
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mnistsweep import data, memory
from mnistsweep.errors import DataError

LOADERS = "mnistsweep.data.sources."
FREE = 12_000_000
REMEDY = (
    "12.0 MB of memory are free; use fewer or smaller examples, a dtype with fewer bytes, "
    "or a machine with more memory."
)
DAMAGED = "its header is damaged; write the file again with numpy.savez"


@pytest.fixture(autouse=True)
def little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available_bytes", lambda: FREE)


def refused(config: dict[str, Any]) -> str:
    """The one line with which both the check and the loading of data refuse, without much memory."""
    lines = []
    for function in (data.check, data.load):
        tracemalloc.start()
        with pytest.raises(DataError) as caught:
            function(config)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 3_000_000
        lines.append(str(caught.value))
    assert lines[0] == lines[1]
    assert "\n" not in lines[0]
    return lines[0]


def npy_header(descr: str = "|u1", shape: str = "(40, 6, 5)", version: bytes = b"\x01\x00") -> bytes:
    text = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape}, }}".encode() + b"\n"
    return b"\x93NUMPY" + version + struct.pack("<H" if version[0] == 1 else "<I", len(text)) + text


@pytest.fixture
def with_images(tmp_path: Path, arrays: dict[str, Any]) -> Callable[..., dict[str, Any]]:
    """A function that writes an archive with this content for `x_train`, and zeros after it; returns its config."""

    def write(content: bytes, num_zeros: int = 0) -> dict[str, Any]:
        file = tmp_path / "own.npz"
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in ("y_train", "x_test", "y_test"):
                stream = io.BytesIO()
                np.save(stream, arrays[name])
                archive.writestr(f"{name}.npy", stream.getvalue())
            with archive.open("x_train.npy", "w", force_zip64=True) as entry:
                entry.write(content)
                for start in range(0, num_zeros, 2**20):
                    entry.write(bytes(min(2**20, num_zeros - start)))
        return {"_target_": LOADERS + "load_npz", "path": str(file), "validation": 8}

    return write


def test_a_small_archive_that_unpacks_to_more_than_the_memory(with_images: Callable[..., dict[str, Any]]) -> None:
    shape = (40, 1000, 320)
    config = with_images(npy_header(shape=str(shape)), math.prod(shape))
    assert Path(config["path"]).stat().st_size < 20_000
    assert refused(config) == (
        f"data.path={config['path']!r}: {config['path']!r} unpacks to arrays of 12.8 MB (x_train, shape {shape}, dtype "
        f"uint8), and {REMEDY}"
    )


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (npy_header(shape="(4000000000, 28, 28)"), "its header announces 3,136,000,000,000 bytes "
         "(shape (4000000000, 28, 28), dtype uint8); it has 1,200"),
        (npy_header(shape="(-40, 6, 5)"),
         "its header announces the shape (-40, 6, 5); the length of an axis must be 0 or more"),
        (npy_header(shape="(2**400, 6)"), DAMAGED),
        (npy_header(shape=str((2**64, 2**64))),
         f"its header announces {2**128:,} bytes (shape ({2**64}, {2**64}), dtype uint8); it has 1,200"),
        (npy_header(shape="(True, 6, 5)"),
         "its header announces 30 bytes (shape (True, 6, 5), dtype uint8); it has 1,200"),
        (npy_header(shape="(40, 6, 5"), DAMAGED),
        (npy_header(shape="((((((" * 500), DAMAGED),
        (npy_header(descr="|O"),
         "it holds pickled Python objects, which are not loaded; save it as an array of numbers"),
        (npy_header(descr="<M9"), DAMAGED),
        (npy_header(version=b"\x03\x00"), "its format has the version 3.0; save it as an array of numbers"),
        (npy_header(version=b"\x09\x00"), "its format has the version 9.0; save it as an array of numbers"),
        (npy_header()[:30], DAMAGED),
        (b"", DAMAGED),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\xff", DAMAGED),
        (npy_header().replace(b"'|u1'", b"[('a', '|u1'), ('b', '|u1')]"), DAMAGED),
    ],
)  # fmt: skip
def test_a_header_that_does_not_fit_its_array(
    with_images: Callable[..., dict[str, Any]], header: bytes, reason: str
) -> None:
    config = with_images(header, 1200 if header.endswith(b"\n") else 0)
    line = refused(config)
    assert line == f"data.path={config['path']!r}: array 'x_train' of {config['path']!r} cannot be read: {reason}"


def test_records_are_refused(with_images: Callable[..., dict[str, Any]]) -> None:
    stream = io.BytesIO()
    np.save(stream, np.zeros(40, [("a", "u1"), ("b", "u1")]))
    line = refused(with_images(stream.getvalue()))
    assert line.endswith("it holds records with the fields a, b; save it as an array of numbers")


@pytest.fixture
def idx(tmp_path: Path, arrays: dict[str, Any], write_idx: Callable[..., None]) -> dict[str, Any]:
    write_idx(tmp_path, arrays)
    return {"_target_": LOADERS + "load_idx", "path": str(tmp_path), "validation": 8}


def idx_header(*shape: int) -> bytes:
    return struct.pack(f">{1 + len(shape)}I", {1: 2049, 3: 2051}[len(shape)], *shape)


def gzipped(content: bytes, num_zeros: int) -> bytes:
    stream = io.BytesIO()
    with gzip.GzipFile(fileobj=stream, mode="wb") as file:
        file.write(content)
        for _ in range(num_zeros // 2**20):
            file.write(bytes(2**20))
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (idx_header(4_000_000_000, 28, 28), "announces 4000000000 x 28 x 28 bytes after the first 16; it has 0"),
        (gzip.compress(idx_header(4_000_000_000, 28, 28)),
         "x 28 bytes after the first 16; a file of its size holds at most"),
        (gzipped(idx_header(1, 1024, 1024), 2**21), "1024 x 1024 bytes after the first 16; it has more"),
        (gzipped(idx_header(1, 1024, 1025), 2**20), "1024 x 1025 bytes after the first 16; it has 1048576"),
        (gzipped(idx_header(16, 1024, 1024), 16 * 2**20),
         "unpacks to an array of 16.8 MB (images, 16 x 1024 x 1024 bytes), "
         f"and {REMEDY}"),
    ],
    ids=["plain", "gzipped", "more", "less", "bomb"],
)  # fmt: skip
def test_an_idx_file_that_announces_too_much(
    idx: dict[str, Any], content: bytes, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "it has" in reason:
        monkeypatch.setattr(tracemalloc, "get_traced_memory", lambda: (0, 0))  # the content has been read
    file = Path(idx["path"]) / "train-images-idx3-ubyte"
    file.write_bytes(content)
    line = refused(idx)
    assert line.startswith(f"data.path={idx['path']!r}: {str(file)!r} ")
    assert reason in line


def test_the_float_images_must_fit_too(
    npz_config: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bytes become float32, four times the size, and the split copies the bytes."""
    config = npz_config()  # 40 images of 6 x 5 bytes
    monkeypatch.setattr(memory, "available_bytes", lambda: 40 * 30 * 5)
    data.check(config)
    data.load(config)
    monkeypatch.setattr(memory, "available_bytes", lambda: 40 * 30 * 5 - 1)
    assert refused(config).startswith(
        "the 40 examples for training and validation need 0.0 MB as float32 and in their own dtype (40 inputs, "
    )
    data.load(config | {"train_limit": 20})


USER_MODULE = """
import numpy as np
def bare(): raise MemoryError
def large(): return np.zeros((2**40, 2**10), np.uint8)
def leaves(): raise SystemExit("no licence")
"""


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("bare", "MemoryError: the process ran out of memory ({file}, line 3); 12.0 MB of memory are free"),
        ("large", "MemoryError: Unable to allocate 1.00 PiB for an array with shape (1099511627776, 1024) and data "
         "type uint8 ({file}, line 4); 12.0 MB of memory are free"),
        ("leaves", "SystemExit: no licence ({file}, line 5)"),
    ],
)  # fmt: skip
def test_a_loader_of_the_user_that_runs_out_of_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, reason: str
) -> None:
    file = tmp_path / f"a_large_{name}.py"
    file.write_text(USER_MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    target = f"{file.stem}.{name}"
    with pytest.raises(DataError) as caught:
        data.load({"_target_": target})
    assert str(caught.value) == f"the loader failed with {reason.format(file=file)} (data._target_={target!r})"


def test_the_limits_of_a_control_group_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # of `little_memory`
    assert 0 < memory.available_bytes() <= memory.total_bytes()
    group = tmp_path / "job"
    group.mkdir()
    for name, text in {
        "memory.max": "3000\n",
        "memory.current": "2500\n",
        "memory.stat": "anon 1\ninactive_file 700\n",
    }.items():
        (group / name).write_text(text)
    monkeypatch.setattr(
        memory, "_cgroup_files", lambda: [(group, "memory.max", "memory.current"), (tmp_path, "none", "none")]
    )
    assert memory.total_bytes() == 3000
    assert memory.available_bytes() == 3000 - 2500 + 700
