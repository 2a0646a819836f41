"""The plugins on a Hydra command line: a program with `@hydra.main`, started with `-m hydra/sweeper=mnistsweep`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mnistsweep.config.resources import conf_folder
from mnistsweep.study.sweep import load_sweep

PROGRAM = """
import hydra
from mnistsweep.config.schema import register

register()

@hydra.main(version_base="1.3", config_path={conf!r}, config_name="config")
def main(config):
    print("trained by the program itself:", config.model.dropout)

main()
"""


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    (folder / "train.py").write_text(PROGRAM.format(conf=str(conf_folder())), encoding="utf-8")
    program = [sys.executable, "train.py", "-m", *arguments]
    return subprocess.run(program, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.parametrize("launcher", ["local", "basic"])
def test_the_sweeper_in_another_program(launcher: str, tiny_data: list[str], tmp_path: Path) -> None:
    overrides = [
        *("hydra/sweeper=mnistsweep", f"hydra/launcher={launcher}", "model=perceptron", "trainer.epochs=1"),
        *("model.dropout=0,0.5", "optimizer=adam,sgd", "trials=2", "name=other", "oracle=random"),
    ]
    ended = run(tmp_path, *tiny_data, *overrides)
    assert ended.returncode == 0, ended.stderr
    assert "2 of 2 trials" in ended.stdout
    assert list(load_sweep(tmp_path / "logs" / "other").trials["state"]) == ["completed"] * 2


def test_worker_processes_cannot_run_the_jobs_of_another_sweeper(tmp_path: Path) -> None:
    ended = run(tmp_path, "hydra/sweeper=basic", "model.dropout=0,0.5")
    assert ended.returncode == 1
    assert "hydra/launcher: local runs the workers of hydra/sweeper=mnistsweep; received" in ended.stderr


def test_the_program_runs_the_jobs_of_another_sweeper(tmp_path: Path) -> None:
    ended = run(tmp_path, "hydra/sweeper=basic", "hydra/launcher=basic", "model.dropout=0,0.5")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count("trained by the program itself") == 2
