"""Hydra plugins: the sweeper that launches workers, the launcher that runs them here, the source of sweeps.

Hydra imports this package at each of its starts, also those of other applications: nothing heavy is imported here. The
modules must be imported here: Hydra 1.3 executes them without a name of their own, which dataclasses need.
"""

from hydra_plugins.mnistsweep_sweeper.launcher import LocalLauncher
from hydra_plugins.mnistsweep_sweeper.source import SweepFiles
from hydra_plugins.mnistsweep_sweeper.sweeper import WorkerSweeper

__all__ = ["LocalLauncher", "SweepFiles", "WorkerSweeper"]
