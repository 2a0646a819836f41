"""The memory limit of a worker."""

from __future__ import annotations

import psutil
import pytest

from mnistsweep.workers.memory import MemoryLimit
from mnistsweep.workers.trial_hooks import TrialHooks


@pytest.mark.parametrize(("gigabytes", "exceeded"), [(1e-6, True), (1e6, False)])
def test_a_process_is_too_large_past_the_limit(gigabytes: float, exceeded: bool) -> None:
    assert MemoryLimit(gigabytes, 1).is_exceeded() == exceeded


def test_by_default_a_worker_has_its_part_of_the_machine() -> None:
    alone, shared = MemoryLimit(None, 1).num_bytes, MemoryLimit(None, 4).num_bytes
    assert alone // 4 == pytest.approx(shared, abs=4)
    assert 0 < alone <= 0.8 * psutil.virtual_memory().total


def test_a_worker_is_replaced_only_if_it_is_too_large_without_live_models() -> None:
    """The memory is above the limit: removing live models helps, then it does not, then none is left."""

    class Limit(MemoryLimit):
        answers = iter([False, True, False, True, True, True])

        def is_exceeded(self) -> bool:
            return next(self.answers)

    hooks = TrialHooks(*[None] * 4, Limit(1.0, 1))  # type: ignore[arg-type]
    hooks.num_started = 1
    released = iter([True, True, False])
    hooks.release_memory = lambda: next(released)
    assert [hooks.should_be_replaced() for _ in range(4)] == [False, False, True, True]
    assert list(released) == []
    assert hooks.free_bytes() == pytest.approx(1e9 - psutil.Process().memory_info().rss, abs=1e8)
