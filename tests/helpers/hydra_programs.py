"""Hydra programs of a user, started as the user starts them, and as Hydra passes them to a sweeper."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode

from mnistsweep.config.hydra_private import hydra_context
from mnistsweep.config.program_job import HydraJob
from mnistsweep.paths import SweepPaths

# The files of a program: config groups, a package for a group, an interpolation, a list, a structured configuration.
FILES = {
    "conf/config.yaml": """
defaults:
- schema
- model: mlp
- db@backup: small
- _self_
lr: 0.1
wd: 0.0
sizes: [1, 2]
twice: ${model.units}
note: null
""",
    "conf/model/mlp.yaml": "units: 5\n",
    "conf/model/cnn.yaml": "units: 9\nfilters: 8\nact: relu\n",
    "conf/db/small.yaml": "rows: 1\n",
    "conf/db/large.yaml": "rows: 1000\n",
    "calls.py": """
import os
from pathlib import Path
from hydra.experimental.callback import Callback

class Calls(Callback):
    def _note(self, name):
        with Path(os.environ["CALLS"]).open("a") as file:
            file.write(f"{name}\\n")

    def on_multirun_start(self, config, **kwargs):
        self._note("multirun start")

    def on_job_start(self, config, **kwargs):
        self._note(f"job start {config.hydra.job.num}")

    def on_job_end(self, config, job_return, **kwargs):
        self._note(f"job end {job_return.status.name}")

    def on_multirun_end(self, config, **kwargs):
        self._note("multirun end")
""",
    "train.py": """
import logging
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any
import hydra
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf
import mnistsweep

@dataclass
class Schema:
    lr: float = 0.5
    wd: float = 0.0
    sizes: Any = None
    twice: Any = None
    note: Any = None
    model: Any = None
    backup: Any = None

ConfigStore.instance().store(name="schema", node=Schema)

@hydra.main(version_base=None, config_path="conf", config_name="config")
def main(cfg):
    logging.getLogger(__name__).info("lr is %s", cfg.lr)
    trial = mnistsweep.current_trial()
    score = cfg.lr * 10 + cfg.model.units + cfg.model.get("filters", 0)
    for step in (1, 2, 3):
        trial.report(score + 3 - step, step)
        if trial.should_stop:
            break
    Path(HydraConfig.get().runtime.output_dir, "seen.yaml").write_text(OmegaConf.to_yaml(cfg, resolve=True))
    if cfg.wd == 1:
        raise RuntimeError("wd must not be 1")
    if cfg.wd == 2:
        return math.nan
    print("score", score)
    return {"score": score, "other": 1} if cfg.note == "dict" else score

if __name__ == "__main__":
    main()
    print("the program has ended")
""",
}


def write_program(folder: Path, **files: str) -> Path:
    """Write the files of the program below a folder; returns the folder."""
    for name, text in {**FILES, **files}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def start(folder: Path, *arguments: str, program: tuple[str, ...] = ("train.py",)) -> subprocess.Popen[str]:
    """Start the program."""
    return subprocess.Popen(
        [sys.executable, *program, *arguments], cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def run(
    folder: Path, *arguments: str, program: tuple[str, ...] = ("train.py",), code: int = 0
) -> subprocess.CompletedProcess[str]:
    """Run the program, which must end with an exit code."""
    process = start(folder, *arguments, program=program)
    out, err = process.communicate()
    assert process.returncode == code, out + err + logs(folder)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def sweep(folder: Path, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Run a sweep of the program."""
    return run(folder, "-m", "hydra/sweeper=mnistsweep", *arguments, code=code)


def logs(folder: Path) -> str:
    """What the workers below a folder have printed."""
    return "".join(f"\n{log}:\n{log.read_text()}" for log in sorted(folder.rglob("workers/*.log")))


def seen(paths: SweepPaths, number: int) -> dict[str, object]:
    """The configuration that the program got in a job."""
    content: dict[str, object] = yaml.safe_load((paths.folder / str(number) / "seen.yaml").read_text())
    return content


@contextlib.contextmanager
def hydra_job(folder: Path, *overrides: str) -> Iterator[HydraJob]:
    """What Hydra passes to the sweeper of a program, in this process; there is no structured configuration."""
    (folder / "conf/config.yaml").write_text(FILES["conf/config.yaml"].replace("- schema\n", ""), encoding="utf-8")
    with initialize_config_dir(str(folder / "conf"), version_base=None, job_name="train"):
        hydra = GlobalHydra.instance().hydra
        assert hydra is not None
        given = ["hydra/sweeper=mnistsweep", "hydra.mode=MULTIRUN", *overrides]
        config = hydra.compose_config("config", given, RunMode.MULTIRUN)
        own = tuple(text for text in overrides if not text.lstrip("+~").startswith("hydra"))
        yield HydraJob(hydra_context(hydra.config_loader), config, lambda config: 0.0, own)
