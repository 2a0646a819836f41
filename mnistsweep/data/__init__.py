"""Data sets: where they come from, how they are split, scaled and augmented.

::

    load(config)        the training and validation side, scaled; what a trial trains on
    load_test(config)   the test set, for the reporter alone
    check(config)       everything that can be found wrong before anything is trained
    checksum(config)    a short name for the training data, kept with the results
    training_positions(config)   where in the training set the training side stands

``config`` is the ``data`` group of the configuration, a plain mapping; ``conf/data/base.yaml`` explains its keys.
Importing this package imports numpy and nothing heavier.
"""

from __future__ import annotations

from mnistsweep.data.augmentation import Augmentation
from mnistsweep.data.examples import Dataset, Examples, HeldOut
from mnistsweep.data.loading import check, checksum, load, load_test, training_positions

__all__ = [
    "Augmentation",
    "Dataset",
    "Examples",
    "HeldOut",
    "check",
    "checksum",
    "load",
    "load_test",
    "training_positions",
]
