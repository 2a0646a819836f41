"""Data sets: sources, split, scaling and augmentation.

::

    load(config)                 training and validation split, scaled: the data of a trial
    load_test(config)            test set, for the report only
    check(config)                all checks that are possible before anything is trained
    checksum(config)             checksum of the training data, stored with the results
    training_positions(config)   positions of the training split in the training set of the source

``config`` is the ``data`` group of the configuration, a plain mapping; ``conf/data/base.yaml`` explains its keys.
Importing this package imports numpy and nothing heavier.
"""

from __future__ import annotations

from mnistsweep.data.augmentation import Augmentation
from mnistsweep.data.dataset import Dataset
from mnistsweep.data.examples import Examples
from mnistsweep.data.held_out import HeldOut
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
