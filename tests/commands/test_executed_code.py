"""Commands that execute code that a sweep's folder names, and commands that do not: real processes, a user's module.

The module records that it is imported. An audit hook records whether anything is unpickled, apart from what a child
process of the command answers.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from commands import finished_sweep

MODULE = """
import os, pathlib
import numpy as np

if "MARKS" in os.environ:
    pathlib.Path(os.environ["MARKS"], "imported").touch()

def load():
    labels = (np.arange(90) % 3).astype(np.uint8)
    images = np.repeat(labels[:, None, None], 16, axis=1).reshape(90, 4, 4) * np.uint8(80)
    return (images[:60], labels[:60]), (images[60:], labels[60:])

def build(input_shape, classes, width):
    import keras
    if "MARKS" in os.environ:
        pathlib.Path(os.environ["MARKS"], "built").touch()
    return keras.Sequential([keras.Input(input_shape), keras.layers.Flatten(), keras.layers.Dense(classes, "softmax")])
"""

HOOK = """
import os, pathlib, sys, traceback
def record(event, arguments):
    if event == "pickle.find_class" and "multiprocessing/connection.py" not in str(traceback.extract_stack()):
        with open(os.path.join(os.environ["MARKS"], "unpickled"), "a") as file:
            file.write(f"{arguments}\\n")
sys.addaudithook(record)
"""

MODEL = ["model._target_=marked.build", "+model.width=8,16"]
CUSTOM_DATA = ["data=custom", "data._target_=marked.load", "data.validation=30"]
BUDGET = ["trainer.epochs=1", "trials=2", "oracle=grid", "name=sweep"]

# Runs a command in a process of its own; returns what it executed.
Executed = Callable[..., set[str]]


@pytest.fixture
def executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Executed:
    """A function that runs a command and returns the marks that it left."""
    (tmp_path / "marked.py").write_text(MODULE, encoding="utf-8")
    (tmp_path / "hook").mkdir()
    (tmp_path / "hook" / "usercustomize.py").write_text(HOOK, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "marked", raising=False)

    def run(*arguments: str, code: int = 0) -> set[str]:
        marks = tmp_path / "marks"
        marks.mkdir(exist_ok=True)
        for mark in marks.iterdir():
            mark.unlink()
        environment = {
            **os.environ,
            "MARKS": str(marks),
            "PYTHONPATH": f"{tmp_path / 'hook'}:{os.environ['PYTHONPATH']}",
        }
        program = [sys.executable, "-c", "import usercustomize, sys; from mnistsweep import cli; sys.exit(cli.main())"]
        done = subprocess.run([*program, *arguments], capture_output=True, text=True, check=False, env=environment)
        assert done.returncode == code, done.stdout + done.stderr
        return {mark.name for mark in marks.iterdir()}

    return run


@pytest.fixture
def plain_data(tmp_path: Path) -> list[str]:
    """Overrides of data that a loader of mnistsweep reads."""
    labels = (np.arange(90) % 3).astype(np.uint8)
    images = np.repeat(labels[:, None, None], 16, axis=1).reshape(90, 4, 4)
    np.savez(tmp_path / "d.npz", x_train=images[:60], y_train=labels[:60], x_test=images[60:], y_test=labels[60:])
    return ["data=npz", "data.path=d.npz", "data.validation=30"]


def test_commands_that_read_a_sweep_execute_nothing(executed: Executed) -> None:
    finished_sweep([*MODEL, *CUSTOM_DATA, *BUDGET, "trials=3"], [0.5, 0.7])
    for arguments in (
        ("status", "sweep"),
        ("export", "sweep"),
        ("export", "sweep", "--output", "best.yaml", "--model", "best.keras"),
        ("stop", "sweep"),
        ("repair", "sweep"),
    ):
        assert executed(*arguments, code=2 if arguments[0] == "repair" else 0) == set(), arguments
    assert Path("best.yaml").is_file()
    code = "import mnistsweep; mnistsweep.load_sweep('logs/sweep').trials"
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "MARKS": "marks"})
    assert not list(Path("marks").iterdir())


@pytest.mark.slow
def test_commands_that_train_execute_the_code_of_the_sweep(executed: Executed) -> None:
    sweep = [*MODEL, *CUSTOM_DATA, *BUDGET]
    assert executed("sweep", *sweep, "trials=1") == {"imported", "built"}
    assert executed("sweep", *sweep) == {"imported", "built"}
    options = ["report.seeds=1", "report.robustness=false"]
    assert executed("report", "sweep", *options) == {"imported", "built"}
    assert executed("report", "sweep", *options) == {"imported"}
    assert executed("show", "sweep", "0") == {"imported"}
    assert executed("clean", "sweep", "clean.folds=2", "clean.seeds=1") == {"imported", "built"}
    assert executed("train", "--config-dir", "logs/sweep", "--config-name", "best") == {"imported", "built"}
    assert executed("train", "--config-dir", "logs/sweep", "--config-name", "best", "--cfg", "job") == set()


@pytest.mark.slow
def test_an_image_is_shown_without_the_code_of_the_model(executed: Executed, plain_data: list[str]) -> None:
    assert executed("sweep", *MODEL, *plain_data, *BUDGET) == {"imported", "built"}
    assert executed("report", "sweep", "report.seeds=1", "report.robustness=false") == {"imported", "built"}
    assert executed("report", "sweep", "report.seeds=1", "report.robustness=false") == set()
    assert executed("show", "sweep", "0") == set()
