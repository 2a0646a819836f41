"""mnistsweep: hyperparameter sweeps for Keras.

`load_sweep` opens a sweep's folder as pandas tables. `load_report` opens a report: the predictions for each test image.
The analyses (`mnistsweep.analysis`) are functions of arrays. The command line does the rest: ``mnistsweep --help``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mnistsweep.version import __version__

__all__ = ["Report", "Sweep", "__version__", "load_report", "load_sweep"]

if TYPE_CHECKING:
    from mnistsweep.evaluation.report import Report, load_report
    from mnistsweep.study.sweep import Sweep, load_sweep


def __getattr__(name: str) -> Any:
    """Import a public name at its first use, so that ``mnistsweep --help`` stays fast."""
    if name in ("Sweep", "load_sweep"):
        from mnistsweep.study import sweep

        return getattr(sweep, name)
    if name in ("Report", "load_report"):
        from mnistsweep.evaluation import report

        return getattr(report, name)
    raise AttributeError(f"module 'mnistsweep' has no attribute {name!r}")
