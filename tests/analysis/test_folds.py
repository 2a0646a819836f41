"""Folds with the classes in proportion."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from mnistsweep.analysis.folds import assign_folds
from mnistsweep.errors import DataError


def test_folds_have_the_classes_in_proportion() -> None:
    labels = np.repeat([0, 1, 2], [50, 30, 20])
    folds = assign_folds(labels, 5, classes=3, seed=0)
    for fold in range(5):
        assert_array_equal(np.bincount(labels[folds == fold]), [10, 6, 4])
    assert_array_equal(folds, assign_folds(labels, 5, classes=3, seed=0))
    assert (folds != assign_folds(labels, 5, classes=3, seed=1)).any()


def test_a_class_with_fewer_examples_than_folds_is_refused() -> None:
    with pytest.raises(DataError, match="class 2 has 4 examples in the training split, received 5 folds"):
        assign_folds(np.repeat([0, 1, 2], [50, 30, 4]), 5, classes=3, seed=0)
    with pytest.raises(DataError, match="class 3 has 0 examples"):
        assign_folds(np.repeat([0, 1, 2], 50), 5, classes=4, seed=0)
