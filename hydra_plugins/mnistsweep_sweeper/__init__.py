"""Hydra plugins of mnistsweep: the sweeper that launches workers, and the launcher that runs them on this machine."""
