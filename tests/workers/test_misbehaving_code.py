"""Users' code that misbehaves in a trial: the trial fails with its reason, the others are as if it had not run."""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd
import pytest
from fakes import RunSweep
from running_sweeps import Folder
from user_modules import write_module

from mnistsweep.printable import printable
from mnistsweep.study.records import State

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
    kind = None
    def on_train_batch_end(self, batch, logs=None):
        if Raises.kind == "callback":
            raise KeyboardInterrupt

def spoil(kind):
    # Change the process in every way that another trial could notice.
    import gc, signal, threading
    import numpy as np
    os.chdir("/")
    os.environ["OF_A_TRIAL"] = kind
    os.environ.pop("HOME", None)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.set_wakeup_fd(-1)
    sys.excepthook = threading.excepthook = None
    keras.config.set_dtype_policy("mixed_float16")
    keras.config.set_floatx("float64")
    keras.config.set_epsilon(0.5)
    np.seterr(all="ignore")
    gc.disable()
    sys.setrecursionlimit(5000)
    sys.stdout.close()
    sys.stderr = None
    os.close(1)
    os.close(2)

def state():
    # What a trial notices of the process.
    import gc, signal
    import numpy as np
    print("written", flush=True)
    os.fstat(2)
    return repr([
        os.getcwd(), os.environ.get("OF_A_TRIAL"), "HOME" in os.environ, str(signal.getsignal(signal.SIGTERM))[:25],
        str(signal.getsignal(signal.SIGINT))[:25], sys.excepthook is sys.__excepthook__, keras.config.floatx(),
        keras.config.dtype_policy().name, keras.config.epsilon(), np.geterr(), gc.isenabled(), sys.getrecursionlimit(),
        sys.stderr.closed,
    ])

def net(input_shape, classes, kind):
    Raises.kind = kind
    if kind.startswith("state"):
        with open(os.environ["STATES"], "a") as file:
            file.write(state() + "\\n")
    if kind == "dies":
        os._exit(0)
    if kind.startswith("spoils"):
        spoil(kind)
        if kind == "spoils":
            return layers  # is no model
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
    "callback": ("KeyboardInterrupt", "on_train_batch_end"),
    "deep": ("RecursionError: maximum recursion depth exceeded", "lines left out ..."),
    "fine": ("", ""),
}

LIMITS = ["max_consecutive_failed_trials=99", "max_failed_trials=99"]


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    return write_module(tmp_path, monkeypatch, MODEL)


def test_whatever_a_model_raises_is_the_reason_of_its_trial(run_sweep: RunSweep, model: str) -> None:
    kinds = ",".join(f"'{kind}'" for kind in REASONS)
    callback = f"trainer.callbacks=[{{_target_: {model}.Raises}}]"
    choice = [f"model._target_={model}.net", f"+model.kind={kinds}"]
    sweep = run_sweep([*choice, callback, "name=odd", *LIMITS])
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


@pytest.mark.slow
@pytest.mark.parametrize("launcher", ["basic", "local"])
def test_a_trial_ends_neither_its_process_nor_the_command_and_changes_nothing_for_the_next_one(
    launcher: str, sweeps: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the launcher basic, the process of the trials is that of the command, whose output they close."""
    (sweeps.folder / "own.py").write_text(MODEL, encoding="utf-8")
    monkeypatch.setenv("STATES", str(tmp_path / "states"))
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    kinds = "state 0,spoils,state 1,spoils and trains,state 2,interrupt,terminal"
    sweep = ["model._target_=own.net", f"+model.kind={kinds}", "oracle=grid", "trainer.epochs=1"]
    printed = sweeps.run("spoilt", f"hydra/launcher={launcher}", *sweep)
    assert "4 completed" in printed
    rows = sweeps.table("spoilt")
    assert [row[1] for row in rows[1:]] == ["completed", "failed", *["completed"] * 3, "failed", "failed"]
    assert rows[2][-2].startswith("model._target_: own.net must return a keras.Model")
    assert [row[-2] for row in rows[6:]] == [REASONS["interrupt"][0], REASONS["terminal"][0]]
    assert rf"trial 6 failed: {REASONS['terminal'][0]}" in printed
    assert printable(printed) == printed
    assert printed.isascii(), "PYTHONIOENCODING was ignored"
    _, *states = (tmp_path / "states").read_text(encoding="utf-8").splitlines()  # the first is that of the rehearsal
    assert len(states) == 3
    assert states[0] == states[1] == states[2]
    assert str(sweeps.folder) in states[0]
    assert sweeps.paths("spoilt").trial(3).model.is_file(), "the working directory changed in the trial"


@pytest.mark.slow
def test_a_process_that_users_code_ends_is_a_crash_of_its_trial(sweeps: Folder) -> None:
    (sweeps.folder / "own.py").write_text(MODEL, encoding="utf-8")
    sweep = ["model._target_=own.net", "+model.kind=fine,dies,fine too", "oracle=grid", "trainer.epochs=1"]
    sweeps.run("died", *sweep)
    rows = sweeps.table("died")
    assert [row[1] for row in rows[1:]] == ["completed", "failed", "completed"]
    assert rows[2][-2].startswith("the worker's process died 2 times while it ran this trial, before it had finished")


LEFT_RUNNING = """
import atexit, threading
import keras

def wait():
    threading.Event().wait()

def net(input_shape, classes, kind):
    if kind == "thread":
        threading.Thread(target=wait).start()
    else:
        atexit.register(wait)
    return keras.Sequential([keras.Input(input_shape), keras.layers.Flatten(), keras.layers.Dense(classes, "softmax")])
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["thread", "exit"])
def test_a_sweep_ends_although_a_thread_or_an_exit_function_of_the_user_does_not(
    kind: str, sweeps: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MNISTSWEEP_UNRESPONSIVE_SECONDS", "1")
    (sweeps.folder / "left_running_for_tests.py").write_text(LEFT_RUNNING)
    target = "model._target_=left_running_for_tests.net"
    sweeps.run("left", target, f"+model.kind={kind}", "optimizer.learning_rate=0.1,0.2", "trainer.epochs=1", "trials=2")
    assert [record.state for record in sweeps.records("left")] == [State.COMPLETED] * 2
    log = sweeps.paths("left").worker_log(0).read_text(encoding="utf-8")
    assert log.endswith("exit: a thread or an exit function of the user's code did not end in time\n")
