"""Time of a decision of freeze-thaw search, on made-up curves, for `overhead.py`."""

from __future__ import annotations

import time

import numpy as np

from mnistsweep.config.overrides import parse_overrides
from mnistsweep.search.freeze_thaw import FreezeThaw
from mnistsweep.search.freeze_thaw.scheduler import RANDOM_EVERY
from mnistsweep.search.scheduler import Curve, Phase, SearchView
from mnistsweep.search.sequences import PointSequence
from mnistsweep.space import SearchSpace

MAX_EPOCHS = 16

DECISIONS = 20
"""Number of decisions that are timed, each with one more trial."""


def decision_milliseconds(ranges: tuple[str, ...], observations: int, seed: int) -> list[float]:
    """Return the processor time of decisions, with what is prepared for them, in milliseconds.

    Args:
        ranges: Ranges of the dimensions.
        observations: Number of epochs that the trials have reported before the first decision.
        seed: Seed of the curves and of the search.
    """
    overrides, _ = parse_overrides(list(ranges))
    space = SearchSpace(tuple(one.dimension for one in overrides if one.dimension is not None))
    scheduler = FreezeThaw(PointSequence(space, "random", seed), True, lambda point: MAX_EPOCHS, seed)
    curves = make_curves(space, observations, seed)
    taken = []
    for count in range(len(curves) - DECISIONS, len(curves)):
        view = SearchView(tuple(curves[:count]))
        began = time.process_time()
        scheduler.prepare(view)
        scheduler.next_job(view, None)  # type: ignore[arg-type]
        taken.append(1000 * (time.process_time() - began))
    return taken[RANDOM_EVERY:]  # the first ones list all trials and draw all random points, as a worker does once


def make_curves(space: SearchSpace, observations: int, seed: int) -> list[Curve]:
    """Return trials as in a search: half of them have one epoch, a quarter two, and so on."""
    rng = np.random.default_rng(seed)
    curves: list[Curve] = []
    total = 0
    while total < observations or len(curves) <= DECISIONS:
        number, epochs = len(curves), min(2 ** int(rng.geometric(0.5) - 1), MAX_EPOCHS)
        point = space.point_at(rng.random(len(space.dimensions)).tolist())
        final = 0.05 + 0.2 * (point["model.dropout"] - 0.25) ** 2 + 0.02 * float(rng.random())
        values = {epoch: 1 - final - 0.5 * (1 + 3 * epoch) ** -1.5 for epoch in range(1, epochs + 1)}
        phase = Phase.ENDED if epochs == MAX_EPOCHS else Phase.PAUSED
        curves.append(Curve(number, point, phase, MAX_EPOCHS, values, epochs))
        total += epochs
    return curves
