"""mnistsweep: hyperparameter sweeps for Keras.

`load_sweep` opens a sweep's folder as pandas tables, `load_report` what its report's models say of each test image; the
analyses (`mnistsweep.analysis`) are functions of arrays. All else is done from the command line, ``mnistsweep --help``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["Report", "Sweep", "__version__", "load_report", "load_sweep"]

if TYPE_CHECKING:
    from mnistsweep.commands.show import Report, load_report
    from mnistsweep.study.sweep import Sweep, load_sweep


def __getattr__(name: str) -> Any:
    """Import on first use: ``mnistsweep --help`` needs none of it."""
    if name in ("Sweep", "load_sweep"):
        from mnistsweep.study import sweep

        return getattr(sweep, name)
    if name in ("Report", "load_report"):
        from mnistsweep.commands import show

        return getattr(show, name)
    raise AttributeError(f"module 'mnistsweep' has no attribute {name!r}")
