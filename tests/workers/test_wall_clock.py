"""Sweeps whose wall clock jumps by days: the budget of hours, the table and the exit code stay the same."""

from __future__ import annotations

import itertools
import os
import signal
import time
from pathlib import Path

import psutil
import pytest
from fakes import RunSweep, wait_until
from running_sweeps import Folder

from mnistsweep.study.ledger import Ledger
from mnistsweep.study.records import State

DAY = 24 * 3600

# Every process of a sweep imports this at its start: each reading of the wall clock is days from the one before.
JUMPING = """
import itertools, time

real, real_ns, readings = time.time, time.time_ns, itertools.count()
time.time = lambda: real() + {seconds} * next(readings)
time.time_ns = lambda: real_ns() + {seconds} * next(readings) * 10**9
"""


def test_a_jump_while_a_worker_runs(run_sweep: RunSweep, monkeypatch: pytest.MonkeyPatch) -> None:
    real, readings = time.time, itertools.count()
    monkeypatch.setattr(time, "time", lambda: real() + 3 * DAY * next(readings))
    before = time.monotonic()
    sweep = run_sweep(["model.layer_size=4,8,12", "trials=3", "hours=1", "name=s"])
    ledger = Ledger(sweep.paths)
    assert [record.state for record in ledger.records()] == [State.COMPLETED] * 3
    assert 0 < ledger.running_seconds() <= time.monotonic() - before


@pytest.mark.slow
@pytest.mark.parametrize("days", [3, -3])
def test_a_real_sweep_with_kills(sweeps: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int) -> None:
    (tmp_path / "sitecustomize.py").write_text(JUMPING.format(seconds=days * DAY))
    paths = [str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])]
    search = ["model.dropout=interval(0,0.5)", "oracle=random", "trials=3", "trainer.epochs=30", "hours=1"]
    sweeps.run("steady", *search)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    before = time.monotonic()
    killed = sweeps.start("jumping", *search, "workers=2")
    wait_until(lambda: sweeps.running("jumping", 5))
    children = [child.pid for child in psutil.Process(killed.pid).children()]
    os.kill(sweeps.running("jumping", 5)[0], signal.SIGKILL)
    os.kill(killed.pid, signal.SIGKILL)
    killed.communicate()
    wait_until(lambda: not any(psutil.pid_exists(pid) for pid in children))
    printed = sweeps.run("jumping", *search, "workers=2")
    assert "ended: the budget of 3 trials (trials=3) was used" in printed
    assert sweeps.table("jumping") == sweeps.table("steady")
    assert 0 < Ledger(sweeps.paths("jumping")).running_seconds() <= time.monotonic() - before
    spent = sweeps.run("jumping", *search, "trials=9", "hours=0.0001")
    assert "this sweep is complete: the budget of 0.36 s (hours=0.0001) was spent after " in spent
    assert "with 3 of 9 trials; more: hours=N" in spent
