"""Freeze-thaw search: it pauses trainings, compares their curves by a Gaussian process, and continues the best."""

from mnistsweep.search.freeze_thaw.scheduler import FreezeThaw

__all__ = ["FreezeThaw"]
