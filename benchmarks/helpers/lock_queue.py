"""Workers that wait for one lock, simulated: a closed queue with one server, first come, first served.

Each worker repeats its steps forever: it works for a while without the lock, waits for the lock, and holds it. The
workers do not wait for each other otherwise, so one pass over the requests in the order of their arrival is exact.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Seconds = Callable[[], float]
"""Gives a duration in seconds; a random one is drawn at each call."""

WARM_UP = 0.2
"""Share of the requests at the start that is not counted, because the queue is still empty."""


@dataclass(frozen=True)
class Step:
    """A part of what a worker repeats.

    Attributes:
        pause: Time before the worker asks for the lock.
        hold: Time for which it then holds the lock.
    """

    pause: Seconds
    hold: Seconds


@dataclass(frozen=True)
class Load:
    """What a simulation found, after its start.

    Attributes:
        waits: Times that the workers waited for the lock, in seconds, for each step; sorted.
        busy: Share of the time for which the lock was held.
        cycles: Number of times per second that a worker has done all steps, all workers together.
    """

    waits: Sequence[Sequence[float]]
    busy: float
    cycles: float


def simulate(steps: Sequence[Step], workers: int, requests: int) -> Load:
    """Simulate workers that share a lock.

    Args:
        steps: What each worker repeats.
        workers: Number of workers; they start at the first step, after a part of its pause that spreads them evenly.
        requests: Number of times that the lock is taken, by all workers together.

    Example:
        >>> load = simulate([Step(lambda: 9.0, lambda: 1.0)], workers=1, requests=10)
        >>> round(load.busy, 9), round(load.cycles, 9), max(load.waits[0])
        (0.1, 0.1, 0.0)
    """
    arrivals = [(steps[0].pause() * (index + 1) / workers, index, 0) for index in range(workers)]
    heapq.heapify(arrivals)
    waits: list[list[float]] = [[] for _ in steps]
    free = began = held = 0.0
    skipped = int(WARM_UP * requests)
    for count in range(requests):
        arrival, worker, index = heapq.heappop(arrivals)
        start, hold = max(arrival, free), steps[index].hold()
        free = start + hold
        following = (index + 1) % len(steps)
        heapq.heappush(arrivals, (free + steps[following].pause(), worker, following))
        if count < skipped:
            began = free
        else:
            held += hold
            waits[index].append(start - arrival)
    seconds = free - began
    return Load([sorted(found) for found in waits], held / seconds, (requests - skipped) / len(steps) / seconds)
