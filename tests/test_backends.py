"""Every kind of data and target with Keras on JAX and on PyTorch: the programs of `test_plain_keras`, one process each.

The backend is chosen when Keras is imported; so each backend has a process that runs all its tests, to start it once.
"""

from __future__ import annotations

import ast
import importlib.util
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest

FILE = Path(__file__).with_name("test_plain_keras.py")
TEST = "test_the_score_is_the_one_of_plain_keras"


def cases() -> list[str]:
    """Names of the cases of the test, read without an import of Keras."""
    (values,) = (
        node.value
        for node in ast.parse(FILE.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "CASES"
    )
    assert isinstance(values, ast.Dict)
    return [key.value for key in values.keys if isinstance(key, ast.Constant) and isinstance(key.value, str)]


@dataclass(frozen=True)
class Run:
    """Outcome of each test by its name, and the output of the process."""

    failures: dict[str, str]
    output: str


@pytest.fixture(scope="module", params=["jax", "torch"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """All tests of scores, with one backend."""
    if importlib.util.find_spec(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    report = tmp_path_factory.mktemp(request.param) / "report.xml"
    program = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", "-m", "slow or not slow"]
    done = subprocess.run(
        [*program, f"--junitxml={report}", f"{FILE}::{TEST}"],
        env={**os.environ, "KERAS_BACKEND": request.param}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    failures = {}
    for test in ElementTree.parse(report).iter("testcase"):
        problems = [problem for kind in ("failure", "error", "skipped") for problem in test.iter(kind)]
        failures[str(test.get("name"))] = "\n".join(problem.text or "" for problem in problems)
    return Run(failures, done.stdout + done.stderr)


# Kinds of which Keras's layers compute with TensorFlow only: texts.
WITH_TEXTS = {"texts": "received texts and", "table": "received texts in 'town' and"}


@pytest.mark.slow
@pytest.mark.parametrize("case", cases())
def test_a_kind_of_data_and_target_works_with_another_backend(case: str, run: Run) -> None:
    found = [text for name, text in run.failures.items() if name.endswith(f"[{case}]")]
    if case in WITH_TEXTS:
        (failure,) = found
        assert "texts as inputs need Keras on TensorFlow, for layers such as " in failure
        assert WITH_TEXTS[case] in failure
    else:
        assert found == [""], f"{found}\n{run.output[-3000:]}"
