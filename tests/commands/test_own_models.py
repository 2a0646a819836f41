"""Every command on a sweep of models that Keras cannot read back without the user's help."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from own_models import OWN_MODELS

from mnistsweep.paths import SweepPaths
from mnistsweep.study.sweep import load_sweep

Command = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path) -> Command:
    """Run a command in a process of its own; it must print nothing unexpected to the standard error."""
    (tmp_path / "own.py").write_text(OWN_MODELS, encoding="utf-8")

    def command(*arguments: str) -> str:
        line = [sys.executable, "-m", "mnistsweep.cli", *arguments]
        ended = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=False)
        expected = ("written: ", "Keras cannot write this model as a whole")
        printed = [line for line in ended.stderr.splitlines() if not any(text in line for text in expected)]
        assert (ended.returncode, printed) == (0, []), ended.stderr
        return ended.stdout

    return command


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "suffix"), [("lambdas", ".keras"), ("opaque", ".weights.h5")])
def test_every_command_reads_the_checkpoints(
    run: Command, tiny_data: list[str], tmp_path: Path, kind: str, suffix: str
) -> None:
    model = [f"model._target_=own.{kind}", "trainer.batch_size=16", "trainer.epochs=2", "seed=3"]
    run("sweep", *tiny_data, *model, "optimizer.learning_rate=0.01,0.02", "name=own")
    paths = SweepPaths(tmp_path / "logs" / "own")
    log = paths.worker_log(0).read_text(encoding="utf-8")
    assert log.count("Keras cannot write this model as a whole") == (2 if kind == "opaque" else 0)
    options = ["report.seeds=1", "report.top_trials=1", "report.robustness=true"]
    for refit in ("false", "true"):
        printed = run("report", "logs/own", *options, f"report.refit={refit}")
        assert "cannot be loaded" not in printed
        assert "records" not in printed, "the objective that is measured again is the recorded one"
    assert "image 0" in run("show", "logs/own", "0")
    run("clean", "logs/own", "clean.folds=2", "clean.seeds=1")
    run("export", "logs/own", "--output", "b.yaml", "--model", f"best{suffix}")
    best = load_sweep(paths.folder).trials.sort_values("objective").index[-1]
    name = "best.weights.h5" if kind == "opaque" else "best.keras"
    assert (tmp_path / f"best{suffix}").read_bytes() == (paths.trial(int(best)).folder / name).read_bytes()
    sys.path.insert(0, str(tmp_path))
    built = getattr(__import__("own"), kind)((6, 6, 1), 4)
    built.load_weights(tmp_path / f"best{suffix}")
    assert np.isfinite(built.predict(keras.ops.zeros((2, 6, 6, 1)), verbose=0)).all()
