"""Data that cannot be used: the command names the file and what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest
from bad_input import DROPOUT, Capture, matches, refused
from commands import finished_sweep


@pytest.mark.parametrize(
    ("data", "pattern"),
    [
        (["data=npz"], r"^data\.path must name the \.npz file"),
        (["data=npz", "nowhere.npz"], r"^data\.path must name an \.npz file; there is no '.*nowhere\.npz'"),
        (["data=npz", "damaged.npz"], r"damaged\.npz"),
        (["data=npz", "lengths.npz"], r"40 .*30|30 .*40"),
        (["data=npz", "gap.npz"], r"class 2|classes 2|2"),
        (["data=idx", "nowhere"], r"^data\.path must name a folder with the four IDX files; there is no"),
        (["data=idx", "magic"], r"magic number .*0x00000804|0x804|2052"),
        (["data=idx", "."], r"train-images-idx3-ubyte"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
@pytest.mark.parametrize("name", ["train", "sweep"])
def test_bad_data_are_refused(name: str, data: list[str], pattern: str, files: Path, capfd: Capture) -> None:
    group, *rest = data
    path = [f"data.path='{files / rest[0]}'"] if rest else []
    swept = [DROPOUT] if name == "sweep" else []
    matches(refused(capfd, name, group, *path, "data.validation=8", *swept), (pattern,))


def test_a_swept_data_set_that_is_missing(files: Path, capfd: Capture) -> None:
    lines = refused(capfd, "sweep", "data=mnist,npz", f"data.path='{files / 'nowhere.npz'}'", "data.validation=8")
    matches(lines, (r"^data\.path must name an \.npz file",))


def test_a_folder_that_holds_a_search_over_other_data(files: Path, elsewhere: Path, capfd: Capture) -> None:
    own = elsewhere / "own.npz"
    own.write_bytes((files / "right.npz").read_bytes())
    overrides = ["data=npz", "data.path=own.npz", "data.validation=8", DROPOUT]
    finished_sweep(overrides, [0.5])
    own.write_bytes((files / "other.npz").read_bytes())
    matches(refused(capfd, "sweep", *overrides), (r"^data: not the data that logs/sweep was started with",))
