"""Hydra plugins: the sweeper, the launchers of worker processes and of SLURM jobs, the source of named sweeps.

Hydra imports this package whenever it starts, in other applications too: nothing heavy is imported here. The modules
must be imported here: Hydra 1.3 executes plugin modules without registering their names, which dataclasses need.
"""

from hydra_plugins.mnistsweep_sweeper.launcher import LocalLauncher
from hydra_plugins.mnistsweep_sweeper.slurm import SlurmLauncher
from hydra_plugins.mnistsweep_sweeper.source import SweepFiles
from hydra_plugins.mnistsweep_sweeper.sweeper import WorkerSweeper

__all__ = ["LocalLauncher", "SlurmLauncher", "SweepFiles", "WorkerSweeper"]
