"""The memory limit of a worker."""

from __future__ import annotations

import psutil
import pytest

from mnistsweep.workers.memory import MemoryLimit


@pytest.mark.parametrize(("gigabytes", "exceeded"), [(1e-6, True), (1e6, False)])
def test_a_process_is_too_large_past_the_limit(gigabytes: float, exceeded: bool) -> None:
    assert MemoryLimit(gigabytes, 1).is_exceeded() == exceeded


def test_by_default_a_worker_has_its_part_of_the_machine() -> None:
    alone, shared = MemoryLimit(None, 1).num_bytes, MemoryLimit(None, 4).num_bytes
    assert alone // 4 == pytest.approx(shared, abs=4)
    assert 0 < alone <= 0.8 * psutil.virtual_memory().total
