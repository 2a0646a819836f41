"""Samplers learn from violated constraints, also from those of trials that were not trained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fakes import make_search, open_study

from mnistsweep.config.constraints import Constraint
from mnistsweep.dimensions import Float
from mnistsweep.paths import SweepPaths
from mnistsweep.space import SearchSpace
from mnistsweep.study.records import Result, State

PLANE = SearchSpace((Float("x", 0.0, 1.0), Float("y", 0.0, 1.0)))

BOUND = 0.4


def proposed(folder: Path, oracle: str, is_trained: bool) -> list[float]:
    """The values of x of the last trials, where the best x is the largest one that the constraint allows."""
    search = make_search(PLANE, oracle, trials=60, failed=None, failed_in_a_row=100)
    search = replace(search, constraints=(Constraint("parameters", True, BOUND),))
    values = []
    with open_study(SweepPaths(folder), search) as study:
        while (claim := study.claim()) is not None:
            x = float(claim.point["x"])
            values.append(x)
            if is_trained or x <= BOUND:
                study.finish(claim, State.COMPLETED, Result(x, 1, 1, 0.1, quantities={"parameters": x}))
            else:
                study.finish(claim, State.FAILED, Result(reason="large", limited=True, quantities={"parameters": x}))
    return values[30:]


@pytest.mark.parametrize("oracle", ["tpe", "cmaes"])
def test_most_proposals_keep_the_constraint(tmp_path: Path, oracle: str) -> None:
    values = np.array(proposed(tmp_path / "s", oracle, is_trained=True))
    assert (values <= BOUND).mean() >= 0.6  # close to 0 without the constraint
    assert np.median(values) > BOUND / 2  # and they are good
    refused = proposed(tmp_path / "refused", oracle, is_trained=False)
    assert refused == values.tolist()  # they learn as much from trials that were not trained
