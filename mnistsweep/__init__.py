"""mnistsweep: hyperparameter sweeps for Keras.

- `sweep` searches the values with which a Python function is best: one that builds a Keras model, or one that trains in
  its own way (it gets a `Trial`). `Int`, `Float` and `Choice` are the ranges of its search space; it returns a
  `SweepResult`.
- `load_sweep` opens a sweep's folder as pandas tables. `load_report` opens a report: the predictions for each test
  image.
- `errors` has the exceptions that these functions raise.

The analyses (`mnistsweep.analysis`) are functions of arrays. The command line does the rest: ``mnistsweep --help``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from mnistsweep.version import __version__

__all__ = [
    "Choice",
    "Float",
    "Int",
    "KerasCallback",
    "Report",
    "Sweep",
    "SweepResult",
    "Trial",
    "__version__",
    "current_trial",
    "errors",
    "load_report",
    "load_sweep",
    "sweep",
]

if TYPE_CHECKING:
    from mnistsweep import errors
    from mnistsweep.api.result import SweepResult
    from mnistsweep.api.space import Choice, Float, Int
    from mnistsweep.api.sweep import sweep
    from mnistsweep.evaluation.report import Report, load_report
    from mnistsweep.running_trial import current_trial
    from mnistsweep.study.sweep import Sweep, load_sweep
    from mnistsweep.training.callbacks.keras_callback import KerasCallback
    from mnistsweep.workers.trial import Trial

_MODULES = {
    "Choice": "api.space",
    "Float": "api.space",
    "Int": "api.space",
    "KerasCallback": "training.callbacks.keras_callback",
    "Report": "evaluation.report",
    "Sweep": "study.sweep",
    "SweepResult": "api.result",
    "Trial": "workers.trial",
    "current_trial": "running_trial",
    "load_report": "evaluation.report",
    "load_sweep": "study.sweep",
    "sweep": "api.sweep",
}
"""Module of each public name, imported at its first use, so that ``mnistsweep --help`` stays fast."""


def __getattr__(name: str) -> Any:
    """Import a public name at its first use."""
    if name == "errors":
        return importlib.import_module("mnistsweep.errors")
    if name in _MODULES:
        return getattr(importlib.import_module(f"mnistsweep.{_MODULES[name]}"), name)
    raise AttributeError(f"module 'mnistsweep' has no attribute {name!r}")


def __dir__() -> list[str]:
    """Public names, for the completion of names in a notebook."""
    return sorted({*globals(), *__all__})
