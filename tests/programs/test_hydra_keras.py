"""A user's own Hydra program that trains with Keras: reports, pruning, and the value that the program gives alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from hydra_programs import run, sweep, write_program

from mnistsweep.paths import SweepPaths
from mnistsweep.study.ledger import Ledger
from mnistsweep.study.records import State
from mnistsweep.study.sweep import load_sweep

PROGRAM = """
import hydra
import keras
import numpy as np
import mnistsweep

@hydra.main(version_base=None, config_path="conf", config_name="config")
def main(cfg):
    keras.utils.set_random_seed(cfg.seed)
    x = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
    model = keras.Sequential([keras.layers.Dense(cfg.units, "relu"), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(cfg.lr), "mse")
    callbacks = [mnistsweep.KerasCallback()]
    logs = model.fit(x, x.sum(1), validation_split=0.25, epochs=3, verbose=0, callbacks=callbacks).history
    print("measured", repr(logs["val_loss"][-1]), len(logs["val_loss"]))
    return {"loss": logs["loss"][-1], "val_loss": logs["val_loss"][-1]}

if __name__ == "__main__":
    main()
"""
CONFIG = """
defaults:
- override hydra/sweeper: mnistsweep
- _self_
seed: 1
units: 4
lr: 0.01
hydra:
  sweeper:
    objective: val_loss
    n_trials: 3
    oracle: grid
    pruner: {name: median, startup_trials: 1}
    params:
      lr: 0.01,0.02,1e-9
"""


@pytest.mark.slow
def test_a_program_with_keras(tmp_path: Path) -> None:
    program = write_program(tmp_path, **{"train.py": PROGRAM, "conf/config.yaml": CONFIG})
    sweep(program, "hydra.sweep.subdir=job-${hydra.job.num}")
    paths = SweepPaths(program / "multirun/train")
    records = Ledger(paths).records()
    assert [record.point["lr"] for record in records] == [1e-9, 0.01, 0.02]
    curves = load_sweep(paths.folder).curves
    assert list(curves.groupby("trial").size()) == [record.result.epochs for record in records]
    assert records[0].state is State.COMPLETED
    best = min((r for r in records if r.result.objective is not None), key=lambda r: r.result.objective or 0.0)
    alone = run(program, "--config-dir", str(paths.folder), "--config-name", "best").stdout
    assert f"measured {best.result.objective!r} 3" in alone
    assert list(curves[curves["trial"] == best.number]["val_loss"])[-1] == best.result.objective
    assert all((paths.folder / f"job-{record.number}/.hydra/config.yaml").is_file() for record in records)
