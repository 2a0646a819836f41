"""Sweeps from a script or a notebook, without a configuration file: `mnistsweep.sweep`.

::

    sweep.py       sweep: plans and runs a sweep of a Python function
    space.py       Int, Float, Choice: ranges of the search space
    program.py     what a call of sweep was given: a model and data, or a function of a trial
    keywords.py    keyword arguments as overrides of the configuration
    caller.py      the settings of the calling process, and its signals
    result.py      SweepResult: best trial, tables, model and report of a sweep
"""

import contextlib
import importlib
import warnings

# Optuna imports tqdm, which warns in a notebook without ipywidgets; mnistsweep shows no bar of tqdm.
with warnings.catch_warnings(), contextlib.suppress(ImportError):
    warnings.filterwarnings("ignore", message="IProgress not found")
    importlib.import_module("tqdm.auto")
