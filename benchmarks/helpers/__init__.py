"""Helpers of the benchmarks; importing the package lets child processes run ``python -m helpers.faulty``."""

import os
from pathlib import Path

_FOLDER = str(Path(__file__).resolve().parents[1])
_PATHS = os.environ.get("PYTHONPATH", "").split(os.pathsep)
if _FOLDER not in _PATHS:
    os.environ["PYTHONPATH"] = os.pathsep.join([_FOLDER, *filter(None, _PATHS)])
