"""Data of types that cannot be used: the message names the type and what to return instead, and has no content."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from mnistsweep.data.parts import convert_part, unpack
from mnistsweep.data.structure import describe
from mnistsweep.errors import DataError

X, Y = np.arange(12.0).reshape(6, 2), np.array([0, 1, 0, 1, 0, 1])
TABLE = pd.DataFrame({"size": X[:, 0], "town": ["a", "b"] * 3})


def torch_dataset() -> Any:
    torch = pytest.importorskip("torch")
    return torch.utils.data.TensorDataset(torch.tensor(X), torch.tensor(Y))


def torch_loader() -> Any:
    torch = pytest.importorskip("torch")
    return torch.utils.data.DataLoader(torch_dataset(), batch_size=2)


RETURNED: dict[str, tuple[Callable[[], Any], str]] = {
    "torch Dataset": (
        lambda: (torch_dataset(), torch_dataset()),
        r"tuple of 2 torch.TensorDataset; return a torch.*DataLoader",
    ),
    "generator": (lambda: (x for x in X), r"received generator; return its examples as one array"),
    "path": (lambda: "mine.csv", r"received str; read the file in the loader"),
    "Path": (lambda: (Path("a"), Path("b")), r"tuple of 2 pathlib.PosixPath; read the file in the loader"),
    "nothing": (lambda: None, r"received None; the function has no return statement"),
    "dict": (
        lambda: {"x_train": X, "y_train": Y},
        r"dict of 'x_train': float64 \(6, 2\), .*; return tuples of its val",
    ),
    "table": (lambda: TABLE, r"received pandas.DataFrame of 6 rows, 'size': float64, 'town': \w+; return \(table\["),
    "one part": (lambda: (X, Y), r"\(float64 \(6, 2\), int64 \(6,\)\); split off a test set"),
    "four arrays": (lambda: (X, X, Y, Y), r"group the four: \(\(x_train, y_train\), \(x_test, y_test\)\)"),
    "function": (lambda: unpack, r"received function; call it"),
}


@pytest.mark.parametrize("case", RETURNED)
def test_what_is_no_data_set_is_named_with_the_remedy(case: str) -> None:
    make, message = RETURNED[case]
    with pytest.raises(DataError, match=message) as raised:
        unpack(make(), "here")
    assert len(str(raised.value)) < 400


PARTS: dict[str, tuple[Callable[[], Any], str]] = {
    "sparse matrix": (
        lambda: (scipy.sparse.csr_matrix(X), Y),
        r"training inputs must be one array, .*; received scipy.csr_matrix of float64 \(6, 2\); return x.toarray\(\)",
    ),
    "sparse array": (lambda: ({"a": scipy.sparse.coo_array(X)}, Y), r"training inputs 'a' .*; return x.toarray\(\)"),
    "generator": (lambda: ((x for x in X), Y), r"received generator; return its examples as one array"),
    "path": (lambda: ("images/", Y), r"received str; read the file in the loader"),
    "torch Dataset": (
        lambda: (torch_dataset(), Y),
        r"received torch.TensorDataset; return a .*DataLoader of it, or arr",
    ),
    "torch DataLoader": (
        lambda: (torch_loader(), Y),
        r"received torch.DataLoader; return the loader itself in place of",
    ),
    "dates": (
        lambda: (TABLE.assign(day=pd.date_range("2020", periods=6)), Y),
        r"training inputs 'day' must be numbers or texts; received datetime64\[\w+\] \(6,\); convert dates to numbers",
    ),
    "objects": (
        lambda: (TABLE.assign(day=[datetime.date(2020, 1, 1)] * 6), Y),
        r"training inputs 'day' must be .*; received an array of objects, example 0 holds datetime.date; convert dates",
    ),
    "missing texts": (
        lambda: (TABLE.assign(town=["a", "b", None, "a", "b", "a"]), Y),
        r"training inputs 'town' must be .*example 2 holds (None|float); a value is missing: fill it",
    ),
    "missing numbers": (
        lambda: (TABLE.assign(size=[0, np.nan, 2, 3, 4, 5]), Y),
        r"training inputs 'size' must be finite float32 numbers; input 1 holds nan",
    ),
    "mixed": (
        lambda: (TABLE.assign(n=["1", 2] * 3), Y),
        r"inputs 'n' must be .*example 1 holds int; convert it to num",
    ),
    "lists": (lambda: (TABLE.assign(n=[[1, 2]] * 6), Y), r"inputs 'n' must be .*holds list of 2 int; make one array"),
    "ragged": (lambda: ([[1, 2], [3], [4]] * 2, Y), r"received list of \(.*\); give its items one length"),
    "targets": (
        lambda: (X, [None] * 6),
        r"training targets must be numbers or texts; .* holds None; a value is missing",
    ),
    "complex": (
        lambda: (X.astype(complex), Y),
        r"received complex128 \(6, 2\); split it into real and imaginary parts",
    ),
    "short": (lambda: ({"a": X, "b": X[:4]}, Y), r"every input needs one target: 4 training inputs 'b', 6 targets"),
}


@pytest.mark.parametrize("case", PARTS)
def test_inputs_and_targets_that_cannot_be_used_are_named_with_the_remedy(case: str) -> None:
    make, message = PARTS[case]
    with pytest.raises(DataError, match=message) as raised:
        convert_part(make(), "training", "here")
    assert len(str(raised.value)) < 400


def test_a_description_never_has_the_content() -> None:
    many = {f"column {index}": np.zeros((1000, 50)) for index in range(200)}
    assert describe(many).endswith("and 192 more")
    assert len(describe((many, [X] * 1000, "text" * 1000))) < 600
    assert describe(pd.Series(Y)) == "pandas.Series of int64 (6,)"
