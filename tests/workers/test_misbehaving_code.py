"""Users' code that misbehaves in a trial: the trial fails with its reason, the others are as if it had not run."""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd
import pytest
from fakes import RunSweep
from running_sweeps import Folder

from mnistsweep.printable import printable

MODEL = """
import asyncio, os, sys
import keras
from keras import layers

class Own(BaseException):
    pass

class Broken(Exception):
    def __str__(self):
        raise SystemExit(7)

def deep(n):
    return shallow(n)

def shallow(n):
    return deep(n)

RAISED = {
    "text exit": lambda: SystemExit("no data"),
    "exit": lambda: SystemExit(0),
    "interrupt": KeyboardInterrupt,
    "generator": GeneratorExit,
    "cancelled": asyncio.CancelledError,
    "iteration": StopIteration,
    "own": lambda: Own("mine"),
    "group": lambda: BaseExceptionGroup("both", [ValueError("a"), KeyboardInterrupt()]),
    "broken": Broken,
    "surrogate": lambda: ValueError("a\\udc80b"),
    "terminal": lambda: ValueError("\\x1b]0;owned\\x07\\x1b[2J\\u202e [/red], \\r\\n\\x00"),
    "huge": lambda: ValueError("x" * 10_000_000),
    "memory": MemoryError,
}

class Raises(keras.callbacks.Callback):
    def __init__(self, kind):
        super().__init__()
        self.kind = kind
    def on_train_batch_end(self, batch, logs=None):
        raise RAISED[self.kind]()

def net(input_shape, classes, kind):
    if kind == "deep":
        deep(0)
    if kind in RAISED:
        raise RAISED[kind]()
    model = keras.Sequential([keras.Input(input_shape), layers.Flatten(), layers.Dense(classes, "softmax")])
    return model
"""

# The reason of each trial, and what is near the end of its traceback.
REASONS = {
    "text exit": ("SystemExit: no data", "SystemExit: no data"),
    "exit": ("SystemExit: 0", "raise RAISED[kind]()"),
    "interrupt": ("KeyboardInterrupt", "raise RAISED[kind]()"),
    "generator": ("GeneratorExit", "raise RAISED[kind]()"),
    "cancelled": ("CancelledError", "raise RAISED[kind]()"),
    "iteration": ("StopIteration", "raise RAISED[kind]()"),
    "own": ("Own: mine", "Own: mine"),
    "group": ("BaseExceptionGroup: both (2 sub-exceptions); ValueError: a; KeyboardInterrupt", "ValueError: a"),
    "broken": ("Broken: (no message: its __str__ raised SystemExit)", "raise RAISED[kind]()"),
    "surrogate": (r"ValueError: a\udc80b", r"ValueError: a\udc80b"),
    "terminal": (r"ValueError: \x1b]0;owned\x07\x1b[2J\u202e [/red], \x00", r"\x1b]0;owned"),
    "huge": ("ValueError: " + "x" * 285 + "...", "characters left out ..."),
    "memory": ("MemoryError: the process ran out of memory", "MemoryError"),
    "deep": ("RecursionError: maximum recursion depth exceeded", "lines left out ..."),
    "fine": ("", ""),
}


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    name = f"misbehaves_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(MODEL, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    return f"{name}.net"


def test_whatever_a_model_raises_is_the_reason_of_its_trial(run_sweep: RunSweep, model: str) -> None:
    kinds = ",".join(f"'{kind}'" for kind in REASONS)
    sweep = run_sweep(
        [f"model._target_={model}", f"+model.kind={kinds}", "name=odd", "max_consecutive_failed_trials=99"]
    )
    content = sweep.paths.results.read_text(encoding="utf-8")
    rows = {row["model.kind"]: row for row in csv.DictReader(content.splitlines())}
    assert {kind: row["reason"] for kind, row in rows.items()} == {
        kind: reason for kind, (reason, _) in REASONS.items()
    }
    assert [row["state"] for row in rows.values()] == ["failed"] * (len(REASONS) - 1) + ["completed"]
    assert printable(content) == content
    assert pd.read_csv(sweep.paths.results, dtype=str)["reason"].tolist()[:-1] == [r for r, _ in REASONS.values() if r]
    for kind, (_, near_the_end) in list(REASONS.items())[:-1]:
        file = sweep.paths.trial(int(rows[kind]["trial"])).error
        assert file.stat().st_size < 20_000
        text = file.read_text(encoding="utf-8")
        assert near_the_end in text
        assert printable(text) == text
    assert not sweep.paths.trial(int(rows["fine"]["trial"])).error.exists()


def test_an_interrupt_without_a_signal_ends_neither_worker_nor_command(sweeps: Folder) -> None:
    (sweeps.folder / "own.py").write_text(MODEL, encoding="utf-8")
    sweep = ["model._target_=own.net", "+model.kind=interrupt,terminal,fine", "oracle=grid", "trainer.epochs=1"]
    printed = sweeps.run("odd", *sweep, "trainer.callbacks=[{_target_: own.Raises, kind: interrupt}]")
    assert {row[-2] for row in sweeps.table("odd")[1:]} == {*(REASONS[kind][0] for kind in ("interrupt", "terminal"))}
    assert "trial 2 failed: KeyboardInterrupt" in printed
    assert printable(printed) == printed
