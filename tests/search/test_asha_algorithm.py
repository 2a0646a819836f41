"""Promotions of asynchronous halving against algorithm 2 of Li et al. (2020), written down as in the paper."""

from __future__ import annotations

import heapq

import numpy as np
import pytest
from fakes import LINE

from mnistsweep.search.asha import Asha
from mnistsweep.search.scheduler import Continue, Curve, Phase, SearchView, Start
from mnistsweep.search.sequences import PointSequence, SequenceOracle


class Paper:
    """The function `get_job` of the paper, with a reduction factor and a number of the last rung."""

    def __init__(self, eta: int, last: int) -> None:
        self.eta = eta
        self.rungs: list[dict[int, float]] = [{} for _ in range(last + 1)]
        self.promoted: list[set[int]] = [set() for _ in range(last + 1)]
        self.num_started = 0

    def get_job(self) -> tuple[int, int]:
        """A trial and the rung to train it to."""
        for rung in reversed(range(len(self.rungs) - 1)):
            ranked = sorted(self.rungs[rung], key=lambda trial: self.rungs[rung][trial])
            candidates = ranked[: len(ranked) // self.eta]
            promotable = [trial for trial in candidates if trial not in self.promoted[rung]]
            if promotable:
                self.promoted[rung].add(promotable[0])
                return promotable[0], rung + 1
        self.num_started += 1
        return self.num_started - 1, 0


@pytest.mark.parametrize(("first", "eta", "last", "workers"), [(1, 2, 4, 1), (1, 2, 4, 5), (2, 3, 2, 8), (3, 4, 2, 3)])
def test_each_job_is_that_of_the_algorithm(first: int, eta: int, last: int, workers: int) -> None:
    rng = np.random.default_rng([first, eta, workers])
    longest = first * eta**last
    losses = rng.random(1000)[:, None] * rng.lognormal(0.0, 0.3, (1000, longest))  # the ranking changes with the epoch
    paper, ours = Paper(eta, last), Asha(SequenceOracle(PointSequence(LINE, "random", 0)), False, first, eta)
    curves: list[Curve] = []
    running: list[tuple[float, int, int]] = []
    now = 0.0
    for _ in range(400):
        if len(running) == workers:
            now, number, rung = heapq.heappop(running)
            epochs = first * eta**rung
            values = dict(enumerate(losses[number, :epochs].tolist(), start=1))
            phase = Phase.ENDED if epochs == longest else Phase.PAUSED
            curves[number] = Curve(number, {"x": number}, phase, longest, values, epochs)
            paper.rungs[rung][number] = values[epochs]
        number, rung = paper.get_job()
        job, epochs = ours.next_job(SearchView(tuple(curves)), None), first * eta**rung  # type: ignore[arg-type]
        if rung == 0:
            assert isinstance(job, Start)
            assert (number, job.until) == (len(curves), epochs)
            curves.append(Curve(number, {"x": number}, Phase.RUNNING, longest, {}, epochs))
        else:
            assert job == Continue(number, epochs)
            values = curves[number].values
            curves[number] = Curve(number, {"x": number}, Phase.RUNNING, longest, values, epochs)
        heapq.heappush(running, (now + float(rng.exponential(epochs)), number, rung))
    assert any(paper.rungs[last])
